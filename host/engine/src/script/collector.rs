//! What one run has asked for so far, handed along as the call's tag.

use super::{Stopped, keys::Read, values::wrong};
use crate::{FailCode, Limits, error::Failure, log::Log};
use ledger::{Effect, Reason, RuledEffect};
use rhai::{Dynamic, EvalAltResult, NativeCallContext as Call, Position};
use std::sync::{Arc, Mutex, PoisonError};

/// One run's collection; every clone is the same one.
#[derive(Clone)]
pub(super) struct Collector(Arc<Mutex<Collected>>);

/// What a run asked for.
pub(super) struct Collected {
    pub(super) effects: Vec<RuledEffect>,
    pub(super) reasons: Vec<Reason>,
    pub(super) log: Log,
    effects_max: usize,
    reasons_max: usize,
    /// In `describe()` there is nothing to decide.
    idle: bool,
}

impl Collector {
    /// For a handler.
    pub(super) fn new(limits: &Limits) -> Self {
        Self::with(limits, false)
    }

    /// For `describe()`, which may not ask for anything.
    pub(super) fn idle(limits: &Limits) -> Self {
        Self::with(limits, true)
    }

    fn with(limits: &Limits, idle: bool) -> Self {
        Self(Arc::new(Mutex::new(Collected {
            effects: Vec::new(),
            reasons: Vec::new(),
            log: Log::new(limits),
            effects_max: limits.effects_max,
            reasons_max: limits.reasons_max,
            idle,
        })))
    }

    /// Takes out what was collected and leaves nothing.
    pub(super) fn take(&self) -> Collected {
        let mut collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Collected { effects_max, reasons_max, idle, .. } = *collected;
        Collected {
            effects: std::mem::take(&mut collected.effects),
            reasons: std::mem::take(&mut collected.reasons),
            log: collected.log.taken(),
            effects_max,
            reasons_max,
            idle,
        }
    }
}

impl Collected {
    fn effect(&mut self, rule: &str, effect: Effect) -> Result<(), Failure> {
        room(FailCode::Effects, "effects", self.effects.len(), self.effects_max)?;
        self.effects.push(RuledEffect { rule: rule.to_owned(), effect });
        Ok(())
    }

    pub(super) fn reason(&mut self, reason: Reason) -> Result<(), Failure> {
        room(FailCode::Reasons, "reasons", self.reasons.len(), self.reasons_max)?;
        self.reasons.push(reason);
        Ok(())
    }
}

fn room(code: FailCode, what: &str, have: usize, limit: usize) -> Result<(), Failure> {
    if have < limit { Ok(()) } else { Err(Failure::new(code, format!("more than {limit} {what}"))) }
}

/// Adds to the run's collection; a full one ends the run, which no `catch` stops.
pub(super) fn add(call: &Call<'_>, add: impl FnOnce(&mut Collected) -> Result<(), Failure>) -> Read<()> {
    let collector = call.tag().and_then(|tag| tag.read_lock::<Collector>());
    let collector = collector.ok_or_else(|| wrong("effects can only be asked for while an event is handled"))?;
    let mut collected = collector.0.lock().unwrap_or_else(PoisonError::into_inner);
    if collected.idle {
        return Err(wrong(format!("describe() may not call {}", call.fn_name())));
    }
    add(&mut collected).map_err(|failure| {
        Box::new(EvalAltResult::ErrorTerminated(Dynamic::from(Stopped::Failed(failure)), Position::NONE))
    })
}

/// Adds an effect.
pub(super) fn ask(call: &Call<'_>, rule: &str, effect: Effect) -> Read<()> {
    add(call, |collected| collected.effect(rule, effect))
}
