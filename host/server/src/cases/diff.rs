//! What was expected beside what was decided.

use serde::Serialize;

/// Equal lines shown before and after a difference.
const CONTEXT_LINES: usize = 3;

/// JSON as a case file writes it.
pub(super) fn pretty(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The same on one line.
pub(super) fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The lines in which two texts differ, with a few equal ones around: `-` in the first, `+` in the second.
pub(super) fn lines(expected: &str, decided: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), decided.lines().collect());
    let before = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let (left_rest, right_rest) = (left.iter().skip(before), right.iter().skip(before));
    let after = left_rest.clone().rev().zip(right_rest.clone().rev()).take_while(|(a, b)| a == b).count();
    let changed = |rest: std::iter::Skip<std::slice::Iter<'_, &str>>, mark| {
        let count = rest.len() - after;
        rest.take(count).map(|line| format!("    {mark} {line}\n")).collect::<String>()
    };
    let same = |line: &&str| format!("      {line}\n");
    let mut text: String = left.iter().take(before).skip(before.saturating_sub(CONTEXT_LINES)).map(same).collect();
    text += &changed(left_rest, '-');
    text += &changed(right_rest, '+');
    text.extend(left.iter().skip(left.len() - after).take(CONTEXT_LINES).map(same));
    text
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn only_what_differs_is_marked() {
        let text = lines("a\nb\nc\nd\ne\nf", "a\nb\nc\nd\nE\nf");
        assert_eq!(text, "      b\n      c\n      d\n    - e\n    + E\n      f\n");
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_marked() {
        assert_eq!(lines("[]", "[\n  1\n]"), "    - []\n    + [\n    +   1\n    + ]\n");
        assert_eq!(lines("a\na", "a\na\na"), "      a\n      a\n    + a\n");
        assert_eq!(lines("a\na\na", "a"), "      a\n    - a\n    - a\n");
    }
}
