//! What somebody on the way does to a message: a few changes of single bytes.

/// Bytes one edit takes in an input.
const EDIT_BYTES: usize = 5;
/// Edits of one input.
const EDITS_MAX: usize = 4;

/// One change.
#[derive(Debug, Clone, Copy)]
struct Edit {
    field: usize,
    kind: u8,
    at: usize,
    byte: u8,
}

/// A few changes.
#[derive(Debug, Clone)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// Reads them from the front of an input: how many, then each; gives what is behind them.
    pub fn read(input: &[u8]) -> Option<(Self, &[u8])> {
        let (count, rest) = input.split_first()?;
        let (edits, rest) = rest.split_at_checked(usize::from(*count) % (EDITS_MAX + 1) * EDIT_BYTES)?;
        let edit = |bytes: &[u8]| Edit {
            field: usize::from(bytes[0]),
            kind: bytes[1],
            at: usize::from(u16::from_le_bytes([bytes[2], bytes[3]])),
            byte: bytes[4],
        };
        Some((Self(edits.chunks(EDIT_BYTES).map(edit).collect()), rest))
    }

    /// Makes them.
    pub fn make(&self, fields: &mut [Vec<u8>]) {
        for edit in &self.0 {
            let field = edit.field % fields.len();
            edit.make(&mut fields[field]);
        }
    }
}

impl Edit {
    fn make(self, bytes: &mut Vec<u8>) {
        let at = self.at % (bytes.len() + 1);
        match self.kind % 5 {
            0 if at < bytes.len() => bytes[at] ^= self.byte,
            1 if at < bytes.len() => bytes[at] = self.byte,
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => bytes.insert(at, self.byte),
        }
    }
}
