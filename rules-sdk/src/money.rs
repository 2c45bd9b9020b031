//! Fen and basis points.

use crate::types::Fen;

/// `amount` at `rate_bp` basis points (10,000 = 1), rounded down; what an `i64` cannot hold stops at its ends.
///
/// Down, so that two half receipts never earn more than one whole.
pub fn at_rate(amount: i64, rate_bp: i64) -> i64 {
    // Whole ten-thousandths first: exact without a wider type, which a guest would carry code for.
    let (whole, part) = (amount.div_euclid(10_000), amount.rem_euclid(10_000));
    whole.saturating_mul(rate_bp).saturating_add(part.saturating_mul(rate_bp).div_euclid(10_000))
}

/// An amount as members read it: `15` or `15.50`.
pub fn yuan(amount: Fen) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, cents) = (amount.unsigned_abs() / 100, amount.unsigned_abs() % 100);
    if cents == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{cents:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_round_down_and_never_wrap() {
        assert_eq!(at_rate(199, 5_000), 99);
        assert_eq!(at_rate(-1, 5_000), -1);
        assert_eq!(at_rate(i64::MAX, 20_000), i64::MAX);
        assert!(at_rate(i64::MIN, 20_000) < i64::MIN + 20_000);
    }

    #[test]
    fn yuan_shows_fen_only_where_there_are_any() {
        assert_eq!(yuan(1_500), "15");
        assert_eq!(yuan(1_550), "15.50");
        assert_eq!(yuan(-5), "-0.05");
        assert_eq!(yuan(i64::MIN), "-92233720368547758.08");
    }
}
