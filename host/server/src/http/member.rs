//! A member as people see them: masked, with what they hold.

use super::Front;
use crate::{
    error::ApiError,
    profile::Profile,
    seal::{mask_card, mask_phone},
};
use db::snapshot::{self, MemberRef, Want};
use ledger::{Day, Fen, MemberId, MemberState, Points, TenantId, UnixMs, Voucher, VoucherState};
use serde::Serialize;

/// A member as a till and the console see them.
#[derive(Debug, Serialize)]
pub struct MemberView {
    member: MemberLine,
    points: PointsLine,
    principal_fen: Fen,
    gift_fen: Fen,
    /// Of both together, promised to open quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_fen: Option<Fen>,
    vouchers: Vec<VoucherView>,
}

#[derive(Debug, Serialize)]
struct MemberLine {
    id: MemberId,
    /// Empty for none.
    tier: String,
    registered: bool,
    joined: String,
    /// `138****1234`.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// The first letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The last digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<String>,
    tags: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PointsLine {
    balance: Points,
    pending: Points,
    /// Of the balance, promised to open quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Points>,
}

/// A voucher as a till and the console see it.
#[derive(Debug, Serialize)]
pub struct VoucherView {
    code: String,
    title: String,
    face_fen: Fen,
    min_spend_fen: Fen,
    valid_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    /// Empty = any goods.
    categories: Vec<String>,
    state: &'static str,
}

impl VoucherView {
    /// What the member shows.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The name of its state.
    pub fn state(&self) -> &'static str {
        self.state
    }

    /// The voucher as it counts at this moment: a hold or a validity that ended no longer counts.
    pub fn of(voucher: &Voucher, today: Day, now: UnixMs) -> Self {
        Self {
            code: voucher.code.as_str().to_owned(),
            title: voucher.title.clone(),
            face_fen: voucher.face,
            min_spend_fen: voucher.min_spend,
            valid_from: voucher.valid_from.to_string(),
            valid_until: voucher.valid_until.map(|day| day.to_string()),
            categories: voucher.categories.clone(),
            state: state_now(voucher, today, now),
        }
    }
}

fn state_now(voucher: &Voucher, today: Day, now: UnixMs) -> &'static str {
    match &voucher.state {
        state if state.is_open() && voucher.valid_until.is_some_and(|last| last < today) => {
            VoucherState::Expired.as_str()
        }
        VoucherState::Reserved { until_ms, .. } if *until_ms <= now.get() => VoucherState::Issued.as_str(),
        state => state.as_str(),
    }
}

impl MemberView {
    /// A member with their open vouchers, as of a moment; personal data masked.
    pub fn of(state: &MemberState, vouchers: &[Voucher], profile: &Profile, today: Day, now: UnixMs) -> Self {
        let (held, held_fen) = state.held(now);
        let open = vouchers.iter().filter(|voucher| voucher.member == state.id);
        let open = open.map(|voucher| VoucherView::of(voucher, today, now)).filter(|v| v.state != "expired");
        Self {
            member: MemberLine {
                id: state.id.clone(),
                tier: state.tier.name.clone(),
                registered: state.registered,
                joined: state.joined.to_string(),
                phone: profile.phone.as_deref().map(mask_phone),
                name: profile.name.as_deref().map(mask_name),
                card: profile.card.as_deref().map(mask_card),
                tags: state.tags.iter().cloned().collect(),
            },
            points: PointsLine { balance: state.spendable(today), pending: state.pending(today), held: some(held) },
            principal_fen: Fen::new(state.accounts.principal.balance),
            gift_fen: Fen::new(state.accounts.gift.balance),
            held_fen: some(held_fen),
            vouchers: open.collect(),
        }
    }
}

fn some<T: Default + PartialEq>(amount: T) -> Option<T> {
    Some(amount).filter(|amount| *amount != T::default())
}

/// `王**`: enough to greet somebody.
fn mask_name(name: &str) -> String {
    name.chars().next().map(|first| format!("{first}**")).unwrap_or_default()
}

/// Who has this name.
pub(super) async fn find(front: &Front, tenant: &TenantId, member: MemberRef) -> Result<Option<MemberId>, ApiError> {
    Ok(db::member::find(&front.app.db, tenant, &member).await?.map(|member| member.id))
}

/// A member as they stand, for whoever may see them.
pub(super) async fn view(
    front: &Front,
    tenant: &TenantId,
    member: MemberRef,
    now: UnixMs,
) -> Result<Option<MemberView>, ApiError> {
    let want = Want {
        tenant: tenant.clone(),
        principal: String::new(),
        idempotency_key: None,
        natural_key: None,
        member: Some(member),
        vouchers: Vec::new(),
        sale: None,
    };
    let found = snapshot::read(&front.app.db, &front.app.stream, &[want]).await?.found.pop().unwrap_or_default();
    let Some(row) = found.member else { return Ok(None) };
    let sealed = db::member::profile(&front.app.db, tenant, &row.id).await?;
    let profile = Profile::open(&front.app.sealer, tenant, &row.id, sealed.as_deref())?;
    let today = today(front, tenant, now).await?;
    Ok(Some(MemberView::of(&row.state, &found.vouchers, &profile, today, now)))
}

/// The local day at a tenant.
pub(super) async fn today(front: &Front, tenant: &TenantId, now: UnixMs) -> Result<Day, ApiError> {
    let tenant = db::tenant::get(&front.app.db, tenant).await?.ok_or(ApiError::NotFound)?;
    Ok(tenant.settings.zone.local(now).day)
}

/// An id for a new member: begins with the time, so that rows of one day lie together.
pub(super) fn new_id(front: &Front, now: UnixMs) -> Result<MemberId, ApiError> {
    let random = front.app.entropy.bytes()?;
    let millis = u64::try_from(now.get()).unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    MemberId::new(id.to_string()).map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_enough_to_greet_and_no_more() {
        assert_eq!(mask_name("王小明"), "王**");
        assert_eq!(mask_name(""), "");
    }

    #[test]
    fn a_hold_that_ended_no_longer_counts() {
        let voucher = |state| Voucher {
            code: ledger::VoucherCode::new("c").expect("an id"),
            member: MemberId::new("m").expect("an id"),
            template: String::new(),
            title: String::new(),
            face: Fen::ZERO,
            min_spend: Fen::ZERO,
            valid_from: Day::new(0),
            valid_until: Some(Day::new(10)),
            categories: Vec::new(),
            issued_by: ledger::DecisionId::new("d").expect("an id"),
            state,
        };
        let held = VoucherState::Reserved { quote: ledger::DecisionId::new("q").expect("an id"), until_ms: 100 };
        for (state, day, ms, shown) in [
            (held.clone(), 10, 99, "reserved"),
            (held.clone(), 10, 100, "issued"),
            (held, 11, 99, "expired"),
            (VoucherState::Issued, 11, 0, "expired"),
            (VoucherState::Voided, 11, 0, "voided"),
        ] {
            assert_eq!(state_now(&voucher(state), Day::new(day), UnixMs::new(ms)), shown);
        }
    }
}
