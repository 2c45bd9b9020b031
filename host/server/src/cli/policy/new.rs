//! `punchcard policy new`.

use super::{
    Said,
    place::{BUILD, CASES, MANIFEST, SCRIPT},
    subject::path_of,
};
use anyhow::{Context as _, bail};
use clap::Args;
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Characters of a name: it is a folder, a crate and a policy at once.
const NAME_CHARACTERS_MAX: usize = 40;
/// The SDK, where it stands beside this program.
const SDK_FOLDER: &str = "rules-sdk";

const SCRIPT_TEXT: &str = include_str!("new/policy.rhai");
const CASES_TEXT: &str = include_str!("new/cases.json");
const MANIFEST_TEXT: &str = include_str!("new/policy.toml");
const LIB_TEXT: &str = include_str!("new/lib.rs.txt");
const CRATE_TEXT: &str = include_str!("new/Cargo.toml.txt");
const BUILD_TEXT: &str = include_str!("new/build");

/// Make a folder with a working rule, its cases and its page.
#[derive(Debug, Args)]
pub struct New {
    /// The folder to make; its last part is the policy's name: small letters, digits and dashes.
    path: PathBuf,
    /// Write the rule as a script (this is the default).
    #[arg(long, conflicts_with = "rust")]
    rhai: bool,
    /// Write the rule in Rust, built to a Wasm component.
    #[arg(long)]
    rust: bool,
    /// With --rust: the folder of the SDK crate, if it is not found beside this program.
    #[arg(long, value_name = "FOLDER", requires = "rust")]
    sdk: Option<PathBuf>,
}

/// A file to write.
struct Draft {
    name: &'static str,
    text: String,
    executable: bool,
}

impl New {
    pub(super) fn run(&self) -> anyhow::Result<Said> {
        let name = name_of(&self.path)?;
        if self.path.exists() {
            bail!("{} is there already; choose another name, or remove it", self.path.display());
        }
        let drafts = if self.rust { self.rust_drafts(&name)? } else { script_drafts(&name) };
        for draft in &drafts {
            write(&self.path, draft)?;
        }
        let files = drafts.iter().map(|draft| draft.name).collect::<Vec<_>>().join(", ");
        Ok(Said::well(format!("made {}: {files}\n\n{}", self.path.display(), self.next())))
    }

    fn rust_drafts(&self, name: &str) -> anyhow::Result<Vec<Draft>> {
        let (sdk, lock) = match self.sdk.clone().or_else(sdk_beside_us) {
            Some(folder) => at_path(&folder)?,
            None => (format!("{:?}", env!("CARGO_PKG_VERSION")), None),
        };
        let mut drafts = vec![
            draft("Cargo.toml", &CRATE_TEXT.replace("{{sdk}}", &sdk), name),
            draft("src/lib.rs", LIB_TEXT, name),
            draft(CASES, CASES_TEXT, name),
            draft(
                MANIFEST,
                &format!("{MANIFEST_TEXT}language = \"wasm\"\nsource = \"src/lib.rs\"\ncomponent = \"policy.wasm\"\n"),
                name,
            ),
            Draft { executable: true, ..draft(BUILD, BUILD_TEXT, name) },
            draft(".gitignore", "/target\n", name),
        ];
        // The versions the SDK was tested with, also where there is no network to ask for newer ones.
        drafts.extend(lock.map(|text| Draft { name: "Cargo.lock", text, executable: false }));
        Ok(drafts)
    }

    fn next(&self) -> String {
        let (path, cases) = (self.path.display(), self.path.join(CASES));
        let mut text = format!("edit the rule and {}, then\n", cases.display());
        if self.rust {
            text += &format!("  cargo test --manifest-path {path}/Cargo.toml    run the cases natively\n");
            text += &format!("  {path}/{BUILD}    build policy.wasm\n");
        }
        text += &format!("  punchcard policy test {path}    run the cases on the engine\n");
        text += &format!("  punchcard policy eval {path} --baskets shipped    try it on two weeks of real receipts\n");
        text += &format!("  punchcard policy publish {path} --tenant NAME    put it in force\n");
        text
    }
}

fn script_drafts(name: &str) -> Vec<Draft> {
    let manifest = format!("{MANIFEST_TEXT}language = \"rhai\"\nsource = \"{SCRIPT}\"\n");
    vec![draft(SCRIPT, SCRIPT_TEXT, name), draft(CASES, CASES_TEXT, name), draft(MANIFEST, &manifest, name)]
}

fn draft(file: &'static str, template: &str, name: &str) -> Draft {
    Draft { name: file, text: template.replace("{{name}}", name), executable: false }
}

fn name_of(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-');
    if !begins || name.len() > NAME_CHARACTERS_MAX || !name.chars().all(fits) {
        bail!(
            "{name:?} cannot be a policy's name: write up to {NAME_CHARACTERS_MAX} small letters, digits and dashes, a letter first"
        );
    }
    Ok(name.to_owned())
}

/// The SDK in the checkout this program was built in, or the one we stand in.
fn sdk_beside_us() -> Option<PathBuf> {
    let places = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    let folders = places.iter().flatten().flat_map(|place| place.ancestors());
    folders.map(|folder| folder.join(SDK_FOLDER)).find(|sdk| sdk.join("Cargo.toml").exists())
}

/// The dependency on an SDK at a path, and the lock file beside it.
fn at_path(folder: &Path) -> anyhow::Result<(String, Option<String>)> {
    let folder = fs::canonicalize(folder).with_context(|| format!("there is no SDK at {}", folder.display()))?;
    if !folder.join("Cargo.toml").exists() {
        bail!("there is no SDK at {}", folder.display());
    }
    let path = folder.to_str().context("the SDK's path is not UTF-8")?;
    let lock = folder.parent().and_then(|root| fs::read_to_string(root.join("Cargo.lock")).ok());
    Ok((format!("{{ path = {path:?} }}"), lock))
}

fn write(folder: &Path, draft: &Draft) -> anyhow::Result<()> {
    let path = path_of(folder, draft.name);
    let within = || format!("cannot write {}", path.display());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(within)?;
    }
    let mode = if draft.executable { 0o755 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).with_context(within)?;
    file.write_all(draft.text.as_bytes()).with_context(within)
}

#[cfg(test)]
mod tests;
