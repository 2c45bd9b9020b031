//! One function's body: the shapes that are cheap to write and dear to compile.

use super::malformed;
use crate::Refusal;
use wasmparser::{FunctionBody, Operator};

/// Bytes of one function.
const BYTES_MAX: usize = 64 << 10;
/// Locals of one function.
const LOCALS_MAX: u32 = 1_000;
/// Blocks inside blocks.
const NESTING_MAX: u32 = 256;
/// Branches of one function: compile time grows with their square.
const BRANCHES_MAX: u32 = 2_000;
/// Targets of all `br_table` of one function.
const TABLE_TARGETS_MAX: u32 = 1_000;

/// Refuses a body that would take too long to compile.
///
/// # Errors
/// [`Refusal`] `body` with the shape and the numbers.
pub(super) fn check(body: &FunctionBody<'_>) -> Result<(), Refusal> {
    at_most("bytes of code", body.range().len() as u64, BYTES_MAX as u64)?;
    let mut locals = 0_u64;
    for group in body.get_locals_reader().map_err(malformed)? {
        let (count, _) = group.map_err(malformed)?;
        locals = locals.saturating_add(u64::from(count));
        at_most("locals", locals, u64::from(LOCALS_MAX))?;
    }
    let mut shape = Shape::default();
    for operator in body.get_operators_reader().map_err(malformed)? {
        shape.count(&operator.map_err(malformed)?)?;
    }
    Ok(())
}

#[derive(Default)]
struct Shape {
    nesting: u32,
    branches: u32,
    targets: u32,
}

impl Shape {
    fn count(&mut self, operator: &Operator<'_>) -> Result<(), Refusal> {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                self.nesting += 1;
                at_most("nested blocks", u64::from(self.nesting), u64::from(NESTING_MAX))
            }
            Operator::End => {
                self.nesting = self.nesting.saturating_sub(1);
                Ok(())
            }
            Operator::Br { .. } | Operator::BrIf { .. } => self.branch(),
            Operator::BrTable { targets } => {
                self.targets = self.targets.saturating_add(targets.len());
                at_most("branch table targets", u64::from(self.targets), u64::from(TABLE_TARGETS_MAX))?;
                self.branch()
            }
            _ => Ok(()),
        }
    }

    fn branch(&mut self) -> Result<(), Refusal> {
        self.branches += 1;
        at_most("branches", u64::from(self.branches), u64::from(BRANCHES_MAX))
    }
}

fn at_most(what: &str, have: u64, limit: u64) -> Result<(), Refusal> {
    if have <= limit {
        return Ok(());
    }
    Err(Refusal::new("body", format!("a function has {have} {what}; at most {limit} are allowed")))
}
