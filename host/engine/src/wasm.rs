//! Policies as Wasm components: one fresh store and instance per evaluation, nothing shared between two.

mod config;
mod contract;
mod fault;
mod guest;
mod input;
#[cfg(test)]
mod mapping;
mod native;
mod output;

use crate::{EngineError, EvalFault, FailCode, Limits, Refusal, caps, error::Failure, log::Log};
use contract::PolicyPre;
use fault::Fault;
use guest::{Guest, HasGuest};
use input::Input;
use ledger::{Answer, Description, Event, Facts, ParamValue, StatNeed};
use sha2::{Digest as _, Sha256};
use std::hash::{Hash, Hasher};
use wasmtime::{Engine, Store, component::Linker};

pub(crate) use config::{compile, compile_engine};

/// Bytes a component may hand to the host in one call, counted before they are copied.
const LIFTED_BYTES_MAX: usize = 256 << 10;
/// Resource handles a component may hold; policies have none.
const HANDLES_MAX: usize = 64;

/// Fuel for `describe`, which runs once for each upload: a form of 64 parameters takes about 30,000.
const DESCRIBE_FUEL: u64 = 1_000_000;

/// The Wasm half of the engine.
pub(crate) struct Runtime {
    engine: Engine,
    linker: Linker<Guest>,
    limits: Limits,
}

/// A resident component.
pub(crate) struct Component {
    pre: PolicyPre<Guest>,
}

/// What one policy is asked.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) params: &'a [ParamValue],
    pub(crate) stats: &'a [StatNeed],
    pub(crate) facts: &'a Facts,
    pub(crate) event: &'a Event,
}

/// How a policy answered, and what that cost.
pub(crate) struct Scored {
    pub(crate) answer: Answer,
    pub(crate) fuel_used: u64,
}

impl Runtime {
    /// Starts Wasmtime with places for evaluations.
    pub(crate) fn new(limits: &Limits) -> Result<Self, EngineError> {
        let engine = config::run_engine(limits).map_err(|e| EngineError::Wasm(format!("{e:#}")))?;
        let mut linker = Linker::new(&engine);
        contract::Policy::add_to_linker::<_, HasGuest>(&mut linker, |guest| guest)
            .map_err(|e| EngineError::Wasm(format!("{e:#}")))?;
        Ok(Self { engine, linker, limits: limits.clone() })
    }

    /// The engine whose epoch the clock thread moves on.
    pub(crate) fn clocked(&self) -> wasmtime::EngineWeak {
        self.engine.weak()
    }

    /// Names this build and configuration: machine code fits another engine only if they are equal.
    pub(crate) fn build(&self) -> String {
        let mut hasher = Sha(Sha256::new());
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hex::encode(hasher.0.finalize())
    }

    /// Makes machine code resident. `code` must come out of an opened seal.
    ///
    /// # Errors
    /// Why it does not fit the contract, in words.
    pub(crate) fn load(&self, code: &[u8]) -> Result<Component, Refusal> {
        let component = native::load(&self.engine, code)
            .map_err(|e| Refusal::new("artifact", format!("the machine code does not load: {e:#}")))?;
        let instance = self
            .linker
            .instantiate_pre(&component)
            .map_err(|e| Refusal::new("import", format!("an import does not fit the contract: {e:#}")))?;
        let pre = PolicyPre::new(instance)
            .map_err(|e| Refusal::new("exports", format!("an export does not fit the contract: {e:#}")))?;
        Ok(Component { pre })
    }

    /// Asks a component what it is.
    ///
    /// # Errors
    /// [`Refusal`] if it fails at that, with the limit it broke.
    pub(crate) fn describe(&self, component: &Component) -> Result<Description, Refusal> {
        let mut store = self.store(DESCRIBE_FUEL);
        let told = component.pre.instantiate(&mut store).and_then(|policy| policy.call_describe(&mut store));
        match told {
            Ok(description) => Ok(output::description(description)),
            Err(error) => Err(match fault::sort(&error, store.data()) {
                Fault::Failed(failure) => {
                    Refusal::new("description", format!("`describe` failed ({}): {}", failure.code, failure.text))
                }
                Fault::TimedOut | Fault::Busy | Fault::Engine(_) => {
                    Refusal::new("try_again", "the engine is overloaded; try again")
                }
            }),
        }
    }

    /// Asks a component about an event.
    ///
    /// # Errors
    /// [`EvalFault`] if the machine failed and nothing was decided.
    pub(crate) fn evaluate(
        &self,
        name: &str,
        component: &Component,
        question: Question<'_>,
        log: &mut Log,
    ) -> Result<Scored, EvalFault> {
        let input = Input::new(question);
        if input.bytes() > self.limits.input_bytes_max {
            return Ok(self.oversized(input.bytes()));
        }
        let budget = self.limits.fuel_for(input.lines());
        let mut store = self.store(budget);
        let asked = contract::instantiate(&component.pre, &mut store)
            .and_then(|policy| policy.call_evaluate(&mut store, &input.params(), input.facts(), input.event()));
        let fuel_used = budget.saturating_sub(store.get_fuel().unwrap_or(0));
        let given = match asked {
            Ok(decision) => output::decision(decision),
            Err(error) => match fault::sort(&error, store.data()) {
                Fault::Failed(failure) => Err(failure),
                infrastructure => return Err(infrastructure.named(name, &self.limits)),
            },
        };
        std::mem::swap(log, &mut store.data_mut().log);
        Ok(Scored { answer: caps::answer(&self.limits, given), fuel_used })
    }

    fn oversized(&self, bytes: usize) -> Scored {
        let limit = self.limits.input_bytes_max;
        let text = format!("facts and event take {bytes} bytes; a policy is given at most {limit}");
        Scored { answer: caps::answer(&self.limits, Err(Failure::new(FailCode::InputSize, text))), fuel_used: 0 }
    }

    /// A store with every limit set before any guest code can run.
    fn store(&self, fuel: u64) -> Store<Guest> {
        let mut store = Store::new(&self.engine, Guest::new(&self.limits));
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(LIFTED_BYTES_MAX);
        store.set_max_component_handles(HANDLES_MAX);
        store.set_epoch_deadline(crate::clock::ticks(self.limits.evaluate_ms_max));
        // Fuel is switched on in the configuration, which is the only way this could fail.
        let fuelled = store.set_fuel(fuel);
        debug_assert!(fuelled.is_ok(), "fuel is on");
        store
    }
}

impl Component {
    /// Bytes of its machine code.
    pub(crate) fn bytes(&self) -> usize {
        let range = self.pre.instance_pre().component().image_range();
        range.end.addr().saturating_sub(range.start.addr())
    }
}

/// Feeds a `Hash` into SHA-256.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    // The digest is read from the field; this is only what the trait asks for.
    fn finish(&self) -> u64 {
        0
    }
}
