//! Opening an existing object, with checks.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::mman::shm_open;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::geteuid;

use super::directory::SHM_OPEN;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::Access;
use crate::support::limits;
use crate::sys::retry;

/// What the file behind a name has to be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// The permission bits that the file may have, and no others.
    pub(super) mode: u32,
    /// The user that owns the file; the effective user by default.
    pub(super) owner: Option<u32>,
}

/// shm_open(3), which follows no symbolic link and never blocks, followed by checks of the opened
/// file.
pub(super) fn checked(c_name: &CStr, name: &str, access: Access, expected: Expected) -> Result<OwnedFd> {
    let flags = match access {
        Access::ReadOnly => OFlag::O_RDONLY,
        Access::ReadWrite => OFlag::O_RDWR,
    };
    // With a lease on the file (F_SETLEASE), the kernel would otherwise wait for its holder.
    let flags = flags | OFlag::O_NONBLOCK;
    let fd = retry(|| shm_open(c_name, flags, Mode::empty())).map_err(|e| open_error(e).with_name(name))?;
    let stat = fstat(&fd).map_err(|e| Error::from_errno("fstat", e).with_name(name))?;
    expected.check(&stat).map_err(|e| e.with_name(name))?;
    Ok(fd)
}

fn open_error(errno: Errno) -> Error {
    let error = Error::from_errno(SHM_OPEN, errno);
    match errno {
        Errno::ELOOP => wrong_type(error, "remove the symbolic link in /dev/shm, or use another name"),
        Errno::ENXIO => wrong_type(error, "remove the socket in /dev/shm, or use another name"),
        Errno::EINVAL | Errno::EISDIR => {
            wrong_type(error, "remove the directory in /dev/shm, or use another name")
        }
        Errno::EAGAIN => error.with_kind(ErrorKind::InUse).with_hint("end the lease (F_SETLEASE) on it"),
        _ => error.with_limit(limits::descriptors(errno)),
    }
}

fn wrong_type(error: Error, hint: &'static str) -> Error {
    error.with_kind(ErrorKind::WrongType).with_hint(hint)
}

impl Expected {
    fn check(self, stat: &FileStat) -> Result<()> {
        let rejected = |kind, hint| Err(Error::new(SHM_OPEN, kind).with_hint(hint));
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return rejected(
                ErrorKind::WrongType,
                "remove the special file in /dev/shm, or use another name",
            );
        }
        if stat.st_uid != self.owner.unwrap_or_else(|| geteuid().as_raw()) {
            return rejected(ErrorKind::PermissionDenied, "set Options::owner if another user may own it");
        }
        if stat.st_mode & 0o777 & !self.mode != 0 {
            return rejected(
                ErrorKind::PermissionDenied,
                "set Options::mode if it may grant these permissions",
            );
        }
        if stat.st_size == 0 { Err(too_small(0, 1)) } else { Ok(()) }
    }
}

/// The error for a regular file that is smaller than expected.
pub(super) fn too_small(size: usize, wanted: usize) -> Error {
    let limit = Limit { name: "its size", value: size as u64, requested: Some(wanted as u64) };
    Error::new(SHM_OPEN, ErrorKind::WrongType).with_limit(Some(limit))
}
