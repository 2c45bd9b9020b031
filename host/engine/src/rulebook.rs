//! A tenant's ordered policies with their settings, and what of the facts and event they are given.

use crate::{PlaceError, script, wasm};
use ledger::{
    Answer, Description, Digest, Effect, Event, EventKind, Facts, Fen, ParamValue, PolicyDecision, Receipt, StatNeed,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes a resident component takes besides its machine code.
const COMPONENT_OVERHEAD_BYTES: usize = 64 << 10;
/// Bytes of syntax tree for each byte of script, generously.
const TREE_BYTES_PER_BYTE: usize = 64;

/// One resident policy version. Cheap to clone.
#[derive(Clone)]
pub struct Policy(Arc<Resident>);

pub(crate) struct Resident {
    pub(crate) digest: Digest,
    pub(crate) description: Description,
    pub(crate) body: Body,
}

/// What runs.
pub(crate) enum Body {
    Wasm(wasm::Component),
    Script(script::Script),
}

impl Policy {
    pub(crate) fn new(digest: Digest, description: Description, body: Body) -> Self {
        Self(Arc::new(Resident { digest, description, body }))
    }

    /// The digest of its source.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// What it says about itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    pub(crate) fn body(&self) -> &Body {
        &self.0.body
    }

    /// Bytes it takes while it is resident, about.
    pub fn bytes(&self) -> usize {
        match self.body() {
            Body::Wasm(component) => component.bytes().saturating_add(COMPONENT_OVERHEAD_BYTES),
            Body::Script(script) => script.source_bytes().saturating_mul(TREE_BYTES_PER_BYTE),
        }
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Policy({})", self.0.digest)
    }
}

/// A policy's place in a rulebook, with its settings.
#[derive(Debug, Clone)]
pub struct Placed {
    name: String,
    policy: Policy,
    params: Vec<ParamValue>,
    prepared: script::Params,
}

impl Placed {
    /// Puts a policy in its place. `params` are settled values in declared order, as
    /// [`Description::settle`] gives them.
    ///
    /// # Errors
    /// [`PlaceError`] if the values are not those the policy declares.
    pub fn new(name: impl Into<String>, policy: Policy, params: Vec<ParamValue>) -> Result<Self, PlaceError> {
        let name = name.into();
        let declared = &policy.description().params;
        if declared.len() != params.len() {
            return Err(PlaceError::Count { name, declared: declared.len(), given: params.len() });
        }
        let params =
            declared.iter().zip(params).map(|(param, value)| param.accept(value)).collect::<Result<Vec<_>, _>>()?;
        let prepared = match policy.body() {
            Body::Script(_) => script::Params::new(declared, &params),
            Body::Wasm(_) => script::Params::default(),
        };
        Ok(Self { name, policy, params, prepared })
    }

    /// Its name in the rulebook.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy version.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its settings, in declared order.
    pub fn params(&self) -> &[ParamValue] {
        &self.params
    }

    pub(crate) fn prepared(&self) -> &script::Params {
        &self.prepared
    }
}

/// Policies in the order they are asked.
#[derive(Debug, Clone, Default)]
pub struct Rulebook {
    policies: Vec<Placed>,
}

impl Rulebook {
    /// A rulebook of these policies, in this order.
    pub fn new(policies: Vec<Placed>) -> Self {
        Self { policies }
    }

    /// Its policies, in order.
    pub fn policies(&self) -> &[Placed] {
        &self.policies
    }

    /// The policies that handle a kind of event, in order.
    pub fn handling(&self, kind: EventKind) -> impl Iterator<Item = &Placed> {
        self.policies.iter().filter(move |placed| placed.policy.description().events.contains(&kind))
    }

    /// Every statistic its policies need, each once, in a fixed order.
    pub fn stats_needed(&self) -> Vec<StatNeed> {
        let needs = self.policies.iter().flat_map(|placed| &placed.policy.description().stats).copied();
        needs.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The value of a statistic; one that is not among the facts counts as 0, as for a new member.
pub(crate) fn stat(facts: &Facts, need: StatNeed) -> i64 {
    facts.stats.iter().find(|stat| stat.metric == need.metric && stat.days == need.days).map_or(0, |stat| stat.value)
}

/// Lines of the event's receipt, if it is one.
pub(crate) fn lines(event: &Event) -> usize {
    match event {
        Event::Receipt(receipt) => receipt.lines.len(),
        _ => 0,
    }
}

/// Bytes an item of a list takes in a component's memory, without its texts.
const ITEM_BYTES: usize = 64;

/// About how many bytes a component is given.
pub(crate) fn input_bytes(params: &[ParamValue], facts: &Facts, event: &Event) -> usize {
    let params = params.iter().map(crate::describe::size);
    let member = facts.member.iter().flat_map(|m| m.tags.iter().map(|tag| tag.len() + 8));
    let vouchers = facts.vouchers.iter().map(|v| v.code.as_str().len() + v.template.len() + ITEM_BYTES);
    let expiring = facts.expiring.len().saturating_mul(16);
    let event = match event {
        Event::Receipt(receipt) => receipt_bytes(receipt),
        Event::Custom(name, data) => name.len().saturating_add(data.len()),
        Event::Draw(text) | Event::Follow(Some(text)) => text.len(),
        _ => ITEM_BYTES,
    };
    params.chain(member).chain(vouchers).fold(event.saturating_add(expiring), usize::saturating_add)
}

fn receipt_bytes(receipt: &Receipt) -> usize {
    let lines =
        receipt.lines.iter().map(|l| l.sku.len() + l.department.len() + l.category.len() + l.brand.len() + ITEM_BYTES);
    let payments = receipt.payments.iter().map(|payment| payment.method.len() + 16);
    lines.chain(payments).fold(receipt.receipt.len(), usize::saturating_add)
}

/// The receipt the next policy sees: less what this one took off, never below nothing.
pub(crate) fn after(event: &Event, decided: &PolicyDecision) -> Option<Event> {
    let Event::Receipt(receipt) = event else { return None };
    let Answer::Decided { effects, .. } = &decided.answer else { return None };
    let off = effects.iter().fold(0_i64, |sum, ruled| match &ruled.effect {
        Effect::DiscountLine(discount) => sum.saturating_add(discount.amount.get()),
        Effect::DiscountOrder(fen) => sum.saturating_add(fen.get()),
        _ => sum,
    });
    if off == 0 {
        return None;
    }
    let left = receipt.payable.get().saturating_sub(off).max(0);
    Some(Event::Receipt(Receipt { payable: Fen::new(left), ..receipt.clone() }))
}
