//! What came of a trial, for reading.

use super::sums::Sums;
use crate::cli::policy::{
    subject::Subject,
    table::{Table, counted, grouped},
    test::spread,
};
use ledger::Fen;

/// What came of it, for reading or as JSON.
pub(in crate::cli::policy) fn shown(subject: &Subject, sums: &Sums, json: bool) -> String {
    if json { format!("{:#}\n", sums.json()) } else { text(subject, sums) }
}

fn text(subject: &Subject, sums: &Sums) -> String {
    let mut facts = Table::new(["receipts".to_owned(), scope(sums)]);
    facts.row([
        "touched".to_owned(),
        format!("{} ({})", counted(sums.touched, "receipt"), percent(sums.touched, sums.receipts)),
    ]);
    facts.row([
        "points".to_owned(),
        format!("{} given, {} taken", grouped(sums.points_given), grouped(sums.points_taken)),
    ]);
    facts.row([
        "vouchers".to_owned(),
        format!("{} of {} yuan together", grouped(sums.vouchers as u64), yuan(sums.voucher_fen)),
    ]);
    facts.row(["discounts".to_owned(), format!("{} yuan", yuan(sums.discount_fen))]);
    facts.row(["stored value".to_owned(), format!("{} yuan", yuan(sums.gift_fen))]);
    facts.row(["cost".to_owned(), cost(sums)]);
    facts.row(["evaluation".to_owned(), speed(subject, sums)]);
    format!("{facts}{}{}{}", rules(sums), troubles(sums), hint(sums))
}

fn scope(sums: &Sums) -> String {
    let (lines, members) = (counted(sums.lines, "line"), counted(sums.members, "member"));
    format!("{} with {lines}, {members}, {} yuan", grouped(sums.receipts as u64), yuan(sums.total_fen))
}

fn cost(sums: &Sums) -> String {
    let share = ledger::share(sums.cost_fen(), 10_000, sums.total_fen).unwrap_or_default();
    let worth = "every point worth a fen, every voucher used";
    format!("{} yuan at most, {}% of sales ({worth})", yuan(sums.cost_fen()), yuan(share))
}

fn speed(subject: &Subject, sums: &Sums) -> String {
    let [least, median, most] = spread(sums.fuel.iter().copied()).unwrap_or_default().map(grouped);
    let (unit, rate) = (subject.unit(), grouped(sums.per_second()));
    let slowest = format!("slowest {} µs (basket {})", grouped(sums.slowest.0.as_micros() as u64), sums.slowest.1);
    format!("{rate} receipts a second; {unit} least {least}, median {median}, most {most}; {slowest}")
}

fn rules(sums: &Sums) -> String {
    let mut table =
        Table::new(["rule", "applied", "missed", "skipped", "gives", "points", "yuan"]).right(&[1, 2, 3, 4, 5, 6]);
    for (rule, sum) in &sums.rules {
        let [applied, missed, skipped, gives] = [sum.applied, sum.missed, sum.skipped, sum.gives].map(grouped);
        table.row([rule.clone(), applied, missed, skipped, gives, grouped(sum.points), yuan(sum.fen)]);
    }
    if sums.rules.is_empty() { String::new() } else { format!("\n{table}") }
}

/// What went wrong, each kind once, with the first basket it happened on.
fn troubles(sums: &Sums) -> String {
    let mut table = Table::default();
    for (what, trouble) in &sums.troubles {
        table.row([
            what.clone(),
            format!("{} times, first on basket {}", grouped(trouble.times), trouble.first),
            trouble.text.clone(),
        ]);
    }
    if sums.troubles.is_empty() { String::new() } else { format!("\nfailures\n{table}") }
}

/// A rule that never fits is mostly looking for a name the data does not have.
fn hint(sums: &Sums) -> String {
    if sums.touched > 0 || sums.departments.is_empty() {
        return String::new();
    }
    let mut departments: Vec<(&String, &usize)> = sums.departments.iter().collect();
    departments.sort_by_key(|(_, lines)| std::cmp::Reverse(**lines));
    let names = departments.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    format!("\nno receipt was touched; the departments in these baskets are {names}\n")
}

fn yuan(fen: i64) -> String {
    let text = Fen::new(fen).in_yuan();
    let (whole, part) = text.split_once('.').unwrap_or((&text, "00"));
    match whole.parse::<i64>() {
        Ok(0) | Err(_) => text,
        Ok(whole) => format!("{}.{part}", grouped(whole)),
    }
}

fn percent(part: usize, whole: usize) -> String {
    let share = ledger::share(part as i64, 10_000, (whole as i64).max(1)).unwrap_or_default();
    format!("{}%", yuan(share))
}
