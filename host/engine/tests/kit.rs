//! What the engine's tests share: an engine, inputs, and components written as text.

use engine::{Admitted, ArtifactKey, Compiler, Engine, EvalFault, Limits, Placed, Refusal, Rulebook, Source};
use ledger::{Answer, Event, Facts, PolicyDecision};
use std::collections::BTreeMap;

/// An engine that compiles in this process.
pub fn engine(limits: Limits) -> Engine {
    Engine::new(limits, ArtifactKey::new([7; 32]), Compiler::InProcess).unwrap()
}

/// A rulebook with one admitted policy and its own defaults.
pub fn rulebook(engine: &Engine, source: &Source) -> Result<Rulebook, Refusal> {
    let Admitted { digest, description, artifact } = engine.admit(source)?;
    let policy = engine.load(&digest, &artifact).unwrap();
    let params = description.settle(&BTreeMap::new()).unwrap();
    Ok(Rulebook::new(vec![Placed::new("policy", policy, params).unwrap()]))
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Refused at upload.
    Refused(Refusal),
    /// The machine failed: the safety net, the pool.
    Fault(EvalFault),
}

/// What one policy answers.
pub fn ask(engine: &Engine, source: &Source, event: &Event) -> Result<PolicyDecision, Stop> {
    let rulebook = rulebook(engine, source).map_err(Stop::Refused)?;
    let decision = engine.evaluate(&rulebook, &Facts::default(), event).map_err(Stop::Fault)?;
    Ok(decision.0.into_iter().next().unwrap())
}

/// The code of a failed answer.
pub fn code(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Decided { .. } => None,
        Answer::Failed { code, .. } => Some(code),
    }
}
