//! The `on_…` functions.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Error, Ident, ItemFn, Result, ReturnType, spanned::Spanned};

/// What an event hands its handler between the context and the decision.
enum Payload {
    Nothing,
    /// By reference: `&Receipt`, `&str`.
    Borrowed(&'static str),
    /// By value: fen.
    Copied(&'static str),
    /// A text that may be missing.
    MaybeText,
    /// A pair.
    CodeAndChange,
    NameAndData,
}

const EVENTS: [(&str, &str, Payload); 13] = [
    ("on_follow", "Follow", Payload::MaybeText),
    ("on_register", "Register", Payload::Nothing),
    ("on_bind", "Bind", Payload::Nothing),
    ("on_referral", "Referral", Payload::Borrowed("new_member: &str")),
    ("on_sign_in", "SignIn", Payload::Nothing),
    ("on_receipt", "Receipt", Payload::Borrowed("receipt: &Receipt")),
    ("on_return", "Return", Payload::Borrowed("returned: &Returned")),
    ("on_recharge", "Recharge", Payload::Copied("amount: Fen")),
    ("on_draw", "Draw", Payload::Borrowed("campaign: &str")),
    ("on_birthday", "Birthday", Payload::Nothing),
    ("on_tier_review", "TierReview", Payload::Nothing),
    ("on_voucher", "Voucher", Payload::CodeAndChange),
    ("on_custom", "Custom", Payload::NameAndData),
];

/// All names a handler can have.
pub(crate) fn known() -> String {
    EVENTS.map(|(name, ..)| name).join(", ")
}

impl Payload {
    fn signature(&self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Borrowed(text) | Self::Copied(text) => text,
            Self::MaybeText => "scene: Option<&str>",
            Self::CodeAndChange => "code: &str, change: VoucherChange",
            Self::NameAndData => "name: &str, data: &str",
        }
    }

    fn arguments(&self) -> usize {
        match self {
            Self::Nothing => 2,
            Self::Borrowed(_) | Self::Copied(_) | Self::MaybeText => 3,
            Self::CodeAndChange | Self::NameAndData => 4,
        }
    }
}

/// One handler and the event it is for.
pub(crate) struct Handler {
    function: Ident,
    kind: Ident,
    payload: &'static Payload,
    /// Where its arguments stand, so that a wrong type is reported there.
    arguments: proc_macro2::Span,
}

impl Handler {
    pub(crate) fn read(item: &ItemFn) -> Result<Self> {
        let name = item.sig.ident.to_string();
        let Some((_, kind, payload)) = EVENTS.iter().find(|(known, ..)| *known == name) else {
            let text = format!("no event is called `{name}`; handlers are {}", known());
            return Err(Error::new(item.sig.ident.span(), text));
        };
        let handler = Self {
            function: item.sig.ident.clone(),
            kind: format_ident!("{kind}"),
            payload,
            arguments: item.sig.inputs.span(),
        };
        let plain = item.sig.asyncness.is_none() && item.sig.unsafety.is_none() && item.sig.generics.params.is_empty();
        let silent = matches!(item.sig.output, ReturnType::Default);
        if item.sig.inputs.len() == payload.arguments() && plain && silent {
            return Ok(handler);
        }
        let between = payload.signature();
        let comma = if between.is_empty() { "" } else { ", " };
        let text = format!(
            "write `pub fn {name}(ctx: &Context<Params, Stats>, {between}{comma}out: &mut Decision)` (without a Stats struct: `&Context<Params>`)"
        );
        Err(Error::new(item.sig.span(), text))
    }

    /// The event's variant.
    pub(crate) fn kind(&self) -> &Ident {
        &self.kind
    }

    /// The arm that calls the handler.
    pub(crate) fn arm(&self) -> TokenStream {
        let (function, kind) = (&self.function, &self.kind);
        let (pattern, argument) = match self.payload {
            Payload::Nothing => (quote!(), quote!()),
            Payload::Borrowed(_) => (quote!((payload)), quote!(payload,)),
            Payload::Copied(_) => (quote!((payload)), quote!(*payload,)),
            Payload::MaybeText => (quote!((payload)), quote!(payload.as_deref(),)),
            Payload::CodeAndChange => (quote!(((code, change))), quote!(code, *change,)),
            Payload::NameAndData => (quote!(((name, data))), quote!(name, data,)),
        };
        quote_spanned! { self.arguments =>
            ::punchcard_rules::types::Event::#kind #pattern => #function(&context, #argument &mut decision),
        }
    }
}
