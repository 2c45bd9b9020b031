//! Policies as Rhai scripts: the same facts, the same effects, tighter reins.
//!
//! Rhai is a convenience, not a boundary: it shares our memory and stack. Every limit it has is set, what it
//! cannot limit is switched off, and a panic inside it is a failed decision.

mod collector;
mod describe;
mod effects;
mod facts;
mod items;
mod keys;
mod lists;
mod meter;
mod profile;
mod shape;
mod values;
mod words;

use crate::wasm::{Question, Scored};
use crate::{EvalFault, FailCode, Limits, Refusal, caps, clock::Ticks, error::Failure, log::Log, rulebook};
use collector::Collector;
use facts::{Ctx, Input};
use ledger::{Description, Event, EventKind};
use rhai::{AST, CallFnOptions, Dynamic, EvalAltResult, FuncArgs, Scope};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub(crate) use values::Params;

/// What a run of a script ends in.
type Ran<T> = Result<T, Stopped>;

/// Why a run ended early.
#[derive(Debug, Clone)]
enum Stopped {
    /// The script's fault.
    Failed(Failure),
    /// The safety net.
    TimedOut,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Operations for `describe`, which runs once for each load.
const DESCRIBE_OPERATIONS: u64 = 20_000;

/// Names a script gave its statistics, in the description's order.
type StatNames = Arc<[Box<str>]>;

/// The Rhai half of the engine.
pub(crate) struct Runtime {
    /// Handles events.
    engine: rhai::Engine,
    /// Parses, and calls `describe`.
    describer: rhai::Engine,
    limits: Limits,
    ticks: Ticks,
}

/// A parsed script.
pub(crate) struct Script {
    ast: AST,
    stats: StatNames,
    source_bytes: usize,
}

impl Runtime {
    /// An interpreter with the tight profile.
    pub(crate) fn new(limits: &Limits, ticks: Ticks) -> Self {
        let engine = |sizes| profile::engine(limits, sizes, &ticks);
        let (engine, describer) = (engine(&profile::HANDLING), engine(&profile::DESCRIBING));
        Self { engine, describer, limits: limits.clone(), ticks }
    }

    /// Parses a script and asks it what it is.
    ///
    /// # Errors
    /// [`Refusal`] with line and column.
    pub(crate) fn load(&self, text: &str) -> Result<(Script, Description), Refusal> {
        sized(&self.limits, text)?;
        let ast = guarded(|| Ok(self.describer.compile(text)))
            .map_err(|stopped| refused("syntax", stopped))?
            .map_err(|error| Refusal::new("syntax", words::syntax(&error)))?;
        shape::check(&ast)?;
        let handled = describe::handled(&ast)?;
        let told = self.describe(&ast).map_err(|stopped| refused("description", stopped))?;
        let (description, stats) =
            describe::read(told, handled).map_err(|why| Refusal::new("description", format!("describe(): {why}")))?;
        let description = crate::describe::checked(description)?;
        Ok((Script { ast, stats, source_bytes: text.len() }, description))
    }

    fn describe(&self, ast: &AST) -> Ran<Dynamic> {
        meter::start(DESCRIBE_OPERATIONS, self.deadline());
        let collector = Collector::idle(&self.limits);
        guarded(|| call(&self.describer, ast, "describe", (), collector))
    }

    /// Asks a script about an event.
    ///
    /// # Errors
    /// [`EvalFault`] if the safety net stopped it; nothing was decided.
    pub(crate) fn evaluate(
        &self,
        name: &str,
        script: &Script,
        params: &Params,
        question: Question<'_>,
        log: &mut Log,
    ) -> Result<Scored, EvalFault> {
        let bytes = rulebook::input_bytes(question.params, question.facts, question.event);
        let limit = self.limits.input_bytes_max;
        if bytes > limit {
            let text = format!("facts and event take {bytes} bytes; a policy is given at most {limit}");
            let answer = caps::answer(&self.limits, Err(Failure::new(FailCode::InputSize, text)));
            return Ok(Scored { answer, fuel_used: 0 });
        }
        let budget = self.limits.operations_for(rulebook::lines(question.event));
        meter::start(budget, self.deadline());
        let collector = Collector::new(&self.limits);
        let ran = guarded(|| self.handle(script, params, question, collector.clone()));
        let fuel_used = meter::used().min(budget);
        let collected = collector.take();
        *log = collected.log;
        let given = match ran {
            Ok(()) => Ok((collected.effects, collected.reasons)),
            Err(Stopped::Failed(failure)) => Err(failure),
            Err(Stopped::TimedOut) => {
                let limit_ms = self.limits.evaluate_ms_max;
                return Err(EvalFault::TimedOut { policy: name.to_owned(), limit_ms });
            }
        };
        Ok(Scored { answer: caps::answer(&self.limits, given), fuel_used })
    }

    /// Calls the function that handles the event.
    fn handle(&self, script: &Script, params: &Params, question: Question<'_>, collector: Collector) -> Ran<()> {
        let input = Arc::new(Input { facts: question.facts.clone(), event: question.event.clone() });
        let stats = values::Stats::new(script.stats.clone(), question.stats, question.facts);
        let ctx = Ctx::new(input.clone(), params.clone(), stats);
        let (engine, ast, function) = (&self.engine, &script.ast, function(question.event.kind()));
        match question.event {
            Event::Receipt(_) => call(engine, ast, function, (ctx, facts::Receipt(input)), collector),
            Event::Return(_) => call(engine, ast, function, (ctx, facts::Returned(input)), collector),
            Event::Referral(member) => call(engine, ast, function, (ctx, text(member.as_str())), collector),
            Event::Follow(scene) => {
                let scene = scene.as_deref().map_or(Dynamic::UNIT, text);
                call(engine, ast, function, (ctx, scene), collector)
            }
            Event::Recharge(fen) => call(engine, ast, function, (ctx, fen.get()), collector),
            Event::Draw(campaign) => call(engine, ast, function, (ctx, text(campaign)), collector),
            Event::Voucher(code, change) => {
                call(engine, ast, function, (ctx, text(code.as_str()), text(facts::change(*change))), collector)
            }
            Event::Custom(name, data) => {
                call(engine, ast, function, (ctx, text(name), values::json(data, engine)), collector)
            }
            Event::Register | Event::Bind | Event::SignIn | Event::Birthday | Event::TierReview => {
                call(engine, ast, function, (ctx,), collector)
            }
        }
        .map(drop)
    }

    /// The tick at which the safety net stops a run that begins now.
    fn deadline(&self) -> u64 {
        let now = self.ticks.load(std::sync::atomic::Ordering::Relaxed);
        now.saturating_add(crate::clock::ticks(self.limits.evaluate_ms_max))
    }
}

/// Refuses a text that is longer than a script may be.
///
/// # Errors
/// [`Refusal`] with the limit.
pub(crate) fn sized(limits: &Limits, text: &str) -> Result<(), Refusal> {
    let limit = limits.script_bytes_max;
    if text.len() > limit {
        return Err(Refusal::new("size", format!("the script has {} bytes; at most {limit} are allowed", text.len())));
    }
    Ok(())
}

impl Script {
    /// Bytes of its text.
    pub(crate) fn source_bytes(&self) -> usize {
        self.source_bytes
    }
}

/// Calls one function of a script.
fn call(engine: &rhai::Engine, ast: &AST, function: &str, args: impl FuncArgs, collector: Collector) -> Ran<Dynamic> {
    let options = CallFnOptions::new().with_tag(collector);
    engine
        .call_fn_with_options::<Dynamic>(options, &mut Scope::new(), ast, function, args)
        .map_err(|error: Box<EvalAltResult>| words::stopped(*error))
}

/// Runs Rhai and turns a panic inside it into a failure, so that no script takes a thread with it.
fn guarded<T>(run: impl FnOnce() -> Ran<T>) -> Ran<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        tracing::error!("Rhai panicked on a policy");
        Err(Failure::new(FailCode::Script, "the script breaks the interpreter").into())
    })
}

fn refused(code: &'static str, stopped: Stopped) -> Refusal {
    match stopped {
        Stopped::Failed(failure) => Refusal::new(code, failure.text),
        Stopped::TimedOut => Refusal::new("try_again", "the engine is overloaded; try again"),
    }
}

fn text(text: &str) -> Dynamic {
    Dynamic::from(rhai::ImmutableString::from(text))
}

/// The function that handles a kind of event.
const fn function(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Follow => "on_follow",
        EventKind::Register => "on_register",
        EventKind::Bind => "on_bind",
        EventKind::Referral => "on_referral",
        EventKind::SignIn => "on_sign_in",
        EventKind::Receipt => "on_receipt",
        EventKind::Return => "on_return",
        EventKind::Recharge => "on_recharge",
        EventKind::Draw => "on_draw",
        EventKind::Birthday => "on_birthday",
        EventKind::TierReview => "on_tier_review",
        EventKind::Voucher => "on_voucher",
        EventKind::Custom => "on_custom",
    }
}
