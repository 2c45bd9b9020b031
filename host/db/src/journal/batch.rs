//! A batch folded to what is left of it: one write per member, voucher, sale and counter.

use super::Written;
use crate::DbError;
use ledger::{Account, Accounts, Day, MemberState, Sale, Voucher};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, btree_map};

/// A key within a tenant.
type Key<'a> = (&'a str, &'a str);

/// A batch, folded. Everything is in key order, so that two hosts lock rows in one order.
pub(super) struct Batch<'a> {
    pub written: &'a [Written],
    /// For each decision, the number of the decision before it about the same member in this batch.
    pub before: Vec<Option<i64>>,
    /// Each tenant's configuration as it was seen.
    pub seen: BTreeSet<(&'a str, i64)>,
    pub members: BTreeMap<Key<'a>, MemberWrite<'a>>,
    pub vouchers: BTreeMap<Key<'a>, VoucherWrite<'a>>,
    pub sales: BTreeMap<Key<'a>, SaleWrite<'a>>,
    pub stock: BTreeMap<Key<'a>, StockWrite>,
}

/// What becomes of a member.
pub(super) struct MemberWrite<'a> {
    /// The version in the database, 0 for none.
    pub before: i64,
    pub after: i64,
    /// The balances and numbers of entries that the database must hold for the last state to follow.
    pub base: Accounts,
    /// The last state.
    pub state: &'a MemberState,
    pub profile: Option<&'a [u8]>,
    pub due: Option<Day>,
    /// Number of the last decision about the member.
    pub last: i64,
}

/// What becomes of a voucher.
pub(super) struct VoucherWrite<'a> {
    /// Issued in this batch.
    pub fresh: bool,
    pub voucher: &'a Voucher,
}

/// What becomes of a returned sale.
pub(super) struct SaleWrite<'a> {
    /// How many returns the database knows of.
    pub before: i64,
    pub sale: &'a Sale,
}

/// What becomes of a shared counter.
#[derive(Clone, Copy)]
pub(super) struct StockWrite {
    pub delta: i64,
    pub max: Option<i64>,
    pub since: i64,
}

impl<'a> Batch<'a> {
    /// Folds a batch, or says where it contradicts itself.
    pub fn fold(stream: &str, written: &'a [Written]) -> Result<Self, DbError> {
        let mut batch = Self {
            written,
            before: Vec::with_capacity(written.len()),
            seen: BTreeSet::new(),
            members: BTreeMap::new(),
            vouchers: BTreeMap::new(),
            sales: BTreeMap::new(),
            stock: BTreeMap::new(),
        };
        let mut ends = BTreeMap::new();
        for one in written {
            follows(stream, one, &mut ends)?;
            batch.seen.insert((one.tenant.as_str(), one.config_version_seen));
            let before = batch.member(one)?;
            batch.before.push(before);
            batch.vouchers(one)?;
            batch.sale(one)?;
            batch.stock(one)?;
        }
        Ok(batch)
    }

    /// Takes in what happens to the member; the decision before this one about them in the batch.
    fn member(&mut self, one: &'a Written) -> Result<Option<i64>, DbError> {
        let Some((id, version)) = &one.member else {
            let orphan = one.plan.member.is_some() || !one.plan.entries.is_empty() || !one.new_identities.is_empty();
            return if orphan { Err(bad(one, "changes a member it does not name")) } else { Ok(None) };
        };
        let state = one.plan.member.as_ref().filter(|state| state.id == *id);
        let state = state.ok_or_else(|| bad(one, "does not carry its member's state"))?;
        let base = base(one, &state.accounts)?;
        match self.members.entry((one.tenant.as_str(), id.as_str())) {
            btree_map::Entry::Vacant(free) => {
                if *version == 0 && base != Accounts::default() {
                    return Err(bad(one, "gives a new member a balance without entries"));
                }
                free.insert(MemberWrite {
                    before: *version,
                    after: version + 1,
                    base,
                    state,
                    profile: one.profile_sealed.as_deref(),
                    due: one.next_due_day,
                    last: one.seq,
                });
                Ok(None)
            }
            btree_map::Entry::Occupied(mut taken) => {
                let write = taken.get_mut();
                if write.after != *version || write.state.accounts != base {
                    return Err(bad(one, "does not follow the write before it"));
                }
                write.after += 1;
                write.state = state;
                write.profile = one.profile_sealed.as_deref().or(write.profile);
                write.due = one.next_due_day;
                Ok(Some(std::mem::replace(&mut write.last, one.seq)))
            }
        }
    }

    fn vouchers(&mut self, one: &'a Written) -> Result<(), DbError> {
        for voucher in &one.plan.vouchers {
            // The member's version guards the voucher, so the member must be the one that is checked.
            if one.member.as_ref().is_none_or(|(id, _)| *id != voucher.member) {
                return Err(bad(one, "changes a voucher of a member it does not name"));
            }
            match self.vouchers.entry((one.tenant.as_str(), voucher.code.as_str())) {
                btree_map::Entry::Vacant(free) => {
                    let fresh = voucher.issued_by == one.decision_id;
                    free.insert(VoucherWrite { fresh, voucher });
                }
                // Two decisions drew the same code.
                btree_map::Entry::Occupied(taken) if taken.get().voucher.issued_by != voucher.issued_by => {
                    return Err(DbError::Stale);
                }
                btree_map::Entry::Occupied(mut taken) => taken.get_mut().voucher = voucher,
            }
        }
        Ok(())
    }

    fn sale(&mut self, one: &'a Written) -> Result<(), DbError> {
        let Some((natural_key, sale)) = &one.plan.sale else { return Ok(()) };
        let before = i64::from(sale.returns) - 1;
        match self.sales.entry((one.tenant.as_str(), natural_key.as_str())) {
            btree_map::Entry::Vacant(free) => {
                free.insert(SaleWrite { before, sale });
            }
            btree_map::Entry::Occupied(mut taken) => {
                if i64::from(taken.get().sale.returns) != before {
                    return Err(bad(one, "does not follow the return before it"));
                }
                taken.get_mut().sale = sale;
            }
        }
        Ok(())
    }

    fn stock(&mut self, one: &'a Written) -> Result<(), DbError> {
        for used in &one.plan.stock {
            let key = (one.tenant.as_str(), used.name.as_str());
            let first = StockWrite { delta: 0, max: None, since: used.since };
            let write = self.stock.entry(key).or_insert(first);
            if write.since != used.since {
                // The counter's period ended within the batch; planned again, all of it lies in the new one.
                return Err(DbError::Stale);
            }
            write.delta = write.delta.checked_add(used.delta).ok_or_else(|| bad(one, "overflows a counter"))?;
            write.max = used.max;
        }
        Ok(())
    }
}

/// The accounts before a decision's entries: each account's last balance less its deltas, and as many entries
/// fewer. Checks that the entries are numbered without a gap and that each balance is the sum so far.
fn base(one: &Written, after: &Accounts) -> Result<Accounts, DbError> {
    let mut accounts = *after;
    for entry in one.plan.entries.iter().rev() {
        let account = match entry.account {
            Account::Points => &mut accounts.points,
            Account::Principal => &mut accounts.principal,
            Account::Gift => &mut accounts.gift,
        };
        if entry.seq != account.entries || entry.balance_after != account.balance {
            return Err(bad(one, "has entries that do not lead to the member's balances"));
        }
        account.entries -= 1;
        account.balance = account.balance.checked_sub(entry.delta).ok_or_else(|| bad(one, "overflows a balance"))?;
    }
    Ok(accounts)
}

/// The decision carries on its tenant's stream, under the right name.
fn follows<'a>(stream: &str, one: &'a Written, ends: &mut BTreeMap<&'a str, i64>) -> Result<(), DbError> {
    let named = one.decision_id.as_str().rsplit_once('-');
    if named.is_none_or(|(in_stream, seq)| in_stream != stream || seq.parse() != Ok(one.seq)) {
        return Err(bad(one, "is not named stream, dash, number"));
    }
    match ends.insert(one.tenant.as_str(), one.seq) {
        Some(end) if end + 1 != one.seq => Err(bad(one, "leaves a gap in the stream")),
        _ => Ok(()),
    }
}

fn bad(one: &Written, what: &str) -> DbError {
    DbError::BadBatch(format!("decision {} {what}", one.decision_id))
}

/// A birthday as the birthday job looks for it: `MM-DD`.
pub(super) fn birthday_md(state: &MemberState) -> Option<String> {
    state.birthday.map(|birthday| format!("{:02}-{:02}", birthday.month, birthday.day))
}

/// The lines a decision wrote, as they are stored; absent if there are none.
pub(super) fn entries_json(one: &Written) -> Result<Option<String>, DbError> {
    if one.plan.entries.is_empty() { Ok(None) } else { json(&one.plan.entries).map(Some) }
}

/// JSON of something that always has one.
pub(super) fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|cause| DbError::BadBatch(cause.to_string()))
}
