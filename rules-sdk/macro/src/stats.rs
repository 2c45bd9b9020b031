//! The `Stats` struct: statistics the policy wants of the member.

use crate::shape::{fields, take};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Ident, ItemStruct, LitInt, Result, Type};

const METRICS: [(&str, &str); 6] = [
    ("spend_fen", "SpendFen"),
    ("visits", "Visits"),
    ("points_earned", "PointsEarned"),
    ("sign_ins", "SignIns"),
    ("recharged_fen", "RechargedFen"),
    ("draws", "Draws"),
];
const DAYS_MAX: u32 = 366;
const WANTED: &str = "write `#[stat(spend_fen, days = 365)] pub spend_year: i64`; days = 0 means all time";

pub(crate) struct Stats {
    fields: Vec<(Ident, Ident, u32)>,
}

pub(crate) fn read(item: &mut ItemStruct) -> Result<Stats> {
    let fields = fields(item)?.map(|(name, field)| one(name, field)).collect::<Result<_>>()?;
    Ok(Stats { fields })
}

fn one(name: Ident, field: &mut syn::Field) -> Result<(Ident, Ident, u32)> {
    let attribute = take(field, "stat")?.ok_or_else(|| Error::new(name.span(), WANTED))?;
    let number = matches!(&field.ty, Type::Path(path) if path.path.is_ident("i64"));
    if !number {
        return Err(Error::new_spanned(&field.ty, "a statistic is an i64: fen, points or a count"));
    }
    let (mut metric, mut days) = (None, None);
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("days") {
            let literal: LitInt = meta.value()?.parse()?;
            let count: u32 = literal.base10_parse()?;
            if count > DAYS_MAX {
                return Err(Error::new(literal.span(), "a statistic looks back at most 366 days; 0 means all time"));
            }
            days = Some(count);
            return Ok(());
        }
        let Some((_, variant)) = METRICS.iter().find(|(word, _)| meta.path.is_ident(word)) else {
            let known = METRICS.map(|(word, _)| word).join(", ");
            return Err(meta.error(format!("no such statistic; there are {known}")));
        };
        metric = Some(format_ident!("{variant}"));
        Ok(())
    })?;
    match (metric, days) {
        (Some(metric), Some(days)) => Ok((name, metric, days)),
        _ => Err(Error::new_spanned(attribute, WANTED)),
    }
}

impl Stats {
    /// The type, the entries of `describe().stats`, and the reader.
    pub(crate) fn code(self) -> (TokenStream, TokenStream, TokenStream) {
        let needs = self.fields.iter().map(|(_, metric, days)| {
            quote! { ::punchcard_rules::types::StatNeed { metric: ::punchcard_rules::types::Metric::#metric, days: #days } }
        });
        let names = self.fields.iter().map(|(name, ..)| name);
        let needs = quote!(#(#needs),*);
        let reader = quote! {
            impl ::punchcard_rules::guest::FromHost<i64> for Stats {
                #[allow(unused_mut, unused_variables, reason = "an empty struct reads nothing")]
                fn from_host(values: ::std::vec::Vec<i64>) -> Self {
                    let mut values = values.into_iter();
                    Self { #(#names: values.next().unwrap_or_default()),* }
                }
            }
        };
        (quote!(Stats), needs, reader)
    }
}
