//! Keys of System V objects.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::name;
use crate::support::errno;

/// `key_t`: the number that identifies a System V object.
///
/// All users of an IPC namespace share its keys, and nothing prevents two programs from choosing
/// the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "key_t")]
pub struct Key(libc::key_t);

impl Key {
    /// `IPC_PRIVATE`: always creates a new object, which other processes open by its identifier.
    #[doc(alias = "IPC_PRIVATE")]
    pub const PRIVATE: Key = Key(libc::IPC_PRIVATE);

    /// Creates a key from a number. Zero is [`Key::PRIVATE`].
    pub const fn new(number: i32) -> Self {
        Key(number)
    }

    /// `ftok(3)`: derives a key from a file's identity and a project number.
    ///
    /// The file must exist for as long as the key is used: a new file of the same name has another
    /// key. Keys **collide**: they combine 16 bits of the inode number, 8 of the device number and
    /// the project, so different files can have the same key. Create with `create_new`, or check
    /// the opened object.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) or
    ///   [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the file is inaccessible;
    /// * [`Invalid`](crate::ErrorKind::Invalid) if the project number is 0, which ftok(3) leaves
    ///   undefined.
    #[doc(alias = "ftok")]
    pub fn for_file(path: impl AsRef<Path>, project: u8) -> Result<Self> {
        const FTOK: &str = "ftok";
        let path = path.as_ref();
        name::check_path(FTOK, path)?;
        if project == 0 {
            return Err(Error::from_errno(FTOK, Errno::EINVAL).with_hint("use a project number of 1 to 255"));
        }
        let meta = fs::metadata(path)
            .map_err(|e| Error::from_errno(FTOK, errno(&e)).with_name(name::display(path)))?;
        // The formula of glibc, so that C programs derive the same key.
        let key = u32::from(project) << 24 | (meta.dev() as u32 & 0xff) << 16 | (meta.ino() as u32 & 0xffff);
        Ok(Key(key as i32))
    }

    /// Returns the number.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Returns whether this is [`Key::PRIVATE`].
    pub const fn is_private(self) -> bool {
        self.0 == libc::IPC_PRIVATE
    }
}

/// Formats as `ipcs` does: `key 0x6a6f6273`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_private() { f.write_str("private key") } else { write!(f, "key {:#010x}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn for_file_returns_one_key_per_project() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = Key::for_file(file.path(), 1).unwrap();
        assert_eq!(key, Key::for_file(file.path(), 1).unwrap());
        assert_ne!(key, Key::for_file(file.path(), 2).unwrap());
        assert_eq!(key.number() as u32 >> 24, 1);
    }

    #[test]
    fn for_file_rejects_missing_file_empty_path_and_project_zero() {
        assert_eq!(Key::for_file("/no/such/file", 1).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(Key::for_file("", 1).unwrap_err().kind(), ErrorKind::InvalidName);
        assert_eq!(Key::for_file("/", 0).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn display_matches_ipcs() {
        assert_eq!(Key::new(0x2a).to_string(), "key 0x0000002a");
        assert_eq!(Key::new(-1).to_string(), "key 0xffffffff");
        assert_eq!(Key::PRIVATE.to_string(), "private key");
    }
}
