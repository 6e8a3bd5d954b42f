//! The permission bits of an object that a call creates.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};

use super::proc_fd;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::sys::chmod::fchmod_path;

/// All permission bits.
const ALL: u32 = 0o777;

/// Permission bits, and whether the umask applies to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CreationMode {
    bits: u32,
    is_exact: bool,
}

impl CreationMode {
    /// Bits from which the kernel takes those of the umask away, as open(2) does.
    pub(crate) const fn less_umask(bits: u32) -> Self {
        CreationMode { bits, is_exact: false }
    }

    /// Bits that the new object gets as they are.
    ///
    /// The object is created with these bits, less the umask, and then gets them all. It is never
    /// accessible to more processes than asked for.
    pub(crate) const fn exact(bits: u32) -> Self {
        CreationMode { bits, is_exact: true }
    }

    /// Returns the bits.
    ///
    /// # Errors
    ///
    /// As for [`check`].
    pub(crate) fn checked(self, operation: &'static str) -> Result<Mode> {
        check(operation, self.bits)?;
        Ok(Mode::from_bits_truncate(self.bits))
    }

    pub(crate) fn is_exact(self) -> bool {
        self.is_exact
    }
}

/// Fails with [`Invalid`](ErrorKind::Invalid) for bits beyond 0o777. Most of them come from a mode
/// that was written in decimal: 666 is 0o1232.
pub(crate) fn check(operation: &'static str, mode: u32) -> Result<()> {
    if mode & !ALL == 0 {
        return Ok(());
    }
    let limit =
        Limit { name: "the largest mode, 0o777,", value: u64::from(ALL), requested: Some(u64::from(mode)) };
    Err(Error::new(operation, ErrorKind::Invalid)
        .with_limit(Some(limit))
        .with_hint("write the mode in octal, such as 0o660"))
}

/// Sets the mode of a file that is held with `O_PATH`, which fchmod(2) refuses.
///
/// Before Linux 6.6 this needs /proc, and fails with `ENOSYS` without it.
pub(crate) fn set(held: BorrowedFd<'_>, mode: Mode) -> nix::Result<()> {
    match fchmod_path(held, mode.bits()) {
        // Filters of system calls that are older than this one answer EPERM.
        Err(Errno::ENOSYS | Errno::EPERM) => {
            let path = proc_fd::path(held);
            fchmodat(AT_FDCWD, path.as_str(), mode, FchmodatFlags::FollowSymlink)
                .map_err(|e| if e == Errno::ENOENT { Errno::ENOSYS } else { e })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_of_a_decimal_mode_returns_invalid_with_a_hint() {
        check("open", 0o777).unwrap();
        let error = check("open", 666).unwrap_err();
        assert_eq!((error.kind(), error.limit().unwrap().requested()), (ErrorKind::Invalid, Some(666)));
        assert_eq!(
            error.to_string(),
            "open: invalid argument: 666 needed, the largest mode, 0o777, is 511; write the mode in octal, such as 0o660"
        );
        assert!(CreationMode::exact(0o1000).checked("open").is_err());
        assert_eq!(CreationMode::less_umask(0o640).checked("open").unwrap().bits(), 0o640);
    }
}
