//! The `#[policy]` attribute: turns a module with `Params`, `Stats` and `on_…` functions into a policy.
//!
//! Used through `punchcard_rules::prelude`; the guide is `rules-sdk/README.md`.

mod handlers;
mod literal;
mod params;
mod shape;
mod stats;

use proc_macro::TokenStream;
use syn::Error;

/// Makes a module a policy, with `#[policy(name = "bakery-early")]` before it.
///
/// The module's doc comment becomes the summary. It may hold a `struct Params`, a `struct Stats`, any helpers, and
/// needs at least one `on_…` function. The macro adds `pub struct Policy`.
#[proc_macro_attribute]
pub fn policy(attribute: TokenStream, module: TokenStream) -> TokenStream {
    shape::expand(attribute.into(), module.into()).unwrap_or_else(Error::into_compile_error).into()
}

#[cfg(test)]
mod tests;
