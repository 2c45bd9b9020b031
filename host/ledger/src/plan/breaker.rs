//! The breaker: a policy that grants more in an hour than it ever should gives nothing more in that hour.

use super::work::Work;
use super::{PlanError, StockUse};
use crate::{Points, PolicyDecision, RuledEffect};

/// The rule a stopped policy's reason bears, and what its counter's name begins with.
pub const BREAKER: &str = "breaker";

impl Work<'_> {
    /// Applies a policy's effects, unless they would take the policy out of its band: then it is stopped, and gives
    /// nothing at all until the hour on the server's clock ends.
    pub(super) fn apply_in_band(&mut self, part: &PolicyDecision, effects: &[RuledEffect]) -> Result<(), PlanError> {
        let here = self.case.settings.zone.local(self.case.at);
        // History that is brought in was granted long ago.
        let band = self.case.settings.breakers.get(&part.policy).filter(|_| here.day == self.case.today);
        let Some(max) = band.copied() else { return self.apply_or_fail(part, effects) };
        let name = format!("{BREAKER}/{}", part.policy);
        let counter = self.stock_of(&name);
        // Hours since 1970 on the tenant's clock.
        let hour = i64::from(here.day.get()) * 24 + i64::from(here.hour);
        let since = hour.max(counter.since);
        let used = if counter.since == since { counter.used } else { 0 };
        // One more than may be granted says that it is stopped.
        let limit = max.saturating_add(1);
        let before = self.clone();
        if used <= max {
            self.apply_or_fail(part, effects)?;
            let points = self.granted_since(&before);
            if points == 0 {
                return Ok(());
            }
            if used.saturating_add(points) <= max {
                self.use_stock(StockUse { name, delta: points, max: Some(limit), since });
                return Ok(());
            }
            *self = before;
            self.use_stock(StockUse { name, delta: limit.saturating_sub(used), max: Some(limit), since });
        }
        self.said.missed(&part.policy, BREAKER, &format!("本小时发放积分超出上限 {max}，该规则暂停至整点"));
        Ok(())
    }

    fn granted_since(&self, before: &Self) -> i64 {
        let sum = |work: &Self| Points::sum(work.plan.applied.granted.iter().map(|g| g.granted)).map_or(0, Points::get);
        sum(self).saturating_sub(sum(before))
    }
}
