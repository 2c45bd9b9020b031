//! Uploads that are small and dear to compile.

use super::{COMPILE, Case, End};
use crate::components::{leb, with_module};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Shapes the pre-check refuses, and what it lets through to the compiler.
pub fn cases() -> Vec<Case> {
    let body = &["body"][..];
    let refused = |name: &str, code: String, codes| Case::new(name, with_module(&code), End::Refused(codes));
    let mut cases = vec![
        refused(
            "H28 40,000 nested blocks",
            format!("(func {} {})", "(block ".repeat(40_000), ")".repeat(40_000)),
            body,
        ),
        refused("H28 300 nested blocks", format!("(func {} {})", "(block ".repeat(300), ")".repeat(300)), body),
        refused(
            "H28 a branch table of 60,000",
            format!("(func (block (br_table {} (i32.const 0))))", "0 ".repeat(60_000)),
            body,
        ),
        refused("H28 49,000 locals", format!("(func (local {}))", "i64 ".repeat(49_000)), body),
        refused("H28 60,000 back-edges", back_edges(60_000), body),
        refused("H28 2,500 back-edges", back_edges(2_500), body),
        refused("H28 20,000 functions", "(func)".repeat(20_000), &["functions"]),
        refused("H34 100,000 passive segments", "(data \"x\")".repeat(100_000), &["items"]),
        refused("H33 10,000 exports", exports(10_000), &["exports"]),
        refused("H33 a name of 50 KB", format!("(func (export \"{}\"))", "n".repeat(50_000)), &["exports"]),
        refused("H33 a name of 500 KB", format!("(func (export \"{}\"))", "n".repeat(500_000)), &["malformed"]),
        Case::new("H28 1,990 back-edges", with_module(&back_edges(1_990)), End::Whatever),
        Case::new("H28 an operand stack of 20,000", with_module(&stack(20_000)), End::Whatever),
        Case::new("H28 a ladder of 1,900 joins", with_module(&ladder(1_900)), End::Whatever),
        Case::new("H28 1,900 functions of 500 bytes", with_module(&many(1_900)), End::Whatever),
    ];
    for depth in [9, 10, 100, 1_000, 20_000] {
        cases.push(Case::new(
            format!("H26 {depth} components in each other"),
            nested(depth),
            End::Refused(&["nesting"]),
        ));
    }
    cases
}

fn back_edges(count: usize) -> String {
    format!("(func (param i32) (loop {}))", "(br_if 0 (local.get 0))".repeat(count))
}

fn exports(count: usize) -> String {
    format!("(func $e){}", (0..count).map(|at| format!("(export \"e{at}\" (func $e))")).collect::<String>())
}

fn stack(depth: usize) -> String {
    format!("(func (result i32) {} {})", "i32.const 1 ".repeat(depth), "i32.add ".repeat(depth - 1))
}

fn ladder(rungs: usize) -> String {
    let rung = "(if (i32.and (local.get 0) (i32.const 1)) (then (local.set 1 (i32.add (local.get 1) (local.get 0)))) (else (local.set 0 (i32.mul (local.get 1) (i32.const 3)))))";
    format!("(func (param i32 i32) (result i32) {} (local.get 1))", rung.repeat(rungs))
}

fn many(count: usize) -> String {
    let body = "(local.set 0 (i32.mul (local.get 0) (i32.const 3)))".repeat(60);
    format!("(func (param i32) (result i32) {body} (local.get 0))").repeat(count)
}

/// Components in components, in binary: text would not go this deep.
fn nested(depth: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    let mut inner = HEADER.to_vec();
    for _ in 0..depth {
        let mut outer = HEADER.to_vec();
        outer.push(4);
        outer.extend_from_slice(&leb(inner.len()));
        outer.append(&mut inner);
        inner = outer;
    }
    inner
}

/// What the pre-check would refuse, given to the compiling process itself: its limits must end it. A good
/// policy must pass the same way, or the process proves nothing.
pub fn killed(program: &Path) -> Result<(), String> {
    let bombs = [("60,000 back-edges", with_module(&back_edges(60_000))), ("20,000 components", nested(20_000))];
    for (name, bomb) in bombs {
        let began = Instant::now();
        if compiles(program, &bomb) || began.elapsed() > BOMB_MAX {
            return Err(format!("the compiler survived {name} for {:?}", began.elapsed()));
        }
    }
    if compiles(program, &with_module("")) { Ok(()) } else { Err("the compiler refuses a good policy".into()) }
}

/// The longest a bomb may burn: its processor time, on a machine with other work.
const BOMB_MAX: Duration = Duration::from_secs(30);

fn compiles(program: &Path, component: &[u8]) -> bool {
    let (piped, null) = (Stdio::piped(), Stdio::null);
    let mut child = Command::new(program).arg(COMPILE).stdin(piped).stdout(null()).stderr(null()).spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(component);
    child.wait().unwrap().success()
}
