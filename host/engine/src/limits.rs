//! Every bound the engine holds a policy to: its name, its unit, its default and why.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What a policy may cost. Those marked *semantic* decide answers, so they are part of
/// [`crate::Engine::profile`] and a decision replays only under equal ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of an uploaded component. 1 MiB: our own policies have 0.02.
    pub component_bytes_max: usize,
    /// Bytes of an uploaded script. 32 KiB: bounds the parser, whose worst cases are quadratic.
    pub script_bytes_max: usize,
    /// Bytes of machine code one component may become. 16 MiB: 16 times the largest upload.
    pub code_bytes_max: usize,
    /// Semantic. Wasm fuel one policy may use on one event, without its lines. Honest policies use under
    /// 10,000; 200,000 is under 1 ms.
    pub fuel_per_event: u64,
    /// Semantic. Further fuel for each line of the receipt. Copying a line in costs about 400.
    pub fuel_per_line: u64,
    /// Semantic. Rhai operations one policy may use on one event, without its lines. Honest scripts use under
    /// 1,000; one operation may cost several microseconds.
    pub operations_per_event: u64,
    /// Semantic. Further operations for each line of the receipt.
    pub operations_per_line: u64,
    /// Milliseconds after which an evaluation is stopped. A safety net that never decides anything: fuel
    /// ends first on a machine that is not stuck.
    pub evaluate_ms_max: u64,
    /// Semantic. Bytes of a component's memory. 4 MiB: a receipt of 1,000 lines needs 0.3.
    pub memory_bytes_max: usize,
    /// Semantic. Entries of a component's function table.
    pub table_entries_max: usize,
    /// Semantic. Bytes of stack a component may use.
    pub stack_bytes_max: usize,
    /// Semantic. Bytes of facts and event a policy is given. 512 KiB: 1,000 lines of long names.
    pub input_bytes_max: usize,
    /// Semantic. Bytes of text in one policy's effects and reasons.
    pub output_bytes_max: usize,
    /// Semantic. Bytes of one text in an effect or a reason.
    pub text_bytes_max: usize,
    /// Semantic. Effects of one policy on one event.
    pub effects_max: usize,
    /// Semantic. Reasons of one policy on one event.
    pub reasons_max: usize,
    /// Semantic. Items of one list in an effect: categories, prizes.
    pub list_items_max: usize,
    /// Semantic. Calls of `log` in one evaluation.
    pub log_calls_max: usize,
    /// Bytes kept of one logged line; the rest is cut.
    pub log_bytes_max: usize,
    /// Wasm evaluations that run at the same moment; one more is refused as busy.
    pub evaluations_at_once_max: u32,
    /// Bytes of resident policies; the least used are dropped and loaded again when needed.
    pub resident_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes_max: 1 << 20,
            script_bytes_max: 32 << 10,
            code_bytes_max: 16 << 20,
            fuel_per_event: 200_000,
            fuel_per_line: 4_000,
            operations_per_event: 20_000,
            operations_per_line: 200,
            evaluate_ms_max: 250,
            memory_bytes_max: 4 << 20,
            table_entries_max: 1_000,
            stack_bytes_max: 256 << 10,
            input_bytes_max: 512 << 10,
            output_bytes_max: 20 << 10,
            text_bytes_max: 1 << 10,
            effects_max: 64,
            reasons_max: 64,
            list_items_max: 64,
            log_calls_max: 64,
            log_bytes_max: 4 << 10,
            evaluations_at_once_max: 64,
            resident_bytes_max: 256 << 20,
        }
    }
}

impl Limits {
    /// Wasm fuel for an event with so many receipt lines.
    pub fn fuel_for(&self, lines: usize) -> u64 {
        self.fuel_per_event.saturating_add(self.fuel_per_line.saturating_mul(lines as u64))
    }

    /// Rhai operations for an event with so many receipt lines.
    pub fn operations_for(&self, lines: usize) -> u64 {
        self.operations_per_event.saturating_add(self.operations_per_line.saturating_mul(lines as u64))
    }

    /// The limits that decide answers, as one text of fixed form.
    pub(crate) fn semantic(&self) -> String {
        let mut text = String::new();
        for part in [
            self.fuel_per_event,
            self.fuel_per_line,
            self.operations_per_event,
            self.operations_per_line,
            self.memory_bytes_max as u64,
            self.table_entries_max as u64,
            self.stack_bytes_max as u64,
            self.input_bytes_max as u64,
            self.output_bytes_max as u64,
            self.text_bytes_max as u64,
            self.effects_max as u64,
            self.reasons_max as u64,
            self.list_items_max as u64,
            self.log_calls_max as u64,
        ] {
            // Writing to a String cannot fail.
            let _ = write!(text, "{part};");
        }
        text
    }
}
