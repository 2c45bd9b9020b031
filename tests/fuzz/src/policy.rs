//! What merchants upload: it ends in a named refusal, or in a policy that answers within its limits, twice the same.

use crate::planted;
use engine::{ArtifactKey, Compiler, Engine, FailCode, Limits, LoadError, Placed, Policy, Rulebook, Source};
use ledger::{
    Answer, Day, Decision, Event, Facts, Fen, Line, MemberFacts, MemberId, Payment, Points, Receipt, Returned,
};
use std::{collections::BTreeMap, path::Path, sync::OnceLock};

/// Every way an upload is refused; `try_again` is none, but a host that cannot.
const REFUSALS: [&str; 21] = [
    "artifact",
    "body",
    "code_size",
    "compile",
    "description",
    "exports",
    "feature",
    "format",
    "functions",
    "handlers",
    "import",
    "instances",
    "invalid",
    "items",
    "malformed",
    "memory",
    "nesting",
    "size",
    "start",
    "syntax",
    "table",
];
/// Milliseconds no run may take: a multiple of the host's, whose machine is not as busy.
const EVALUATE_MS_MAX: u64 = 5_000;
/// Characters of a refusal's words.
const WORDS_MAX: usize = 4_000;

/// One in so many uploads is compiled in a child process, as the host does it; the others here, which is faster.
const CHILD_OF: u8 = 16;

static CHILD: OnceLock<Compiler> = OnceLock::new();
static ENGINES: [OnceLock<Engine>; 2] = [const { OnceLock::new() }; 2];

/// What compiles in a child process: this program, called with this argument.
pub fn compile_in(program: &Path, argument: &str) {
    let compiler = Compiler::Process { program: program.to_owned(), args: vec![argument.into()] };
    CHILD.set(compiler).expect("before the first upload");
}

fn engine(source: &Source) -> &'static Engine {
    let is_child = source.bytes().last().is_some_and(|byte| byte % CHILD_OF == 0);
    let compiler = CHILD.get().filter(|_| is_child).unwrap_or(&Compiler::InProcess);
    ENGINES[usize::from(is_child)].get_or_init(|| {
        let limits = Limits { evaluate_ms_max: EVALUATE_MS_MAX, evaluations_at_once_max: 4, ..Limits::default() };
        Engine::new(limits, ArtifactKey::new([7; 32]), compiler.clone()).expect("an engine")
    })
}

/// How far an upload came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Refused, with this code.
    Refused(&'static str),
    /// Published; its answers' codes, `decided` for those that are decisions.
    Answered(Vec<String>),
}

/// Bytes as a component.
pub fn upload(bytes: &[u8]) {
    contained(&Source::Wasm(bytes.to_vec()));
}

/// Bytes as a script.
pub fn script(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        contained(&Source::Rhai(text.to_owned()));
    }
}

/// Uploads, publishes, and asks about every kind of event.
pub fn contained(source: &Source) -> End {
    let engine = engine(source);
    let admitted = match engine.admit(source) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            assert!(REFUSALS.contains(&refusal.code), "a refusal without a name: {refusal:?}");
            assert!(!refusal.text.is_empty() && refusal.text.chars().count() <= WORDS_MAX, "{refusal:?}");
            return End::Refused(refusal.code);
        }
    };
    assert_eq!(admitted.digest, source.digest());
    if let Source::Wasm(_) = source {
        altered(engine, &admitted);
    }
    let policy = engine.load(&admitted.digest, &admitted.artifact).expect("what was admitted loads");
    assert_eq!(policy.description(), &admitted.description, "it says about itself what it said");
    End::Answered(asked(engine, &policy))
}

/// No altered machine code is loaded.
fn altered(engine: &Engine, admitted: &engine::Admitted) {
    if engine.resident(&admitted.digest).is_some() {
        return;
    }
    let mut artifact = admitted.artifact.clone();
    let at = artifact.len() / 2;
    artifact[at] ^= 1;
    let loaded = engine.load(&admitted.digest, &artifact);
    assert!(matches!(loaded, Err(LoadError::NotOurs { .. })), "altered machine code: {loaded:?}");
}

/// Asks about every kind of event it handles, twice.
fn asked(engine: &Engine, policy: &Policy) -> Vec<String> {
    let params = policy.description().settle(&BTreeMap::new());
    let Some(placed) = params.ok().and_then(|params| Placed::new("policy", policy.clone(), params).ok()) else {
        return vec!["unsettled".to_owned()];
    };
    let rulebook = Rulebook::new(vec![placed]);
    let ask = |event: &Event, facts: &Facts| engine.evaluate(&rulebook, facts, event).expect("the machine holds");
    let mut ends = Vec::new();
    for event in events() {
        let once = ask(&event, &facts(false));
        // Planted: a run that depends on more than its inputs.
        let again = ask(&event, &facts(planted()));
        let (once_bytes, again_bytes) = (serde_json::to_vec(&once), serde_json::to_vec(&again));
        assert_eq!(once_bytes.expect("JSON"), again_bytes.expect("JSON"), "equal inputs, another answer");
        ends.extend(within(engine.limits(), &event, &once));
    }
    ends
}

/// The decision keeps the limits; gives its codes.
fn within(limits: &Limits, event: &Event, decision: &Decision) -> Vec<String> {
    let lines = if let Event::Receipt(receipt) = event { receipt.lines.len() } else { 0 };
    let fuel_max = limits.fuel_for(lines).max(limits.operations_for(lines));
    let codes = decision.0.iter().map(|decided| {
        assert!(decided.fuel_used <= fuel_max, "{} of {fuel_max} fuel", decided.fuel_used);
        match &decided.answer {
            Answer::Failed { code, text } => {
                assert!(FailCode::ALL.iter().any(|known| known.as_str() == code), "{code}: {text}");
                code.clone()
            }
            Answer::Decided { effects, reasons } => {
                assert!(effects.len() <= limits.effects_max && reasons.len() <= limits.reasons_max);
                "decided".to_owned()
            }
        }
    });
    codes.collect()
}

/// What a policy sees on a Monday, or of somebody else on a Saturday.
fn facts(of_another: bool) -> Facts {
    let (weekday, tags) = if of_another { (6, vec!["new".to_owned()]) } else { (1, Vec::new()) };
    let member = MemberFacts {
        id: MemberId::new("amy").expect("an id"),
        tier: "gold".to_owned(),
        points: Points::new(1_200),
        joined: Day::new(20_000),
        tags,
        ..MemberFacts::default()
    };
    let mut facts = Facts { member: Some(member), ..Facts::default() };
    facts.now.weekday = weekday;
    facts
}

fn events() -> [Event; 8] {
    let line = |sku: &str, fen| Line {
        sku: sku.to_owned(),
        category: "food".to_owned(),
        quantity_milli: 1_500,
        amount: Fen::new(fen),
        ..Line::default()
    };
    let total = Fen::new(12_800);
    let receipt = Receipt {
        receipt: "R-1".to_owned(),
        lines: vec![line("rice", 10_000), line("tea", 2_800)],
        total,
        payable: total,
        payments: vec![Payment { method: "cash".to_owned(), amount: total }],
        redeem_points: Points::new(100),
        ..Receipt::default()
    };
    [
        Event::Receipt(receipt),
        Event::SignIn,
        Event::Register,
        Event::Birthday,
        Event::Recharge(Fen::new(5_000)),
        Event::Return(Returned { receipt: "R-1".to_owned(), amount: total, whole: true }),
        Event::Follow(Some("scene".to_owned())),
        Event::Custom("review".to_owned(), r#"{"stars":5,"words":["好"],"deep":{"n":-1}}"#.to_owned()),
    ]
}
