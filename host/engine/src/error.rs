//! What can go wrong, and who must act.

use std::fmt;

/// Why a policy's answer counts as failed. The names are stable: they are stored with decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailCode {
    /// Used up its Wasm fuel or Rhai operations.
    Fuel,
    /// Asked for more memory, or larger values, than it may have.
    Memory,
    /// Called itself too deeply.
    Stack,
    /// Wasm trapped: `unreachable`, division by zero, out of bounds.
    Trap,
    /// A script's own error: a wrong type, a missing property, `throw`.
    Script,
    /// Called the host too often.
    HostCalls,
    /// Answered with something that is no decision.
    BadOutput,
    /// An amount below 0 or above 2^53.
    Amount,
    /// More effects than allowed.
    Effects,
    /// More reasons than allowed.
    Reasons,
    /// A text or list in the answer is too long.
    TextSize,
    /// The whole answer is too long.
    OutputSize,
    /// The facts and the event are larger than a policy is given.
    InputSize,
}

impl FailCode {
    /// Every code, for tables and documentation.
    pub const ALL: [Self; 13] = [
        Self::Fuel,
        Self::Memory,
        Self::Stack,
        Self::Trap,
        Self::Script,
        Self::HostCalls,
        Self::BadOutput,
        Self::Amount,
        Self::Effects,
        Self::Reasons,
        Self::TextSize,
        Self::OutputSize,
        Self::InputSize,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Trap => "trap",
            Self::Script => "script",
            Self::HostCalls => "host_calls",
            Self::BadOutput => "bad_output",
            Self::Amount => "amount",
            Self::Effects => "effects",
            Self::Reasons => "reasons",
            Self::TextSize => "text_size",
            Self::OutputSize => "output_size",
            Self::InputSize => "input_size",
        }
    }
}

impl fmt::Display for FailCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A policy broke a limit or its own code. Deterministic: the same input fails the same way again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    pub(crate) code: FailCode,
    pub(crate) text: String,
}

impl Failure {
    /// A failure with its words.
    pub(crate) fn new(code: FailCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// An upload that is not accepted, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// Stable name of the rule it breaks.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub text: String,
}

impl Refusal {
    /// A refusal with its words.
    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// The engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Wasmtime refuses the configuration or the memory it needs.
    #[error("the Wasm engine does not start: {0}")]
    Wasm(String),
    /// The thread that stops runaway evaluations does not start.
    #[error("the engine's clock thread does not start: {0}")]
    Clock(#[source] std::io::Error),
}

/// The machine failed, not the policy: nothing was decided; try again or look at the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalFault {
    /// The evaluation took longer than its net, which only happens on a machine that is stuck.
    #[error("policy {policy:?} was stopped after {limit_ms} ms")]
    TimedOut {
        /// Name of the policy in the rulebook.
        policy: String,
        /// The net, in milliseconds.
        limit_ms: u64,
    },
    /// As many evaluations run as the pool has places.
    #[error("all {limit} places for evaluations are taken")]
    Busy {
        /// How many places there are.
        limit: u32,
    },
    /// The engine itself failed.
    #[error("the engine failed on policy {policy:?}: {cause}")]
    Engine {
        /// Name of the policy in the rulebook.
        policy: String,
        /// What Wasmtime or Rhai said.
        cause: String,
    },
}

/// A stored artifact that cannot be loaded. Unless it is [`LoadError::Unfit`], admit the source again and
/// store the new artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Altered, cut short, sealed for another policy, or made by another build or key.
    #[error("the artifact of policy {digest} is not one this engine made: admit the source again")]
    NotOurs {
        /// The policy asked for.
        digest: String,
    },
    /// The text is not the script that has this digest.
    #[error("the stored script is not the one with digest {digest}")]
    OtherScript {
        /// The policy asked for.
        digest: String,
    },
    /// It is what it should be and still does not load under this engine.
    #[error("policy {digest} does not load: {why}")]
    Unfit {
        /// The policy asked for.
        digest: String,
        /// Why, in words.
        why: String,
    },
}

/// Settings that are not those the policy declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// More or fewer values than parameters.
    #[error("policy {name:?} declares {declared} parameters, but {given} values were given")]
    Count {
        /// Name of the policy in the rulebook.
        name: String,
        /// Parameters it declares.
        declared: usize,
        /// Values given.
        given: usize,
    },
    /// A value its parameter does not take.
    #[error(transparent)]
    Param(#[from] ledger::ParamError),
}
