//! The number that strangers agree on.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::name;
use crate::support::errno;

/// `key_t`: what a System V object is found by.
///
/// All users of the IPC namespace share the keys, and nothing but custom keeps two programs from choosing the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "key_t")]
pub struct Key(libc::key_t);

impl Key {
    /// `IPC_PRIVATE`: always a new object, which only its identifier leads to: for relatives, or to pass the identifier on.
    #[doc(alias = "IPC_PRIVATE")]
    pub const PRIVATE: Key = Key(libc::IPC_PRIVATE);

    /// A number of your choice. Zero is [`Key::PRIVATE`].
    pub const fn new(number: i32) -> Self {
        Key(number)
    }

    /// `ftok(3)`: a key made of a file's identity and a project number.
    ///
    /// The file must exist and stay: one of the same name that is made anew has another key. Keys **collide**: 16 bits of the inode
    /// number, 8 of the device's and the project are all that goes in, so different files can have the same key. Create with `create_new`, or check
    /// what you find.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`PermissionDenied`](crate::ErrorKind::PermissionDenied): the file cannot be looked at.
    /// [`Invalid`](crate::ErrorKind::Invalid): the project number is 0, which ftok(3) leaves undefined.
    #[doc(alias = "ftok")]
    pub fn for_file(path: impl AsRef<Path>, project: u8) -> Result<Self> {
        const FTOK: &str = "ftok";
        let path = path.as_ref();
        name::check_path(FTOK, path)?;
        if project == 0 {
            return Err(Error::from_errno(FTOK, Errno::EINVAL).with_hint("the project number is 1 to 255"));
        }
        let meta = fs::metadata(path)
            .map_err(|e| Error::from_errno(FTOK, errno(&e)).with_name(name::display(path)))?;
        // As glibc has it, so that C programs come to the same key.
        let key = u32::from(project) << 24 | (meta.dev() as u32 & 0xff) << 16 | (meta.ino() as u32 & 0xffff);
        Ok(Key(key as i32))
    }

    /// The number.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Whether it is [`Key::PRIVATE`].
    pub const fn is_private(self) -> bool {
        self.0 == libc::IPC_PRIVATE
    }
}

/// As `ipcs` shows it: `key 0x6a6f6273`.
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
    fn a_file_has_one_key_per_project() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = Key::for_file(file.path(), 1).unwrap();
        assert_eq!(key, Key::for_file(file.path(), 1).unwrap());
        assert_ne!(key, Key::for_file(file.path(), 2).unwrap());
        assert_eq!(key.number() as u32 >> 24, 1);
    }

    #[test]
    fn what_has_no_key_is_refused() {
        assert_eq!(Key::for_file("/no/such/file", 1).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(Key::for_file("", 1).unwrap_err().kind(), ErrorKind::InvalidName);
        assert_eq!(Key::for_file("/", 0).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn shown_as_ipcs_shows_it() {
        assert_eq!(Key::new(0x2a).to_string(), "key 0x0000002a");
        assert_eq!(Key::new(-1).to_string(), "key 0xffffffff");
        assert_eq!(Key::PRIVATE.to_string(), "private key");
    }
}
