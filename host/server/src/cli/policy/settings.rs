//! Settings on the command line: `name=value`, where the value is JSON, or text as it stands.

use crate::cases::Given;
use anyhow::{Context as _, bail};
use clap::Args;
use ledger::{Description, ParamKind, ParamValue};

/// Settings a merchant would make.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// Settings, such as `before_hour=9 department=PASTRY`. Lists and flags are JSON: `'tiers=["gold"]'`, `on=false`.
    #[arg(long = "params", value_name = "NAME=VALUE", num_args = 1.., value_parser = pair)]
    params: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl Settings {
    /// The settings as values this policy takes.
    ///
    /// # Errors
    /// A name the policy does not have, or a value it does not take.
    pub(super) fn given(&self, policy: &Description) -> anyhow::Result<Given> {
        let mut given = Given::new();
        for (name, text) in &self.params {
            let kind = policy.params.iter().find(|param| param.name == *name).map(|param| &param.kind);
            let value = value(kind, text).with_context(|| format!("--params {name}={text}"))?;
            if given.insert(name.clone(), value).is_some() {
                bail!("--params sets {name} twice");
            }
        }
        policy.settle(&given).context("--params")?;
        Ok(given)
    }
}

fn value(kind: Option<&ParamKind>, text: &str) -> anyhow::Result<ParamValue> {
    let plain = || ParamValue::Text(text.to_owned());
    let read = serde_json::from_str::<serde_json::Value>(text).ok();
    match (kind, read) {
        // A text may look like a number or a date; only one in quotes is unquoted.
        (Some(ParamKind::Text | ParamKind::Date | ParamKind::Choice(_)), Some(serde_json::Value::String(text))) => {
            Ok(ParamValue::Text(text))
        }
        (Some(ParamKind::Text | ParamKind::Date | ParamKind::Choice(_)), _) | (_, None) => Ok(plain()),
        (_, Some(read)) => serde_json::from_value(read).context("takes whole numbers, flags, texts and lists of them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Param;

    fn policy() -> Description {
        let param = |name: &str, kind, default| Param {
            name: name.into(),
            label: String::new(),
            help: String::new(),
            kind,
            default,
        };
        Description {
            name: "p".into(),
            summary: String::new(),
            events: vec![],
            params: vec![
                param("hour", ParamKind::Number(0, 24), ParamValue::Number(9)),
                param("store", ParamKind::Text, ParamValue::Text(String::new())),
                param("tiers", ParamKind::Texts, ParamValue::Texts(vec![])),
            ],
            stats: vec![],
        }
    }

    fn given(pairs: &[&str]) -> anyhow::Result<Given> {
        let params = pairs.iter().map(|text| pair(text)).collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
        Settings { params }.given(&policy())
    }

    #[test]
    fn values_are_read_as_their_parameter_takes_them() {
        let read = given(&["hour=7", "store=330", "tiers=[\"gold\"]"]).expect("settings");
        let wanted = [
            ("hour".to_owned(), ParamValue::Number(7)),
            ("store".to_owned(), ParamValue::Text("330".into())),
            ("tiers".to_owned(), ParamValue::Texts(vec!["gold".into()])),
        ];
        assert_eq!(read, wanted.into());
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_it_takes() {
        for (pairs, wanted) in [
            (&["hour=25"][..], "parameter \"hour\" must be a whole number from 0 to 24"),
            (&["hours=9"], "the policy has no parameter \"hours\"; it has hour, store, tiers"),
            (&["hour=7", "hour=8"], "--params sets hour twice"),
            (&["hour"], "write name=value"),
            (&["hour=1.5"], "takes whole numbers"),
        ] {
            let why = format!("{:#}", given(pairs).expect_err("refused"));
            assert!(why.contains(wanted), "{pairs:?}: {why}");
        }
    }
}
