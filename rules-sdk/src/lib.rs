//! Write a membership policy in Rust.
//!
//! A policy is one module under [`policy`](macro@policy): a `Params` struct the merchant fills in, and an `on_…`
//! function for each event it handles. See `README.md` for the guide, and `rules/standard` for a full one.

// The macro names this crate from outside; its own tests use the macro too.
#[cfg(test)]
extern crate self as punchcard_rules;

#[cfg(target_arch = "wasm32")]
mod alloc;
#[cfg(not(target_arch = "wasm32"))]
pub mod cases;
pub mod context;
pub mod day;
mod decision;
mod grant;
pub mod guest;
pub mod money;

/// Types and glue generated from `wit/policy.wit`; everything else of the SDK is written against these.
#[doc(hidden)]
#[allow(unsafe_code, reason = "generated code; it lifts and lowers the contract's types")]
pub mod bindings {
    // The serde attributes are those of the host's own types, so that a case reads the same on both sides.
    wit_bindgen::generate!({
        path: "../wit/policy.wit",
        world: "policy",
        pub_export_macro: true,
        default_bindings_module: "punchcard_rules::bindings",
        generate_unused_types: true,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        additional_type_attributes: {
            "punchcard:policy/types@1.0.0/event-kind": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/param-kind": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/param-value": [#[serde(untagged)]],
            "punchcard:policy/types@1.0.0/metric": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/local-time": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/month-day": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/member": [#[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/expiring-lot": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/voucher": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/facts": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/line": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/payment": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/receipt": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/returned": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/voucher-change": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/event": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/period": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/cap": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/expiry": [#[derive(Default)] #[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/grant": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/voucher-issue": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/tier-change": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/line-discount": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/award": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/prize": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/odds": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/message": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/tag": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/effect": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/ruled-effect": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/outcome": [#[serde(rename_all = "snake_case")]],
            "punchcard:policy/types@1.0.0/comparison": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/reason": [#[serde(deny_unknown_fields)]],
            "punchcard:policy/types@1.0.0/decision": [#[derive(Default)] #[serde(default, deny_unknown_fields)]],
        },
        additional_member_attributes: {
            "punchcard:policy/types@1.0.0/facts.now": [#[serde(deserialize_with = "crate::day::moment")]],
            "punchcard:policy/types@1.0.0/member.tier-since": [#[serde(deserialize_with = "crate::day::day")]],
            "punchcard:policy/types@1.0.0/member.joined": [#[serde(deserialize_with = "crate::day::day")]],
            "punchcard:policy/types@1.0.0/expiring-lot.expires": [#[serde(deserialize_with = "crate::day::day")]],
            "punchcard:policy/types@1.0.0/voucher.valid-until": [#[serde(default, deserialize_with = "crate::day::maybe")]],
            "punchcard:policy/types@1.0.0/voucher.presented": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/expiry.standard": [#[default]],
            "punchcard:policy/types@1.0.0/expiry.on": [#[serde(deserialize_with = "crate::day::day")]],
            "punchcard:policy/types@1.0.0/grant.pending-days": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/grant.expiry": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/grant.cap": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/voucher-issue.min-spend": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/voucher-issue.categories": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/tier-change.until": [#[serde(default, deserialize_with = "crate::day::maybe")]],
            "punchcard:policy/types@1.0.0/prize.stock": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/odds.cost": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/odds.per-day": [#[serde(default)]],
            "punchcard:policy/types@1.0.0/reason.compared": [#[serde(default)]],
        },
    });
}

/// Makes a `#[test]` that runs a case file of the crate against a policy.
///
/// `cases!(my_policy::Policy, "cases.json");` — the path counts from the crate's folder.
#[macro_export]
macro_rules! cases {
    ($policy:ty, $file:literal) => {
        #[cfg(test)]
        #[test]
        fn every_case_holds() {
            $crate::cases::check::<$policy>(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file)));
        }
    };
}

pub use punchcard_rules_macro::policy;

/// Compiles the guide's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Guide;

/// The contract's types, as generated.
pub mod types {
    pub use crate::bindings::punchcard::policy::types::*;
}

/// What every policy needs: `use punchcard_rules::prelude::*;`.
pub mod prelude {
    pub use crate::context::Context;
    pub use crate::day::{date, parse_date};
    pub use crate::guest::{Policy, log};
    pub use crate::money::{at_rate, yuan};
    pub use crate::policy;
    pub use crate::types::*;
}
