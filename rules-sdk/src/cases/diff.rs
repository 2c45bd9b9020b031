//! What was expected beside what was decided.

use serde::Serialize;

/// JSON as a case file writes it.
pub(super) fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The same on one line.
pub(super) fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// All lines of both texts: `-` only in the first, `+` only in the second.
pub(super) fn lines(expected: &str, decided: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), decided.lines().collect());
    let common = common_lengths(&left, &right);
    let at = |l: usize, r: usize| common.get(l).and_then(|row| row.get(r)).copied().unwrap_or(0);
    let (mut l, mut r, mut text) = (0, 0, String::new());
    let mut put = |mark: char, line: &str| text += &format!("    {mark} {line}\n");
    loop {
        match (left.get(l), right.get(r)) {
            (Some(a), Some(b)) if a == b => {
                put(' ', a);
                (l, r) = (l + 1, r + 1);
            }
            (Some(a), b) if b.is_none() || at(l + 1, r) >= at(l, r + 1) => {
                put('-', a);
                l += 1;
            }
            (_, Some(b)) => {
                put('+', b);
                r += 1;
            }
            _ => return text,
        }
    }
}

/// Row `l`, column `r`: how many lines the texts from there on have in common.
fn common_lengths(left: &[&str], right: &[&str]) -> Vec<Vec<usize>> {
    let mut rows = vec![vec![0; right.len() + 1]];
    for a in left.iter().rev() {
        let below = rows.last().cloned().unwrap_or_default();
        let mut row = vec![0];
        // From the right: `longest` is the cell to the right, `two` the pair of cells below.
        for (b, two) in right.iter().rev().zip(below.windows(2).rev()) {
            let longest = row.last().copied().unwrap_or(0);
            let [down, diagonal] = [two.first(), two.last()].map(|cell| cell.copied().unwrap_or(0));
            row.push(if a == b { diagonal + 1 } else { longest.max(down) });
        }
        row.reverse();
        rows.push(row);
    }
    rows.reverse();
    rows
}
