//! Moments at which the power is cut, and what lies on the disk then.

use super::{
    Dice,
    disk::{Disk, Lost},
    strace::Trace,
};
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Of a hundred cuts, so many come right behind an answer, where losing is worst …
const BEHIND_ACKS: u64 = 30;
/// … and so many before the first answer, while the database is set up.
const BEFORE_ACKS: u64 = 15;

/// One power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// When, as a line number of the trace.
    pub at: usize,
    /// What becomes of changes that were not synced.
    pub lost: Lost,
    /// Chance of its own.
    pub seed: u64,
}

/// So many cuts of a trace.
pub fn cuts(trace: &Trace, count: u64, seed: u64) -> Vec<Cut> {
    let first = trace.acks.first().map_or(usize::MAX, |ack| ack.at);
    let (before, behind): (Vec<usize>, Vec<usize>) = trace.moments().into_iter().partition(|at| *at < first);
    let acks: Vec<usize> = trace.acks.iter().map(|ack| ack.at).collect();
    let cut = |n| {
        let mut dice = Dice::nth(seed, n);
        let moments = match dice.within(0..100) {
            share if share < BEHIND_ACKS => &acks,
            share if share < BEHIND_ACKS + BEFORE_ACKS => &before,
            _ => &behind,
        };
        let at = pick(moments, &mut dice).copied().unwrap_or(first);
        let lost = pick(&Lost::EACH, &mut dice).copied().unwrap_or(Lost::All);
        Cut { at, lost, seed: dice.roll() }
    };
    (0..count).map(cut).collect()
}

fn pick<'a, T>(from: &'a [T], dice: &mut Dice) -> Option<&'a T> {
    let at = dice.within(0..u64::try_from(from.len()).unwrap_or(u64::MAX));
    from.get(usize::try_from(at).unwrap_or(usize::MAX))
}

/// Writes what lies on the disk after a cut into a folder, each file under its last name.
///
/// # Errors
/// If it cannot be written.
pub fn write_image(trace: &Trace, cut: &Cut, to: &Path) -> std::io::Result<()> {
    let disk = Disk::after_cut(&trace.ops, cut.at, cut.lost, &mut Dice::new(cut.seed));
    fs::create_dir_all(to)?;
    for (path, content) in disk.files() {
        let Some(name) = path.file_name() else { continue };
        // A key that others can read is refused.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to.join(name))?.write_all(content)?;
    }
    Ok(())
}
