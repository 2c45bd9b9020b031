//! Valid components that misbehave when they run.

use super::{Case, End};
use crate::components::{Core, ruled};

/// Numbers and kinds as in the reliability note.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, core, end) in [loops(), memory(), calls(), traps(), texts(), effects(), honest()].into_iter().flatten() {
        cases.push(Case::new(name, core.component(), end));
    }
    cases
}

type Row = (&'static str, Core, End);

fn run(name: &'static str, body: &str, code: &'static str) -> Row {
    (name, Core::evaluating(body), End::Failed(code))
}

fn loops() -> Vec<Row> {
    let spin = "(func $spin (loop (br 0)))";
    vec![
        run("H1 endless loop", "(loop (br 0)) (unreachable)", "fuel"),
        (
            "H2 endless loop in the start function",
            Core::evaluating("(i32.const 56)").with(&format!("{spin} (start $spin)")),
            End::Refused(&["description"]),
        ),
        (
            "H3 trap in the start function",
            Core::evaluating("(i32.const 56)").with("(func $trap (unreachable)) (start $trap)"),
            End::Refused(&["description"]),
        ),
        run(
            "H6 memory.fill in a loop",
            "(loop (memory.fill (i32.const 4096) (i32.const 1) (i32.const 100000)) (br 0)) (unreachable)",
            "fuel",
        ),
        run(
            "H6 memory.copy in a loop",
            "(loop (memory.copy (i32.const 4096) (i32.const 0) (i32.const 100000)) (br 0)) (unreachable)",
            "fuel",
        ),
        run("H9 endless recursion", "(call $deep (i32.const 0))", "stack")
            .with_core("(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))"),
        run("H10 recursion with 900 locals", "(call $wide (i64.const 1))", "stack").with_core(&wide()),
    ]
}

trait WithCore {
    fn with_core(self, more: &str) -> Self;
}

impl WithCore for Row {
    fn with_core(self, more: &str) -> Self {
        (self.0, self.1.with(more), self.2)
    }
}

/// A function that keeps 900 values alive across its own call.
fn wide() -> String {
    let locals = "i64 ".repeat(900);
    let set: String = (1..=900).map(|at| format!("(local.set {at} (i64.load (i32.const {})))", at * 8)).collect();
    let sum: String = (1..=900).map(|at| format!("(local.set 0 (i64.xor (local.get 0) (local.get {at})))")).collect();
    format!(
        "(func $wide (param i64) (result i32) (local {locals}) {set} (drop (call $wide (local.get 900))) {sum} (i32.wrap_i64 (local.get 0)))"
    )
}

fn memory() -> Vec<Row> {
    vec![
        run("H4 memory.grow until refused, then trap", "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)", "memory"),
        run("H4 memory.grow for ever", "(loop (drop (memory.grow (i32.const 1))) (br 0)) (unreachable)", "fuel"),
        run("H4 memory.grow by 4 GiB", "(if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then (unreachable))) (i32.const 56)", "memory"),
        run("H7 table.grow for ever", "(loop (drop (table.grow $t (ref.null func) (i32.const 1))) (br 0)) (unreachable)", "fuel").with_core("(table $t 1 funcref)"),
        run("H7 table.grow past its limit, then trap", "(if (i32.eq (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1)) (then (unreachable))) (i32.const 56)", "memory").with_core("(table $t 1 funcref)"),
        (
            "H5 4 GiB of memory to begin with",
            Core::evaluating("(i32.const 56)").pages(65_536),
            End::Refused(&["memory"]),
        ),
        (
            "H8 a table of 4,000,000,000 entries",
            Core::evaluating("(i32.const 56)").with("(table 4000000000 funcref)"),
            End::Refused(&["table"]),
        ),
        (
            "H23 remembers an earlier call in a global",
            Core::evaluating("(global.set $seen (i32.add (global.get $seen) (i32.const 1))) (if (i32.gt_u (global.get $seen) (i32.const 1)) (then (unreachable))) (i32.const 56)")
                .with("(global $seen (mut i32) (i32.const 0))"),
            End::Decides(|_| true),
        ),
    ]
}

fn calls() -> Vec<Row> {
    vec![
        run("H13 a storm of host calls", "(loop (call $log (i32.const 1024) (i32.const 7)) (br 0)) (unreachable)", "host_calls"),
        run("H14 log with a length of 4 GiB", "(call $log (i32.const 0) (i32.const -1)) (i32.const 56)", "bad_output"),
        run("H14 log with a pointer near 2^32", "(call $log (i32.const -16) (i32.const 32)) (i32.const 56)", "bad_output"),
        (
            "H14 log of 1 MiB",
            Core::evaluating("(call $log (i32.const 65536) (i32.const 1048576)) (i32.const 56)").pages(20),
            End::Failed("output_size"),
        ),
        run("H14 the decision lies outside memory", "(i32.const -16)", "bad_output"),
        run("H14 the decision lies at an odd address", "(i32.const 57)", "bad_output"),
        run("H38 log of what is no UTF-8", "(i32.store8 (i32.const 4096) (i32.const 255)) (call $log (i32.const 4096) (i32.const 1)) (i32.const 56)", "bad_output"),
        run("H38 63 lines of terminal commands are only text", "(local $i i32) (i32.store (i32.const 4096) (i32.const 0x6d315b1b)) (loop (call $log (i32.const 4096) (i32.const 4)) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 63)))) (i32.const 56)", "").decides(),
    ]
}

trait Decides {
    fn decides(self) -> Self;
}

impl Decides for Row {
    fn decides(self) -> Self {
        (self.0, self.1, End::Decides(|_| true))
    }
}

fn traps() -> Vec<Row> {
    let table = "(type $f (func)) (table 4 funcref) (func $one (param i32)) (elem (i32.const 1) $one)";
    vec![
        run("H25 unreachable", "(unreachable)", "trap"),
        run("H25 load outside memory", "(i32.load (i32.const 2000000000))", "trap"),
        run("H25 store outside memory", "(i32.store (i32.const -4) (i32.const 1)) (i32.const 56)", "trap"),
        run("H25 division by zero", "(i32.div_s (i32.const 1) (i32.const 0))", "trap"),
        run("H25 overflow in division", "(i32.div_s (i32.const 0x80000000) (i32.const -1))", "trap"),
        run("H25 number to integer that does not fit", "(i32.trunc_f64_s (f64.const 1e300))", "trap"),
        run("H25 not a number to integer", "(i32.trunc_f32_u (f32.const nan))", "trap"),
        run("H25 call of nothing", "(call_indirect (type $f) (i32.const 0)) (i32.const 56)", "trap").with_core(table),
        run("H25 call of another type", "(call_indirect (type $f) (i32.const 1)) (i32.const 56)", "trap")
            .with_core(table),
        run("H25 call outside the table", "(call_indirect (type $f) (i32.const 99)) (i32.const 56)", "trap")
            .with_core(table),
        run(
            "H25 memory.init outside its data",
            "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 99)) (i32.const 56)",
            "trap",
        )
        .with_core("(data $d \"x\")"),
    ]
}

fn texts() -> Vec<Row> {
    let text = |bytes: &[u8]| [ruled((2048 + 64, bytes.len() as u32), 11, &[]), bytes.to_vec()].concat();
    let bad = |name, bytes: &[u8]| (name, Core::answering(1, 0, text(bytes)), End::Failed("bad_output"));
    vec![
        bad("H17 text that is no UTF-8", b"\xff\xfe"),
        bad("H17 half a character", "好".as_bytes().get(..2).unwrap_or_default()),
        bad("H17 a lone surrogate", b"\xed\xa0\x80"),
        bad("H17 an over-long form", b"\xc0\xaf"),
        ("H19 a text of 100 MB", Core::answering(1, 0, ruled((0, 100_000_000), 11, &[])), End::Failed("bad_output")),
        (
            "H19 a text of 1 MiB",
            Core::answering(1, 0, ruled((65_536, 1 << 20), 11, &[])).pages(20),
            End::Failed("output_size"),
        ),
        ("H19 a text of 2 KiB", Core::answering(1, 0, ruled((98_304, 2_048), 11, &[])), End::Failed("text_size")),
        (
            "H19 64 times one text of 1 KiB",
            Core::answering(64, 0, ruled((98_304, 1_024), 11, &[]).repeat(64)),
            End::Failed("output_size"),
        ),
        ("H20 a text of 1,000 brackets is a text", Core::answering(1, 0, text(&[b'['; 1_000])), End::Decides(|_| true)),
    ]
}

fn effects() -> Vec<Row> {
    let amount = |case, amount: i64| ruled((1024, 7), case, &amount.to_le_bytes());
    let failed = |name, core, code| (name, core, End::Failed(code));
    // Case 2 is a voucher; its list of categories stands 32 bytes into it.
    let lists = |length: u32| {
        let voucher = [vec![0; 36], 65_536_u32.to_le_bytes().to_vec(), length.to_le_bytes().to_vec()].concat();
        ruled((1024, 7), 2, &voucher)
    };
    vec![
        failed(
            "H15 60 lists of 5,000 texts, one in all",
            Core::answering(60, 0, lists(5_000).repeat(60)),
            "output_size",
        ),
        failed("H15 a list longer than memory", Core::answering(1, 0, lists(u32::MAX)), "bad_output"),
        failed("H15 a list of 65 categories", Core::answering(1, 0, lists(65)), "text_size"),
        failed("H16 an effect there is none of", Core::answering(1, 0, ruled((1024, 7), 200, &[])), "bad_output"),
        failed(
            "H16 an outcome there is none of",
            Core::answering(0, 1, [vec![0; 8], vec![9], vec![0; 55]].concat()),
            "bad_output",
        ),
        failed(
            "H16 an expiry there is none of",
            Core::answering(1, 0, ruled((1024, 7), 0, &[[0; 12].to_vec(), vec![7]].concat())),
            "bad_output",
        ),
        failed("H18 65 effects", Core::answering(65, 0, vec![]), "effects"),
        failed("H18 60,000 effects", Core::answering(60_000, 0, vec![]).pages(64), "output_size"),
        failed("H18 1,000,000 effects", Core::answering(1_000_000, 0, vec![]), "bad_output"),
        failed("H18 65 reasons", Core::answering(0, 65, vec![]), "reasons"),
        failed("H18 4,294,967,295 reasons", Core::answering(0, u32::MAX, vec![]), "bad_output"),
        failed("H21 i64::MAX points", Core::answering(1, 0, amount(0, i64::MAX)), "amount"),
        failed("H21 i64::MIN points", Core::answering(1, 0, amount(0, i64::MIN)), "amount"),
        failed("H21 2^53 + 1 fen", Core::answering(1, 0, amount(6, (1 << 53) + 1)), "amount"),
        failed("H22 a grant of -1", Core::answering(1, 0, amount(0, -1)), "amount"),
        failed("H22 a discount of -1", Core::answering(1, 0, amount(6, -1)), "amount"),
        failed("H22 a gift of -1", Core::answering(1, 0, amount(8, -1)), "amount"),
        failed("H22 a voucher code of nothing", Core::answering(1, 0, ruled((1024, 7), 3, &[0; 8])), "bad_output"),
    ]
}

/// What is allowed must not be caught.
fn honest() -> Vec<Row> {
    vec![
        (
            "H36 99 % of the fuel",
            Core::evaluating(
                "(local $i i32) (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 28000)))) (i32.const 56)",
            ),
            End::Decides(|d| d.fuel_used > 150_000),
        ),
        ("64 effects", Core::answering(64, 0, vec![]), End::Decides(|_| true)),
        ("64 reasons", Core::answering(0, 64, vec![]), End::Decides(|_| true)),
        ("2^53 fen", Core::answering(1, 0, ruled((1024, 7), 6, &(1_i64 << 53).to_le_bytes())), End::Decides(|_| true)),
        ("a text of 1 KiB", Core::answering(1, 0, ruled((98_304, 1_024), 11, &[])), End::Decides(|_| true)),
    ]
}
