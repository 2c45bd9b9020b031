//! The `Params` struct: what the merchant fills in.

use crate::literal::{Value, number};
use crate::shape::{doc, fields, take};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, Expr, GenericArgument, Ident, ItemStruct, LitStr, PathArguments, Result, Token, Type};
use syn::{meta::ParseNestedMeta, punctuated::Punctuated, spanned::Spanned};

/// Bounds of a number that states none; a till and a browser keep such numbers exact.
const NUMBER_MAX: i64 = 1_000_000_000;
const TYPES: &str = "a parameter is an i64, bool, String, Vec<i64>, Vec<String>, or Option<Day> for a date";

pub(crate) struct Params {
    fields: Vec<Field>,
}

struct Field {
    name: Ident,
    label: String,
    help: String,
    kind: Kind,
    default: Value,
}

enum Kind {
    Number(i64, i64),
    Money,
    Rate,
    Flag,
    Text,
    Date,
    Choice(Vec<String>),
    Numbers,
    Texts,
}

/// What the field's type allows.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Number,
    Flag,
    Text,
    Date,
    Numbers,
    Texts,
}

/// What the attribute says.
#[derive(Default)]
struct Said {
    default: Option<Expr>,
    min: Option<i64>,
    max: Option<i64>,
    label: Option<String>,
    help: Option<String>,
    word: Option<(Ident, Option<Vec<String>>)>,
}

pub(crate) fn read(item: &mut ItemStruct) -> Result<Params> {
    let fields = fields(item)?.map(|(name, field)| one(name, field)).collect::<Result<_>>()?;
    Ok(Params { fields })
}

fn one(name: Ident, field: &mut syn::Field) -> Result<Field> {
    let attribute = take(field, "param")?
        .ok_or_else(|| Error::new(name.span(), format!("write #[param(default = …)] above `{name}`")))?;
    let said = said(&attribute)?;
    let shape = shape(&field.ty)?;
    let (first, rest) = doc(&field.attrs);
    let label = said.label.clone().unwrap_or(first);
    if label.is_empty() {
        let text = format!("`{name}` needs a label: a doc comment (`/// …`) above it, or label = \"…\"");
        return Err(Error::new(name.span(), text));
    }
    let kind = kind(&said, shape, &attribute)?;
    let default =
        said.default.as_ref().ok_or_else(|| Error::new_spanned(&attribute, "a parameter needs default = …"))?;
    let value = fit(&kind, Value::read(default)?)
        .ok_or_else(|| Error::new_spanned(default, format!("the default must be {}", kind.in_words())))?;
    Ok(Field { name, label, help: said.help.unwrap_or(rest), kind, default: value })
}

fn said(attribute: &Attribute) -> Result<Said> {
    let mut said = Said::default();
    attribute.parse_nested_meta(|meta| said.take(&meta))?;
    Ok(said)
}

impl Said {
    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let word = meta.path.require_ident()?.clone();
        match word.to_string().as_str() {
            "default" => self.default = Some(meta.value()?.parse()?),
            "min" => self.min = Some(number(&meta.value()?.parse()?)?),
            "max" => self.max = Some(number(&meta.value()?.parse()?)?),
            "label" => self.label = Some(meta.value()?.parse::<LitStr>()?.value()),
            "help" => self.help = Some(meta.value()?.parse::<LitStr>()?.value()),
            "money" | "rate" | "date" => self.word = Some((word, None)),
            "choice" => {
                let list;
                syn::parenthesized!(list in meta.input);
                let words = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
                self.word = Some((word, Some(words.iter().map(LitStr::value).collect())));
            }
            _ => {
                return Err(meta
                    .error("#[param] knows default, min, max, label, help, money, rate, date, choice(\"…\", \"…\")"));
            }
        }
        Ok(())
    }
}

fn kind(said: &Said, shape: Shape, attribute: &Attribute) -> Result<Kind> {
    if let Some((word, choices)) = &said.word {
        let choices = choices.clone().unwrap_or_default();
        let (wanted, kind) = match word.to_string().as_str() {
            "money" => (Shape::Number, Kind::Money),
            "rate" => (Shape::Number, Kind::Rate),
            "date" => (Shape::Date, Kind::Date),
            _ => (Shape::Text, Kind::Choice(choices)),
        };
        if wanted != shape {
            let text = match wanted {
                Shape::Number => "money and rate are i64",
                Shape::Date => "a date is Option<Day>: None where the merchant left it empty",
                _ => "a choice is a String",
            };
            return Err(Error::new(word.span(), text));
        }
        return no_bounds(said, attribute).map(|()| kind);
    }
    match shape {
        Shape::Number => {
            let (low, high) = (said.min.unwrap_or(0), said.max.unwrap_or(NUMBER_MAX));
            if low > high {
                Err(Error::new_spanned(attribute, "min is above max"))
            } else {
                Ok(Kind::Number(low, high))
            }
        }
        Shape::Flag => no_bounds(said, attribute).map(|()| Kind::Flag),
        Shape::Text => no_bounds(said, attribute).map(|()| Kind::Text),
        Shape::Date => no_bounds(said, attribute).map(|()| Kind::Date),
        Shape::Numbers => no_bounds(said, attribute).map(|()| Kind::Numbers),
        Shape::Texts => no_bounds(said, attribute).map(|()| Kind::Texts),
    }
}

fn no_bounds(said: &Said, attribute: &Attribute) -> Result<()> {
    if said.min.is_some() || said.max.is_some() {
        return Err(Error::new_spanned(attribute, "only a plain number has min and max"));
    }
    Ok(())
}

fn shape(ty: &Type) -> Result<Shape> {
    let unknown = || Error::new(ty.span(), TYPES);
    let Type::Path(path) = ty else { return Err(unknown()) };
    let segment = path.path.segments.last().ok_or_else(unknown)?;
    let inner = match &segment.arguments {
        PathArguments::AngleBracketed(list) => match list.args.first() {
            Some(GenericArgument::Type(Type::Path(inner))) => inner.path.segments.last().map(|s| s.ident.to_string()),
            _ => None,
        },
        _ => None,
    };
    match (segment.ident.to_string().as_str(), inner.as_deref()) {
        ("i64" | "Fen" | "Points", None) => Ok(Shape::Number),
        ("bool", None) => Ok(Shape::Flag),
        ("String", None) => Ok(Shape::Text),
        ("Option", Some("Day")) => Ok(Shape::Date),
        ("Vec", Some("i64" | "Fen" | "Points")) => Ok(Shape::Numbers),
        ("Vec", Some("String")) => Ok(Shape::Texts),
        _ => Err(unknown()),
    }
}

/// The default as the kind wants it, if it fits.
fn fit(kind: &Kind, value: Value) -> Option<Value> {
    let fits = match (kind, &value) {
        (Kind::Number(low, high), Value::Number(n)) => (low..=high).contains(&n),
        (Kind::Money | Kind::Rate, Value::Number(n)) => *n >= 0,
        (Kind::Date, Value::Text(text)) => text.is_empty() || is_date(text),
        (Kind::Choice(words), Value::Text(text)) => words.contains(text),
        (Kind::Numbers, Value::Empty) => return Some(Value::Numbers(Vec::new())),
        (Kind::Texts, Value::Empty) => return Some(Value::Texts(Vec::new())),
        (Kind::Flag, Value::Flag(_))
        | (Kind::Text, Value::Text(_))
        | (Kind::Numbers, Value::Numbers(_))
        | (Kind::Texts, Value::Texts(_)) => true,
        _ => false,
    };
    fits.then_some(value)
}

/// Form only; the host's cases find a day no calendar has.
fn is_date(text: &str) -> bool {
    let widths: Vec<usize> = text.split('-').map(str::len).collect();
    widths == [4, 2, 2] && text.chars().all(|c| c == '-' || c.is_ascii_digit())
}

impl Kind {
    fn in_words(&self) -> String {
        match self {
            Self::Number(low, high) => format!("a whole number from {low} to {high}"),
            Self::Money => "an amount in fen, 0 or more".into(),
            Self::Rate => "basis points, 0 or more (10000 = 1)".into(),
            Self::Flag => "true or false".into(),
            Self::Text => "a \"text\"".into(),
            Self::Date => "a \"2026-12-31\", or \"\" for none".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Numbers => "a list of whole numbers like [1, 2]".into(),
            Self::Texts => "a list of texts like [\"a\", \"b\"]".into(),
        }
    }

    fn code(&self) -> TokenStream {
        match self {
            Self::Number(low, high) => quote!(Number((#low, #high))),
            Self::Money => quote!(Money),
            Self::Rate => quote!(Rate),
            Self::Flag => quote!(Flag),
            Self::Text => quote!(Text),
            Self::Date => quote!(Date),
            Self::Choice(words) => quote!(Choice(::std::vec![#(::std::string::String::from(#words)),*])),
            Self::Numbers => quote!(Numbers),
            Self::Texts => quote!(Texts),
        }
    }
}

impl Field {
    fn code(&self) -> TokenStream {
        let (name, label, help, kind) = (self.name.to_string(), &self.label, &self.help, self.kind.code());
        let default = match &self.default {
            Value::Number(n) => quote!(Number(#n)),
            Value::Flag(flag) => quote!(Flag(#flag)),
            Value::Text(text) => quote!(Text(::std::string::String::from(#text))),
            Value::Numbers(list) => quote!(Numbers(::std::vec![#(#list),*])),
            Value::Texts(list) => quote!(Texts(::std::vec![#(::std::string::String::from(#list)),*])),
            Value::Empty => quote!(Texts(::std::vec![])),
        };
        quote! {
            ::punchcard_rules::types::Param {
                name: ::std::string::String::from(#name),
                label: ::std::string::String::from(#label),
                help: ::std::string::String::from(#help),
                kind: ::punchcard_rules::types::ParamKind::#kind,
                default: ::punchcard_rules::types::ParamValue::#default,
            }
        }
    }
}

impl Params {
    /// The type, the entries of `describe().params`, and the reader.
    pub(crate) fn code(self) -> (TokenStream, TokenStream, TokenStream) {
        let described = self.fields.iter().map(Field::code);
        let described = quote!(#(#described),*);
        let readers = self.fields.iter().map(|field| {
            let (name, text) = (&field.name, field.name.to_string());
            quote_spanned!(name.span() => #name: ::punchcard_rules::guest::param(#text, values.next()))
        });
        let reader = quote! {
            impl ::punchcard_rules::guest::FromHost<::punchcard_rules::types::ParamValue> for Params {
                #[allow(unused_mut, unused_variables, reason = "an empty struct reads nothing")]
                fn from_host(values: ::std::vec::Vec<::punchcard_rules::types::ParamValue>) -> Self {
                    let mut values = values.into_iter();
                    Self { #(#readers),* }
                }
            }
        };
        (quote!(Params), described, reader)
    }
}
