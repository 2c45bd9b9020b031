//! The module as a whole.

use crate::{handlers::Handler, params, stats};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Expr, Ident, Item, ItemMod, ItemStruct, Lit, Meta, Result, spanned::Spanned};

pub(crate) fn expand(attribute: TokenStream, module: TokenStream) -> Result<TokenStream> {
    let name = name(attribute)?;
    let mut module: ItemMod = syn::parse2(module).map_err(|e| {
        Error::new(e.span(), "#[policy] goes on a module: `#[policy(name = \"…\")] mod my_policy { … }`")
    })?;
    let summary = summary(&module)?;
    let span = module.ident.span();
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new(
            span,
            "#[policy] needs the module's body here: `mod my_policy { … }`, not `mod my_policy;`",
        ));
    };
    let handlers = handlers(items)?;
    if handlers.is_empty() {
        let known = crate::handlers::known();
        return Err(Error::new(span, format!("the policy handles no event: write at least one of {known}")));
    }
    let params = structure(items, "Params").map(params::read).transpose()?;
    let stats = structure(items, "Stats").map(stats::read).transpose()?;
    items.extend(glue(&name, &summary, &handlers, params, stats)?);
    Ok(quote! { #module })
}

/// The items the macro adds to the module.
fn glue(
    name: &str,
    summary: &str,
    handlers: &[Handler],
    params: Option<params::Params>,
    stats: Option<stats::Stats>,
) -> Result<Vec<Item>> {
    let (param_type, described, param_reader) = params.map_or_else(without, params::Params::code);
    let (stat_type, needs, stat_reader) = stats.map_or_else(without, stats::Stats::code);
    let kinds = handlers.iter().map(Handler::kind);
    let evaluate = evaluate(handlers, &param_type, &stat_type);
    let code = quote! {
        /// The policy as the host sees it.
        #[derive(Debug, Clone, Copy)]
        pub struct Policy;

        impl ::punchcard_rules::guest::Policy for Policy {
            fn describe() -> ::punchcard_rules::types::Description {
                ::punchcard_rules::types::Description {
                    name: ::std::string::String::from(#name),
                    summary: ::std::string::String::from(#summary),
                    events: ::std::vec![#(::punchcard_rules::types::EventKind::#kinds),*],
                    params: ::std::vec![#described],
                    stats: ::std::vec![#needs],
                }
            }

            #evaluate
        }

        #param_reader
        #stat_reader

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "generated: the component's exports")]
        const _: () = {
            ::punchcard_rules::bindings::export!(Policy with_types_in ::punchcard_rules::bindings);
        };
    };
    Ok(syn::parse2::<syn::File>(code)?.items)
}

/// The code of a struct the module does not have.
fn without() -> (TokenStream, TokenStream, TokenStream) {
    (quote!(()), quote!(), quote!())
}

fn evaluate(handlers: &[Handler], params: &TokenStream, stats: &TokenStream) -> TokenStream {
    let arms = handlers.iter().map(Handler::arm);
    quote! {
        fn evaluate(
            params: ::std::vec::Vec<::punchcard_rules::types::ParamValue>,
            mut facts: ::punchcard_rules::types::Facts,
            event: ::punchcard_rules::types::Event,
        ) -> ::punchcard_rules::types::Decision {
            let stats = ::std::mem::take(&mut facts.stats);
            let context = ::punchcard_rules::context::Context {
                params: <#params as ::punchcard_rules::guest::FromHost<_>>::from_host(params),
                stats: <#stats as ::punchcard_rules::guest::FromHost<_>>::from_host(stats),
                facts,
            };
            let mut decision = ::punchcard_rules::types::Decision::default();
            match &event {
                #(#arms)*
                #[allow(unreachable_patterns, reason = "a policy may handle every event")]
                _ => {}
            }
            ::punchcard_rules::guest::done((context, event));
            decision
        }
    }
}

fn name(attribute: TokenStream) -> Result<String> {
    let wanted = "write #[policy(name = \"my-policy\")]";
    let span = attribute.span();
    let meta: Meta = syn::parse2(attribute).map_err(|_| Error::new(span, wanted))?;
    let pair = meta.require_name_value().map_err(|e| Error::new(e.span(), wanted))?;
    if let (true, Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. })) = (pair.path.is_ident("name"), &pair.value) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !text.value().is_empty() && text.value().chars().all(plain) {
            return Ok(text.value());
        }
        return Err(Error::new(text.span(), "a policy's name has lower-case letters, digits and dashes only"));
    }
    Err(Error::new(pair.span(), wanted))
}

fn summary(module: &ItemMod) -> Result<String> {
    let (first, rest) = doc(&module.attrs);
    if first.is_empty() {
        let text = "say in a doc comment (`/// …`) above the policy what it does: merchants read it";
        return Err(Error::new(module.ident.span(), text));
    }
    Ok(if rest.is_empty() { first } else { format!("{first} {rest}") })
}

fn handlers(items: &[Item]) -> Result<Vec<Handler>> {
    items
        .iter()
        .filter_map(|item| if let Item::Fn(function) = item { Some(function) } else { None })
        .filter(|function| function.sig.ident.to_string().starts_with("on_"))
        .map(Handler::read)
        .collect()
}

fn structure<'a>(items: &'a mut [Item], name: &str) -> Option<&'a mut ItemStruct> {
    let ident = format_ident!("{name}");
    items.iter_mut().find_map(|item| match item {
        Item::Struct(found) if found.ident == ident => Some(found),
        _ => None,
    })
}

/// A doc comment: its first line, and the lines of the first paragraph after it as one.
pub(crate) fn doc(attributes: &[Attribute]) -> (String, String) {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let mut lines = lines.skip_while(String::is_empty);
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    (first, rest.join(" "))
}

/// The named fields of `Params` or `Stats`.
pub(crate) fn fields(item: &mut ItemStruct) -> Result<impl Iterator<Item = (Ident, &mut syn::Field)>> {
    let span = item.ident.span();
    let text = format!("{} must be a struct with named fields", item.ident);
    if !item.generics.params.is_empty() {
        return Err(Error::new(span, format!("{} must have no generic parameters", item.ident)));
    }
    let syn::Fields::Named(named) = &mut item.fields else { return Err(Error::new(span, text)) };
    Ok(named.named.iter_mut().filter_map(|field| field.ident.clone().map(|ident| (ident, field))))
}

/// Takes the one attribute of this name off a field.
pub(crate) fn take(field: &mut syn::Field, name: &str) -> Result<Option<Attribute>> {
    let (mut ours, others): (Vec<_>, Vec<_>) = field.attrs.drain(..).partition(|a| a.path().is_ident(name));
    field.attrs = others;
    let first = ours.pop();
    match ours.first() {
        Some(second) => Err(Error::new(second.span(), format!("one #[{name}(…)] a field is enough"))),
        None => Ok(first),
    }
}
