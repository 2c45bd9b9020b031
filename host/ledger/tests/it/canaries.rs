//! A checker that has not been seen to fail proves nothing: one seeded bug for each, which it must report, and the
//! same story without the bug, of which it must report nothing.

use crate::{bugs, bugs_of_budgets, bugs_of_things};

/// A story told with or without its bug; gives what the checker reports.
pub type Story = fn(bool) -> Vec<String>;

/// What the bug does, the checker that must report it, and the story.
pub type Canary = (&'static str, &'static str, Story);

#[test]
fn every_seeded_bug_is_reported_by_its_checker() {
    let canaries: Vec<Canary> = [bugs::ALL, bugs_of_budgets::ALL, bugs_of_things::ALL].concat();
    let missed: Vec<String> = canaries.iter().filter_map(|canary| missed(*canary)).collect();
    println!("canaries: {} of {} caught", canaries.len() - missed.len(), canaries.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(canaries.len() >= 40);
}

fn missed((bug, checker, story): Canary) -> Option<String> {
    let (calm, alarm) = (story(false), story(true));
    if !calm.is_empty() {
        return Some(format!("{bug}: reported although nothing is wrong: {calm:?}"));
    }
    let heard = alarm.iter().any(|fault| fault.starts_with(checker));
    (!heard).then(|| format!("{bug}: {checker} reports nothing of it, only {alarm:?}"))
}
