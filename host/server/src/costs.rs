//! What deciding an act of each tenant costs, so that slow policies wait for each other and nobody else for them.

use ledger::TenantId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A tenant is slow once its acts take longer than this on average. With the shipped policies they take a tenth of it.
const SLOW: Duration = Duration::from_millis(1);
/// A slow tenant is so no longer once its acts take less.
const QUICK: Duration = Duration::from_micros(500);
/// One act counts for no more.
const COUNTED: Duration = Duration::from_millis(8);
/// One of the first acts counts for no more: they also bring code and pages into memory.
const COUNTED_FIRST: Duration = Duration::from_millis(2);
/// The newest act's share of the average is one in so many, and more while there are fewer.
const SHARE: u32 = 16;
/// A tenant begins as if it had been quick so often.
const BELIEVED: u32 = 3;
/// What one tenant's acts of one batch may take together.
const TURN: Duration = Duration::from_millis(8);

/// What is known of each tenant that was served lately.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    of: Mutex<HashMap<TenantId, Cost>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Cost {
    average: Duration,
    /// How many acts, up to [`SHARE`].
    acts: u32,
    slow: bool,
}

impl Costs {
    /// Whether the tenant's acts go the slow way.
    pub fn is_slow(&self, tenant: &TenantId) -> bool {
        self.of().get(tenant).is_some_and(|cost| cost.slow)
    }

    /// How many of the tenant's acts may travel in one batch.
    pub fn turn(&self, tenant: &TenantId) -> usize {
        let average = self.of().get(tenant).map_or(SLOW, |cost| cost.average).max(Duration::from_micros(1));
        usize::try_from(TURN.as_nanos() / average.as_nanos()).unwrap_or(usize::MAX).max(1)
    }

    /// Notes how much processor time it took to decide one act.
    pub fn note(&self, tenant: &TenantId, took: Duration) {
        let mut of = self.of();
        let cost = match of.get_mut(tenant) {
            Some(cost) => cost,
            None => of.entry(tenant.clone()).or_default(),
        };
        let counted = took.min(if cost.acts < SHARE { COUNTED_FIRST } else { COUNTED });
        let share = SHARE.min(cost.acts + BELIEVED + 1);
        cost.average = (cost.average * (share - 1) + counted) / share;
        cost.acts = SHARE.min(cost.acts + 1);
        let slow = if cost.slow { cost.average >= QUICK } else { cost.average > SLOW };
        if slow != cost.slow {
            cost.slow = slow;
            let average_us = u64::try_from(cost.average.as_micros()).unwrap_or(u64::MAX);
            tracing::warn!(%tenant, slow, average_us, "a tenant's policies are slow, or quick again; its acts change lanes");
        }
    }

    fn of(&self) -> MutexGuard<'_, HashMap<TenantId, Cost>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(costs: &Costs, times: u32, micros: u64) -> bool {
        let tenant = TenantId::new("demo").unwrap();
        (0..times).for_each(|_| costs.note(&tenant, Duration::from_micros(micros)));
        costs.is_slow(&tenant)
    }

    #[test]
    fn a_tenant_is_slow_while_its_acts_are_and_quick_again_afterwards() {
        let costs = Costs::default();
        assert!(!noted(&costs, 1, 100));
        assert!(!noted(&costs, 1, 5_000_000), "one act that brought code into memory is not a slow policy");
        assert!(!noted(&costs, 100, 900));
        assert!(noted(&costs, 20, 1_500));
        assert!(noted(&costs, 50, 700), "between the two limits it stays where it is");
        assert!(!noted(&costs, 50, 100));
    }

    #[test]
    fn the_more_an_act_costs_the_fewer_travel_together() {
        let (costs, tenant) = (Costs::default(), TenantId::new("demo").unwrap());
        assert_eq!(costs.turn(&tenant), 8, "of a tenant nobody knows the worst is assumed");
        noted(&costs, 200, 100);
        assert!((60..=80).contains(&costs.turn(&tenant)), "{}", costs.turn(&tenant));
        noted(&costs, 200, 60_000);
        assert_eq!(costs.turn(&tenant), 1);
    }
}
