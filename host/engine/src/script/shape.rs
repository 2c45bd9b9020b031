//! Refuses assignments whose growth Rhai does not see.
//!
//! Rhai checks the size of what it assigns and of the variable's value, but not of what stands between:
//! after `m[k] = v` nobody looks at `m`. `m.k = v`, `m.set(k, v)` and `list.push(v)` are checked whole.

use crate::Refusal;
use rhai::{AST, ASTNode, Expr, Position, Stmt};

/// Checks every assignment of a script.
///
/// # Errors
/// [`Refusal`] `syntax` with the position and the form to use.
pub(super) fn check(ast: &AST) -> Result<(), Refusal> {
    let mut found = None;
    ast.walk(&mut |path| {
        found = path.last().and_then(unseen);
        found.is_none()
    });
    match found {
        None => Ok(()),
        Some((position, instead)) => Err(Refusal::new(
            "syntax",
            format!("{}this assignment is not supported; {instead}", super::words::place(position)),
        )),
    }
}

/// Where an assignment grows what nobody measures, and what to write instead.
fn unseen(node: &ASTNode<'_>) -> Option<(Position, &'static str)> {
    let ASTNode::Stmt(Stmt::Assignment(assignment)) = node else { return None };
    match &assignment.1.lhs {
        Expr::Index(_, _, position) => Some((*position, "use `x.set(key, value)`")),
        Expr::Dot(chain, _, position) if !matches!(chain.rhs, Expr::Property(..)) => {
            Some((*position, "change the inner value in a variable of its own, then assign it"))
        }
        _ => None,
    }
}
