//! `punchcard policy inspect`.

use super::{
    Said,
    book::Kept,
    place::Found,
    subject::{Compiling, Subject, bytes},
    table::{Table, grouped},
    wasm_names::{self, Names},
};
use anyhow::bail;
use clap::Args;
use engine::Source;
use ledger::{
    Answer, Event, EventKind, Facts, Fen, Line, MemberFacts, MemberId, Receipt, Returned, VoucherChange, VoucherCode,
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Lines of the receipts a policy's cost is shown for.
const RECEIPTS_LINES: [usize; 2] = [1, 10];

/// Show what a policy imports and exports, its size, its cost and its parameters.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A folder, a .rhai file or a .wasm file; or the digest of a stored version, with --tenant.
    policy: String,
    #[command(flatten)]
    kept: Kept,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compiling: Compiling,
}

/// What one event costs a policy.
struct Cost {
    event: &'static str,
    lines: usize,
    used: u64,
    most: u64,
    failed: Option<String>,
}

impl Inspect {
    pub(super) async fn run(&self) -> anyhow::Result<Said> {
        let subject = Subject::admit(self.found().await?, self.compiling.engine()?)?;
        let names = match &subject.found.source {
            Source::Wasm(component) => wasm_names::names(component).unwrap_or_default(),
            Source::Rhai(_) => Names::default(),
        };
        let costs = costs(&subject)?;
        let text =
            if self.json { format!("{:#}\n", told(&subject, &names, &costs)) } else { page(&subject, &names, &costs) };
        Ok(Said::well(text).warning(subject.found.warning.as_deref()))
    }

    async fn found(&self) -> anyhow::Result<Found> {
        let path = PathBuf::from(&self.policy);
        if path.exists() {
            return Found::at(&path);
        }
        if self.policy.len() < 8 || !self.policy.bytes().all(|b| b.is_ascii_hexdigit()) {
            bail!("there is no file {} here, and it is no digest", self.policy);
        }
        let stored = self.kept.open().await?.stored(&self.policy).await?;
        Ok(Found { file: stored.0.into(), source: stored.1, cases: None, name: None, warning: None })
    }
}

fn page(subject: &Subject, names: &Names, costs: &[Cost]) -> String {
    let mut wasm = Table::default();
    if let Source::Wasm(_) = subject.found.source {
        let nothing = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        wasm.row(["imports".to_owned(), nothing(&names.imports)]);
        wasm.row(["exports".to_owned(), nothing(&names.exports)]);
    }
    let mut table = Table::new(["example", subject.unit(), "at most", "", ""]).right(&[1, 2, 3]);
    for cost in costs {
        let share = format!("{}%", cost.used.saturating_mul(100) / cost.most.max(1));
        let failed = cost.failed.clone().unwrap_or_default();
        table.row([cost.example(), grouped(cost.used), grouped(cost.most), share, failed]);
    }
    format!("{}{wasm}\n{table}", with_gap(subject.page()))
}

fn with_gap(page: String) -> String {
    format!("{page}\n")
}

impl Cost {
    fn example(&self) -> String {
        match self.lines {
            0 => self.event.to_owned(),
            1 => format!("{} of 1 line", self.event),
            lines => format!("{} of {lines} lines", self.event),
        }
    }
}

fn told(subject: &Subject, names: &Names, costs: &[Cost]) -> Value {
    let cost =
        |cost: &Cost| json!({"event": cost.event, "lines": cost.lines, "fuel_used": cost.used, "fuel_max": cost.most});
    json!({
        "digest": subject.admitted.digest,
        "language": subject.found.language(),
        "bytes": bytes(&subject.found.source),
        "imports": names.imports,
        "exports": names.exports,
        "description": subject.policy.description(),
        "costs": costs.iter().map(cost).collect::<Vec<_>>(),
    })
}

/// What plain examples of the events it handles cost, with its defaults.
fn costs(subject: &Subject) -> anyhow::Result<Vec<Cost>> {
    let told = subject.policy.description();
    let rulebook = subject.rulebook(told.params.iter().map(|param| param.default.clone()).collect())?;
    let facts = Facts { member: Some(MemberFacts::default()), ..Facts::default() };
    let mut costs = Vec::new();
    for event in told.events.iter().flat_map(|kind| examples(*kind)) {
        let decision = subject.engine.evaluate(&rulebook, &facts, &event)?;
        let failed = decision.0.iter().find_map(|part| match &part.answer {
            Answer::Failed { code, text } => Some(format!("{code}: {text}")),
            Answer::Decided { .. } => None,
        });
        costs.push(Cost {
            event: event.kind().as_str(),
            lines: if let Event::Receipt(receipt) = &event { receipt.lines.len() } else { 0 },
            used: decision.0.iter().map(|part| part.fuel_used).sum(),
            most: subject.fuel_max(&event),
            failed,
        });
    }
    Ok(costs)
}

/// Plain examples of a kind of event.
fn examples(kind: EventKind) -> Vec<Event> {
    // INVARIANT: fixed names of valid form.
    let named = |name: &str| (MemberId::new(name).ok(), VoucherCode::new(name).ok());
    let one = match kind {
        EventKind::Follow => Some(Event::Follow(None)),
        EventKind::Register => Some(Event::Register),
        EventKind::Bind => Some(Event::Bind),
        EventKind::Referral => named("new-member").0.map(Event::Referral),
        EventKind::SignIn => Some(Event::SignIn),
        EventKind::Receipt => return RECEIPTS_LINES.map(|lines| Event::Receipt(receipt(lines))).into(),
        EventKind::Return => {
            Some(Event::Return(Returned { receipt: "1".into(), amount: Fen::new(1_000), whole: true }))
        }
        EventKind::Recharge => Some(Event::Recharge(Fen::new(50_000))),
        EventKind::Draw => Some(Event::Draw("campaign".into())),
        EventKind::Birthday => Some(Event::Birthday),
        EventKind::TierReview => Some(Event::TierReview),
        EventKind::Voucher => named("voucher").1.map(|code| Event::Voucher(code, VoucherChange::Issued)),
        EventKind::Custom => Some(Event::Custom("event".into(), "{}".into())),
    };
    one.into_iter().collect()
}

fn receipt(lines: usize) -> Receipt {
    let line = |number: usize| Line {
        sku: format!("{number:013}"),
        department: "GROCERY".into(),
        category: "BREAD".into(),
        brand: "House".into(),
        quantity_milli: 1_000,
        amount: Fen::new(1_000),
        discount: Fen::ZERO,
    };
    let total = Fen::new(1_000 * lines as i64);
    Receipt { receipt: "1".into(), lines: (0..lines).map(line).collect(), total, payable: total, ..Receipt::default() }
}
