//! What policies are shown of a member.

use crate::plan::Work;
use crate::{ExpiringLot, Facts, MemberFacts, Points, Stat, Voucher, VoucherFacts, VoucherState};

/// How many days ahead a lot counts as soon to expire.
const EXPIRING_DAYS: i32 = 30;
/// The most lots and vouchers shown to a policy; the soonest to expire come first.
const SHOWN_MAX: usize = 50;

impl Work<'_> {
    /// The facts of the act, as the member stands now.
    pub(crate) fn facts(&self) -> Facts {
        let case = self.case();
        let Some(member) = self.member() else {
            let stats = case.needs.iter().map(|n| Stat { metric: n.metric, days: n.days, value: 0 }).collect();
            return Facts { now: case.now, store: case.store.clone(), stats, ..Facts::default() };
        };
        let day = case.now.day;
        let value =
            |n: &crate::StatNeed| Stat { metric: n.metric, days: n.days, value: member.stat(n.metric, n.days, day) };
        Facts {
            now: case.now,
            store: case.store.clone(),
            member: Some(MemberFacts {
                id: member.id.clone(),
                tier: member.tier.name.clone(),
                tier_pinned: member.tier.pinned,
                tier_since: member.tier.since,
                joined: member.joined,
                birthday: member.birthday,
                referred: member.referrer.is_some(),
                tags: member.tags.iter().cloned().collect(),
                points: Points::new(member.spendable(case.today).get().saturating_sub(member.held(case.at).0.get())),
                pending: member.pending(case.today),
                stored_principal: crate::Fen::new(member.accounts.principal.balance),
                stored_gift: crate::Fen::new(member.accounts.gift.balance),
            }),
            expiring: self.expiring(),
            vouchers: self.shown_vouchers(),
            stats: case.needs.iter().map(value).collect(),
        }
    }

    fn expiring(&self) -> Vec<ExpiringLot> {
        let today = self.case().today;
        let soon = |day: crate::Day| day <= today.plus(EXPIRING_DAYS);
        let lots = self.member().map(|m| m.lots.as_slice()).unwrap_or_default();
        let mut found: Vec<ExpiringLot> = lots
            .iter()
            .filter_map(|lot| {
                lot.expires.filter(|day| soon(*day)).map(|expires| ExpiringLot { amount: lot.left, expires })
            })
            .collect();
        found.sort_by_key(|lot| lot.expires);
        found.truncate(SHOWN_MAX);
        found
    }

    fn shown_vouchers(&self) -> Vec<VoucherFacts> {
        let (presented, today) = (self.presented(), self.case().now.day);
        let own = |v: &&Voucher| self.member().is_some_and(|member| v.member == member.id);
        let usable = |v: &Voucher| v.state == VoucherState::Issued && v.valid_from <= today;
        let mut found: Vec<VoucherFacts> = self
            .vouchers()
            .filter(own)
            .filter(|v| usable(v) || presented.contains(&v.code))
            .map(|v| VoucherFacts {
                code: v.code.clone(),
                template: v.template.clone(),
                face: v.face,
                min_spend: v.min_spend,
                valid_until: v.valid_until,
                presented: presented.contains(&v.code),
            })
            .collect();
        found.sort_by(|a, b| {
            (a.valid_until.is_none(), a.valid_until, &a.code).cmp(&(b.valid_until.is_none(), b.valid_until, &b.code))
        });
        found.truncate(SHOWN_MAX);
        found
    }
}
