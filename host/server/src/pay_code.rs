//! Codes members show on the phone (会员支付码): random, short-lived, for one till and one purchase.
//!
//! Kept in memory: a restart makes members refresh the code on their phone, and nothing else is lost. A receipt
//! sent again after that finds its stored answer by its idempotency key, whatever became of the code.

use crate::{
    config::PayCodeLimits,
    entropy::{Entropy, NoEntropy},
};
use ledger::{MemberId, TenantId, UnixMs};
use moka::sync::Cache;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Digits of a code: Code 128 shows them as nine symbols.
pub const CODE_DIGITS: usize = 18;

/// A code for a member, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// 18 digits.
    pub code: String,
    /// When it runs out if nobody uses it.
    pub expires_at: UnixMs,
}

/// What a till wants with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use<'a> {
    /// To see who it is, or what a receipt would give: any number of times at that till.
    Look,
    /// To settle: once, and again only under the same idempotency key.
    Spend(&'a str),
}

/// Why a code does not name a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such code, or it ran out.
    Unknown,
    /// Another till or another purchase has it.
    Used,
}

/// The codes alive at the moment. Clones share them.
#[derive(Debug, Clone)]
pub struct PayCodes {
    codes: Cache<(TenantId, String), Arc<Mutex<Code>>>,
    of_member: Cache<(TenantId, MemberId), String>,
    limits: PayCodeLimits,
    entropy: Entropy,
}

#[derive(Debug)]
struct Code {
    member: MemberId,
    until: UnixMs,
    till: Option<String>,
    spent_on: Option<String>,
}

impl PayCodes {
    /// No codes yet.
    pub fn new(limits: PayCodeLimits, entropy: Entropy) -> Self {
        let keep = Duration::from_secs(limits.live_seconds.saturating_add(limits.hold_seconds));
        let codes = Cache::builder().max_capacity(limits.codes_max).time_to_live(keep).build();
        let of_member = Cache::builder().max_capacity(limits.codes_max).time_to_live(keep).build();
        Self { codes, of_member, limits, entropy }
    }

    /// A new code for a member; an unused one before it stops working.
    ///
    /// # Errors
    /// [`NoEntropy`] without random bytes.
    pub fn issue(&self, tenant: &TenantId, member: &MemberId, now: UnixMs) -> Result<Issued, NoEntropy> {
        let prefix = &self.limits.prefix;
        let code = format!("{prefix}{}", self.entropy.digits(CODE_DIGITS.saturating_sub(prefix.len()))?);
        let expires_at = later(now, self.limits.live_seconds);
        let fresh = Code { member: member.clone(), until: expires_at, till: None, spent_on: None };
        let whose = (tenant.clone(), member.clone());
        if let Some(before) = self.of_member.get(&whose) {
            let before = (tenant.clone(), before);
            // One that a till has in hand stays good for that till.
            if self.codes.get(&before).is_some_and(|held| lock(&held).till.is_none()) {
                self.codes.invalidate(&before);
            }
        }
        self.codes.insert((tenant.clone(), code.clone()), Arc::new(Mutex::new(fresh)));
        self.of_member.insert(whose, code.clone());
        Ok(Issued { code, expires_at })
    }

    /// Whose code it is, if this till may use it this way.
    ///
    /// # Errors
    /// [`Refused`] if it is unknown, ran out, or belongs to another till or purchase by now.
    pub fn claim(
        &self,
        tenant: &TenantId,
        code: &str,
        till: &str,
        use_of_it: Use<'_>,
        now: UnixMs,
    ) -> Result<MemberId, Refused> {
        let held = self.codes.get(&(tenant.clone(), code.to_owned())).ok_or(Refused::Unknown)?;
        let mut held = lock(&held);
        if now > held.until {
            return Err(Refused::Unknown);
        }
        if held.till.as_deref().is_some_and(|first| first != till) {
            return Err(Refused::Used);
        }
        match (use_of_it, held.spent_on.as_deref()) {
            (Use::Spend(key), Some(spent_on)) if key == spent_on => {}
            (_, Some(_)) => return Err(Refused::Used),
            (Use::Spend(key), None) => held.spent_on = Some(key.to_owned()),
            (Use::Look, None) => {}
        }
        if held.till.is_none() {
            held.till = Some(till.to_owned());
            held.until = later(now, self.limits.hold_seconds);
        }
        Ok(held.member.clone())
    }

    /// Gives a code back whose purchase was refused, so that a corrected receipt can use it.
    pub fn give_back(&self, tenant: &TenantId, code: &str, key: &str) {
        if let Some(held) = self.codes.get(&(tenant.clone(), code.to_owned())) {
            let mut held = lock(&held);
            if held.spent_on.as_deref() == Some(key) {
                held.spent_on = None;
            }
        }
    }
}

fn later(now: UnixMs, seconds: u64) -> UnixMs {
    now.after_ms(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000))
}

fn lock(code: &Mutex<Code>) -> std::sync::MutexGuard<'_, Code> {
    code.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter {
        codes: PayCodes,
        tenant: TenantId,
        amy: MemberId,
    }

    fn counter() -> Counter {
        Counter {
            codes: PayCodes::new(PayCodeLimits::default(), Entropy),
            tenant: TenantId::new("t1").expect("an id"),
            amy: MemberId::new("amy").expect("an id"),
        }
    }

    impl Counter {
        fn issue(&self, at_s: i64) -> String {
            self.codes.issue(&self.tenant, &self.amy, UnixMs::new(at_s * 1_000)).expect("random bytes").code
        }

        fn claim(&self, code: &str, till: &str, use_of_it: Use<'_>, at_s: i64) -> Result<MemberId, Refused> {
            self.codes.claim(&self.tenant, code, till, use_of_it, UnixMs::new(at_s * 1_000))
        }
    }

    #[test]
    fn a_code_has_eighteen_digits_and_the_prefix() {
        let code = counter().issue(0);
        assert_eq!(code.len(), CODE_DIGITS);
        assert!(code.starts_with("80") && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    }

    #[test]
    fn a_code_settles_one_purchase_at_one_till() {
        let counter = counter();
        let code = counter.issue(0);
        assert_eq!(counter.claim(&code, "till-1", Use::Look, 1), Ok(counter.amy.clone()));
        assert_eq!(counter.claim(&code, "till-2", Use::Look, 1), Err(Refused::Used));
        assert_eq!(counter.claim(&code, "till-1", Use::Spend("k1"), 120), Ok(counter.amy.clone()));
        assert_eq!(counter.claim(&code, "till-1", Use::Spend("k1"), 121), Ok(counter.amy.clone()), "a repetition");
        assert_eq!(counter.claim(&code, "till-1", Use::Spend("k2"), 121), Err(Refused::Used));
        assert_eq!(counter.claim(&code, "till-1", Use::Look, 121), Err(Refused::Used));
    }

    #[test]
    fn a_refused_purchase_gives_the_code_back() {
        let counter = counter();
        let code = counter.issue(0);
        assert!(counter.claim(&code, "till-1", Use::Spend("k1"), 1).is_ok());
        counter.codes.give_back(&counter.tenant, &code, "k0");
        assert_eq!(counter.claim(&code, "till-1", Use::Spend("k2"), 2), Err(Refused::Used));
        counter.codes.give_back(&counter.tenant, &code, "k1");
        assert_eq!(counter.claim(&code, "till-1", Use::Spend("k2"), 2), Ok(counter.amy.clone()));
    }

    #[test]
    fn an_unused_code_runs_out_and_a_new_one_replaces_it() {
        let counter = counter();
        let first = counter.issue(0);
        let second = counter.issue(10);
        assert_eq!(counter.claim(&first, "till-1", Use::Look, 11), Err(Refused::Unknown));
        assert_eq!(counter.claim(&second, "till-1", Use::Look, 101), Err(Refused::Unknown));
    }

    #[test]
    fn a_code_of_another_tenant_is_unknown() {
        let counter = counter();
        let code = counter.issue(0);
        let other = TenantId::new("t2").expect("an id");
        let claimed = counter.codes.claim(&other, &code, "till-1", Use::Look, UnixMs::new(0));
        assert_eq!(claimed, Err(Refused::Unknown));
    }
}
