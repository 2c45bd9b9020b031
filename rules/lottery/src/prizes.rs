//! Prizes from the merchant's parallel lists.

use crate::lottery::Params;
use crate::small;
use punchcard_rules::prelude::*;

/// All prizes, or `None` if one of the lists is wrong: odds that are not what members were shown are worse
/// than no draw.
pub(crate) fn read(p: &Params) -> Option<Vec<Prize>> {
    let count = p.prize_names.len();
    let lengths = [p.prize_kinds.len(), p.prize_values.len(), p.prize_weights.len(), p.prize_stocks.len()];
    if lengths.iter().any(|length| *length != count) {
        return None;
    }
    let kinds = p.prize_kinds.iter().zip(&p.prize_values);
    let shares = p.prize_weights.iter().zip(&p.prize_stocks);
    let rows = p.prize_names.iter().zip(kinds.zip(shares));
    let prizes: Vec<Prize> = rows.map(|(name, (what, share))| prize(p, name, what, share)).collect::<Option<_>>()?;
    let total: u64 = prizes.iter().map(|prize| u64::from(prize.weight)).sum();
    let distinct =
        p.prize_names.iter().enumerate().all(|(i, name)| !p.prize_names.iter().skip(i + 1).any(|n| n == name));
    (distinct && total + u64::from(small(p.none_weight)) > 0).then_some(prizes)
}

fn prize(p: &Params, name: &str, what: (&String, &i64), share: (&i64, &i64)) -> Option<Prize> {
    let (kind, value) = (what.0.as_str(), *what.1);
    let award = match (kind, value > 0) {
        ("nothing", _) => Award::Nothing,
        ("goods", _) => Award::Goods(name.to_owned()),
        ("points", true) => Award::Points(value),
        ("gift", true) => Award::Gift(value),
        ("voucher", true) => {
            let voucher = VoucherIssue::new("draw", name, value, small(p.voucher_valid_days));
            Award::Voucher(voucher.min_spend(p.voucher_min_spend))
        }
        _ => return None,
    };
    let stock = match *share.1 {
        -1 => None,
        number => Some(u32::try_from(number).ok()?),
    };
    let weight = u32::try_from(*share.0).ok()?;
    Some(Prize { id: name.to_owned(), name: name.to_owned(), weight, stock, award })
}
