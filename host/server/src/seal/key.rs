//! The key file: made once, readable by its owner only, never overwritten.

use super::{KEY_BYTES, SealError};
use crate::entropy::Entropy;
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};
use zeroize::Zeroizing;

/// Name of the key file in the data directory.
pub const KEY_FILE: &str = "master.key";

/// Permissions that let somebody else read or write.
const OTHERS: u32 = 0o077;

/// The key that makes all others.
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// A key from its bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// [`SealError`] if it is missing, has another length, or others can read it.
    pub fn read(path: &Path) -> Result<Self, SealError> {
        let failed = |cause| SealError::File { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & OTHERS != 0 {
            return Err(SealError::Open { path: path.to_owned() });
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let too_short = |cause: io::Error| match cause.kind() {
            io::ErrorKind::UnexpectedEof => SealError::Length { path: path.to_owned() },
            _ => failed(cause),
        };
        file.read_exact(bytes.as_mut_slice()).map_err(too_short)?;
        if file.read(&mut [0]).map_err(failed)? != 0 {
            return Err(SealError::Length { path: path.to_owned() });
        }
        Ok(Self(bytes))
    }

    /// Reads the key file, or makes it if there is none.
    ///
    /// # Errors
    /// As [`MasterKey::read`], or why it cannot be made.
    pub fn read_or_make(path: &Path, entropy: Entropy) -> Result<Self, SealError> {
        match Self::read(path) {
            Err(SealError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                let bytes = Zeroizing::new(entropy.bytes()?);
                make(path, &bytes).map_err(|cause| SealError::File { path: path.to_owned(), cause })?;
                // Another process may have been first: the file decides.
                Self::read(path)
            }
            read => read,
        }
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// Writes beside the file and links it into place, so that a half-written key is never read and an existing
/// one never replaced.
fn make(path: &Path, bytes: &[u8; KEY_BYTES]) -> io::Result<()> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(cause),
        _ => {}
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(KEY_FILE);
        let first = MasterKey::read_or_make(&path, Entropy).expect("made");
        let second = MasterKey::read_or_make(&path, Entropy).expect("read");
        assert_eq!(first.bytes(), second.bytes());
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o400);
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn a_key_file_of_another_length_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        for length in [0, 31, 33] {
            let path = dir.path().join(format!("{length}.key"));
            fs::write(&path, vec![1; length]).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
            assert!(matches!(MasterKey::read(&path), Err(SealError::Length { .. })), "{length}");
        }
    }

    #[test]
    fn a_key_file_others_can_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(KEY_FILE);
        fs::write(&path, [1; 32]).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("set");
        assert!(matches!(MasterKey::read(&path), Err(SealError::Open { .. })));
    }
}
