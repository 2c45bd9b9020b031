//! Amounts: fen, points and rates as integers that cannot be mixed up or wrap.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest amount we accept, either sign: exact in JSON readers that keep numbers as doubles.
pub const AMOUNT_MAX: i64 = 1 << 53;

/// A sum or product outside ±2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount does not fit: more than 2^53")]
pub struct TooLarge;

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// An amount as given; [`Self::checked`] bounds one that comes from outside.
            pub const fn new(amount: i64) -> Self {
                Self(amount)
            }

            /// An amount within ±2^53.
            ///
            /// # Errors
            /// [`TooLarge`] outside that range.
            pub const fn checked(amount: i64) -> Result<Self, TooLarge> {
                if amount > AMOUNT_MAX || amount < -AMOUNT_MAX { Err(TooLarge) } else { Ok(Self(amount)) }
            }

            /// The bare number.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// `self + other`.
            ///
            /// # Errors
            /// [`TooLarge`] if the sum leaves ±2^53.
            pub fn plus(self, other: Self) -> Result<Self, TooLarge> {
                self.0.checked_add(other.0).ok_or(TooLarge).and_then(Self::checked)
            }

            /// `self - other`.
            ///
            /// # Errors
            /// [`TooLarge`] if the difference leaves ±2^53.
            pub fn minus(self, other: Self) -> Result<Self, TooLarge> {
                self.0.checked_sub(other.0).ok_or(TooLarge).and_then(Self::checked)
            }

            /// The same amount with the other sign. Amounts are bounded, so this always fits.
            pub const fn negated(self) -> Self {
                Self(self.0.wrapping_neg())
            }

            /// Sums amounts.
            ///
            /// # Errors
            /// [`TooLarge`] if a partial sum leaves ±2^53.
            pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, TooLarge> {
                amounts.into_iter().try_fold(Self::ZERO, Self::plus)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

amount!(
    /// Money in 1/100 yuan.
    Fen
);
amount!(
    /// Whole points.
    Points
);

impl Fen {
    /// The amount as people read it: `12.50`.
    pub fn in_yuan(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

/// `amount * part / whole` rounded down, exact for every i64 input.
///
/// # Errors
/// [`TooLarge`] if `whole` is not positive or the result leaves ±2^53.
pub fn share(amount: i64, part: i64, whole: i64) -> Result<i64, TooLarge> {
    if whole <= 0 {
        return Err(TooLarge);
    }
    let exact = i128::from(amount) * i128::from(part);
    let quotient = exact.div_euclid(i128::from(whole));
    i64::try_from(quotient).ok().filter(|q| (-AMOUNT_MAX..=AMOUNT_MAX).contains(q)).ok_or(TooLarge)
}
