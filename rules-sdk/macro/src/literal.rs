//! Literal values in attributes.

use syn::{Error, Expr, ExprArray, ExprLit, ExprUnary, Lit, Result, UnOp};

/// A literal of an attribute.
pub(crate) enum Value {
    Number(i64),
    Flag(bool),
    Text(String),
    Numbers(Vec<i64>),
    Texts(Vec<String>),
    /// `[]`, which fits both kinds of list.
    Empty,
}

impl Value {
    pub(crate) fn read(expr: &Expr) -> Result<Self> {
        match expr {
            Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Ok(Self::Flag(flag.value)),
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(Self::Text(text.value())),
            Expr::Array(list) => Self::list(list),
            other => number(other).map(Self::Number),
        }
    }

    fn list(list: &ExprArray) -> Result<Self> {
        let Some(first) = list.elems.first() else { return Ok(Self::Empty) };
        if matches!(first, Expr::Lit(ExprLit { lit: Lit::Str(_), .. })) {
            return list.elems.iter().map(text).collect::<Result<_>>().map(Self::Texts);
        }
        list.elems.iter().map(number).collect::<Result<_>>().map(Self::Numbers)
    }
}

/// A whole number, perhaps with a minus.
pub(crate) fn number(expr: &Expr) -> Result<i64> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Ok(-number(expr)?),
        other => {
            Err(Error::new_spanned(other, "write a whole number, true, false, a \"text\" or a [list] of one kind"))
        }
    }
}

fn text(expr: &Expr) -> Result<String> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.value()),
        other => Err(Error::new_spanned(other, "all entries of this list must be texts")),
    }
}
