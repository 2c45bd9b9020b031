//! The sandbox: merchants' policies, as Wasm components or Rhai scripts, behind one [`Engine`].
//!
//! A policy sees the facts and one event and answers with a decision; it reaches nothing else. Equal
//! inputs give equal decisions and equal `fuel_used`, under one [`Engine::profile`]. A policy that breaks
//! a limit has decided nothing ([`ledger::Answer::Failed`]); a machine that fails is an [`EvalFault`] and
//! no decision at all.

mod artifact;
mod caps;
mod clock;
mod compile;
mod describe;
mod error;
mod limits;
mod log;
mod precheck;
mod rulebook;
mod script;
mod source;
mod wasm;

pub use artifact::ArtifactKey;
pub use compile::{Compiler, be_nice, compile_child_main};
pub use error::{EngineError, EvalFault, FailCode, LoadError, PlaceError, Refusal};
pub use limits::Limits;
pub use log::LogLine;
pub use rulebook::{Placed, Policy, Rulebook};
pub use source::{Admitted, Source};

use ledger::{Decision, Digest, Event, Facts, PolicyDecision};
use log::Log;
use moka::{policy::EvictionPolicy, sync::Cache};
use rulebook::Body;
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, sync::Arc};
use wasm::{Question, Scored};

/// Versions that decide answers; a test holds them against Cargo.lock.
const VERSIONS: &str = "wasmtime-48.0.8/rhai-1.27.0/policy-1.0.0";
/// Digits of the hash in a profile.
const PROFILE_DIGITS: usize = 16;
/// Runs policies. Cheap to clone; every clone shares the pool and the resident policies.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    limits: Limits,
    key: ArtifactKey,
    compiler: Compiler,
    wasm: wasm::Runtime,
    scripts: script::Runtime,
    /// What machine code must have been made with.
    build: String,
    profile: String,
    resident: Cache<Digest, Policy>,
}

/// A decision and what the policies noted on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// What was decided.
    pub decision: Decision,
    /// Lines for the rules' authors; no part of the decision.
    pub log: Vec<LogLine>,
}

impl Engine {
    /// Starts an engine. `key` seals its artifacts: the same on every host that shares them.
    ///
    /// # Errors
    /// [`EngineError`] if Wasmtime or the clock thread does not start.
    pub fn new(limits: Limits, key: ArtifactKey, compiler: Compiler) -> Result<Self, EngineError> {
        let wasm = wasm::Runtime::new(&limits)?;
        let ticks = clock::start(wasm.clocked())?;
        let build = wasm.build();
        let resident = Cache::builder()
            .max_capacity(limits.resident_bytes_max)
            // The latest in: a new tenant's policy must not lose to those that were asked often.
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, policy: &Policy| u32::try_from(policy.bytes()).unwrap_or(u32::MAX))
            .build();
        let profile = profile(&limits, &build);
        let scripts = script::Runtime::new(&limits, ticks);
        Ok(Self(Arc::new(Inner { limits, key, compiler, wasm, scripts, build, profile, resident })))
    }

    /// Names everything that decides answers beside the inputs: versions, configuration, semantic limits.
    /// Stored with each decision; one replays byte for byte under the same profile.
    pub fn profile(&self) -> &str {
        &self.0.profile
    }

    /// The limits it holds policies to.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Checks an upload: its shape, its compilation, what it says about itself. Takes up to 10 s and blocks.
    ///
    /// # Errors
    /// [`Refusal`], in words for the author.
    pub fn admit(&self, source: &Source) -> Result<Admitted, Refusal> {
        let digest = source.digest();
        match source {
            Source::Wasm(bytes) => self.admit_component(digest, bytes),
            Source::Rhai(text) => {
                script::sized(&self.0.limits, text)?;
                self.0.compiler.survive_script(text)?;
                let (_, description) = self.0.scripts.load(text)?;
                Ok(Admitted { digest, description, artifact: text.clone().into_bytes() })
            }
        }
    }

    fn admit_component(&self, digest: Digest, bytes: &[u8]) -> Result<Admitted, Refusal> {
        let inner = &*self.0;
        precheck::component(&inner.limits, bytes)?;
        let code = inner.compiler.compile(bytes, inner.limits.code_bytes_max)?;
        let component = inner.wasm.load(&code)?;
        let description = describe::checked(inner.wasm.describe(&component)?)?;
        let artifact = artifact::seal(&inner.key, &inner.build, &digest, &description, &code);
        Ok(Admitted { digest, description, artifact })
    }

    /// The policy, if it is resident.
    pub fn resident(&self, digest: &Digest) -> Option<Policy> {
        self.0.resident.get(digest)
    }

    /// Makes a policy resident from what [`Engine::admit`] gave, or finds it there. Concurrent calls for
    /// one policy load it once.
    ///
    /// # Errors
    /// [`LoadError::NotOurs`] after a change of build or key: admit the source again and store the result.
    pub fn load(&self, digest: &Digest, artifact: &[u8]) -> Result<Policy, LoadError> {
        let resident = &self.0.resident;
        let found = resident
            .entry_by_ref(digest)
            .or_try_insert_with(|| self.load_cold(digest, artifact))
            .map_err(|error| LoadError::clone(&error))?;
        if found.is_fresh() {
            // The bound on bytes holds now, not at some later housekeeping.
            resident.run_pending_tasks();
        }
        Ok(found.into_value())
    }

    fn load_cold(&self, digest: &Digest, artifact: &[u8]) -> Result<Policy, LoadError> {
        let inner = &*self.0;
        let unfit = |refusal: Refusal| LoadError::Unfit { digest: digest.to_string(), why: refusal.text };
        if !artifact::is_sealed(artifact) {
            let text = std::str::from_utf8(artifact)
                .ok()
                .filter(|text| artifact::digest(text.as_bytes()) == *digest)
                .ok_or_else(|| LoadError::OtherScript { digest: digest.to_string() })?;
            let (script, description) = inner.scripts.load(text).map_err(unfit)?;
            return Ok(Policy::new(digest.clone(), description, Body::Script(script)));
        }
        let (description, code) = artifact::open(&inner.key, &inner.build, digest, artifact)?;
        let component = inner.wasm.load(code).map_err(unfit)?;
        Ok(Policy::new(digest.clone(), description, Body::Wasm(component)))
    }

    /// Asks every policy of the rulebook that handles the event, in order.
    ///
    /// # Errors
    /// [`EvalFault`] if the machine failed; nothing was decided.
    pub fn evaluate(&self, rulebook: &Rulebook, facts: &Facts, event: &Event) -> Result<Decision, EvalFault> {
        self.trace(rulebook, facts, event).map(|traced| traced.decision)
    }

    /// Like [`Engine::evaluate`], with the lines the policies logged.
    ///
    /// A policy sees a receipt's `payable` less the discounts of those before it.
    ///
    /// # Errors
    /// [`EvalFault`] if the machine failed; nothing was decided.
    pub fn trace(&self, rulebook: &Rulebook, facts: &Facts, event: &Event) -> Result<Traced, EvalFault> {
        let span =
            tracing::debug_span!("engine.evaluate", event.kind = ?event.kind(), fuel_used = tracing::field::Empty);
        let _entered = span.enter();
        let mut event = Cow::Borrowed(event);
        let (mut decided, mut log) = (Vec::new(), Vec::new());
        for placed in rulebook.handling(event.kind()) {
            let decision = self.ask(placed, facts, &event, &mut log)?;
            if let Some(next) = rulebook::after(&event, &decision) {
                event = Cow::Owned(next);
            }
            decided.push(decision);
        }
        span.record("fuel_used", decided.iter().map(|decision| decision.fuel_used).sum::<u64>());
        Ok(Traced { decision: Decision(decided), log })
    }

    /// Asks one policy.
    fn ask(
        &self,
        placed: &Placed,
        facts: &Facts,
        event: &Event,
        lines: &mut Vec<LogLine>,
    ) -> Result<PolicyDecision, EvalFault> {
        let policy = placed.policy();
        let mut log = Log::new(&self.0.limits);
        let stats = &policy.description().stats;
        let question = Question { params: placed.params(), stats, facts, event };
        let Scored { answer, fuel_used } = match policy.body() {
            Body::Wasm(component) => self.0.wasm.evaluate(placed.name(), component, question, &mut log)?,
            Body::Script(script) => {
                self.0.scripts.evaluate(placed.name(), script, placed.prepared(), question, &mut log)?
            }
        };
        lines.extend(log.into_lines(placed.name()));
        let digest = policy.digest().clone();
        Ok(PolicyDecision { policy: placed.name().to_owned(), digest, answer, fuel_used })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.0.profile)
    }
}

fn profile(limits: &Limits, build: &str) -> String {
    let hash = hex::encode(Sha256::digest(format!("{VERSIONS}\n{build}\n{}", limits.semantic())));
    format!("{VERSIONS}/{}", hash.get(..PROFILE_DIGITS).unwrap_or(&hash))
}

// Everything a server shares between threads.
const _: () = {
    const fn shared<T: Send + Sync + 'static>() {}
    shared::<Engine>();
    shared::<Rulebook>();
};

#[cfg(test)]
mod tests {
    #[test]
    fn the_versions_in_the_profile_are_those_that_are_linked() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        for version in super::VERSIONS.split('/').filter(|version| !version.starts_with("policy")) {
            let (name, version) = version.split_once('-').unwrap();
            assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")), "{name} {version}");
        }
    }

    #[test]
    fn the_contract_in_the_profile_is_the_one_in_wit() {
        let wit = include_str!("../../../wit/policy.wit");
        let (_, version) = super::VERSIONS.rsplit_once("policy-").unwrap();
        assert!(wit.contains(&format!("package punchcard:policy@{version};")), "{version}");
    }
}
