//! What a disk may hold after a power cut: everything that was synced, and any part of what was not.

use super::Dice;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A file, whatever its name.
pub type Inode = usize;

/// One change of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A name for a file: a new one, or one more.
    Name(PathBuf, Inode),
    /// A name is gone.
    Unname(PathBuf),
    /// A file bears another name from now on.
    Rename(PathBuf, PathBuf, Inode),
    /// Bytes at a place of a file.
    Write(Inode, usize, Vec<u8>),
    /// A file gets this length.
    Truncate(Inode, usize),
}

/// A change, and when it happened; times are line numbers of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// When it was asked for.
    pub issued: usize,
    /// When it was answered; none if the process ended first.
    pub done: Option<usize>,
    /// When a sync that covers it was answered; none if there was none.
    pub durable: Option<usize>,
    /// The change.
    pub what: What,
}

/// What becomes of changes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// All of them are lost.
    All,
    /// None of them is.
    Nothing,
    /// Each is lost or not, by chance.
    Some,
    /// Each sector of each write is lost or not, by chance.
    Torn,
}

impl Lost {
    /// Every way to lose.
    pub const EACH: [Self; 4] = [Self::All, Self::Nothing, Self::Some, Self::Torn];
}

/// Names and contents of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    names: BTreeMap<PathBuf, Inode>,
    contents: BTreeMap<Inode, Vec<u8>>,
}

impl Disk {
    /// The disk after a power cut at `at`.
    pub fn after_cut(ops: &[Op], at: usize, lost: Lost, dice: &mut Dice) -> Self {
        let mut disk = Self::default();
        for op in ops.iter().filter(|op| op.issued <= at) {
            match lost {
                _ if op.durable.is_some_and(|durable| durable <= at) => disk.apply(&op.what),
                Lost::Nothing => disk.apply(&op.what),
                Lost::All => {}
                Lost::Some if dice.percent(50) => disk.apply(&op.what),
                Lost::Some => {}
                Lost::Torn => disk.apply_torn(&op.what, dice),
            }
        }
        disk
    }

    /// Files by name.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let content = |inode| self.contents.get(inode).map_or(&[][..], Vec::as_slice);
        self.names.iter().map(move |(name, inode)| (name.as_path(), content(inode)))
    }

    fn apply(&mut self, what: &What) {
        match what {
            What::Name(name, inode) => {
                self.names.insert(name.clone(), *inode);
            }
            What::Unname(name) => {
                self.names.remove(name);
            }
            What::Rename(from, to, inode) => {
                self.names.remove(from);
                self.names.insert(to.clone(), *inode);
            }
            What::Write(inode, offset, bytes) => self.write(*inode, *offset, bytes),
            What::Truncate(inode, length) => self.contents.entry(*inode).or_default().resize(*length, 0),
        }
    }

    fn write(&mut self, inode: Inode, offset: usize, bytes: &[u8]) {
        let content = self.contents.entry(inode).or_default();
        let end = offset + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        if let Some(place) = content.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
    }

    /// Sectors are those of the file: a write may begin and end inside one.
    fn apply_torn(&mut self, what: &What, dice: &mut Dice) {
        let What::Write(inode, offset, bytes) = what else {
            if dice.percent(50) {
                self.apply(what);
            }
            return;
        };
        let mut at = *offset;
        let mut left = bytes.as_slice();
        while !left.is_empty() {
            let (piece, rest) = left.split_at(left.len().min(SECTOR - at % SECTOR));
            if dice.percent(50) {
                self.write(*inode, at, piece);
            }
            at += piece.len();
            left = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(issued: usize, durable: Option<usize>, what: What) -> Op {
        Op { issued, done: Some(issued), durable, what }
    }

    fn file(disk: &Disk) -> Vec<u8> {
        disk.files().map(|(_, content)| content.to_vec()).next().unwrap_or_default()
    }

    #[test]
    fn what_was_synced_survives_every_cut_and_what_was_not_may_be_lost() {
        let ops = [
            op(1, Some(2), What::Name("/d/a".into(), 1)),
            op(3, Some(4), What::Write(1, 0, b"kept".to_vec())),
            op(5, None, What::Write(1, 4, b"lost".to_vec())),
        ];
        for (seed, lost) in (0..32).flat_map(|seed| Lost::EACH.map(|lost| (seed, lost))) {
            let content = file(&Disk::after_cut(&ops, 9, lost, &mut Dice::new(seed)));
            let allowed: &[&[u8]] = match lost {
                Lost::All => &[b"kept"],
                Lost::Nothing => &[b"keptlost"],
                Lost::Some | Lost::Torn => &[b"kept", b"keptlost"],
            };
            assert!(allowed.contains(&content.as_slice()), "{lost:?}: {content:?}");
        }
        assert_eq!(file(&Disk::after_cut(&ops, 3, Lost::All, &mut Dice::new(1))), b"");
    }

    #[test]
    fn a_torn_write_is_torn_between_sectors() {
        let ops = [op(1, Some(1), What::Name("/d/a".into(), 1)), op(2, None, What::Write(1, 100, vec![7; 2_000]))];
        let torn: Vec<Vec<u8>> =
            (0..64).map(|seed| file(&Disk::after_cut(&ops, 9, Lost::Torn, &mut Dice::new(seed)))).collect();
        for content in &torn {
            // The first sector holds nothing before the write.
            let sectors =
                content.chunks(512).enumerate().map(|(n, s)| if n == 0 { s.get(100..).unwrap_or(&[]) } else { s });
            assert!(sectors.into_iter().all(|s| s.iter().all(|b| *b == 7) || s.iter().all(|b| *b == 0)));
        }
        assert!(torn.iter().any(|content| content.contains(&7) && content.get(100..).is_some_and(|c| c.contains(&0))));
    }

    #[test]
    fn a_new_file_of_an_old_name_does_not_inherit_its_bytes() {
        let ops = [
            op(1, Some(1), What::Name("/d/a".into(), 1)),
            op(2, Some(2), What::Write(1, 0, b"old".to_vec())),
            op(3, None, What::Unname("/d/a".into())),
            op(4, None, What::Name("/d/a".into(), 2)),
            op(5, Some(6), What::Write(2, 0, b"new".to_vec())),
        ];
        assert_eq!(file(&Disk::after_cut(&ops, 9, Lost::All, &mut Dice::new(1))), b"old");
        assert_eq!(file(&Disk::after_cut(&ops, 9, Lost::Nothing, &mut Dice::new(1))), b"new");
    }
}
