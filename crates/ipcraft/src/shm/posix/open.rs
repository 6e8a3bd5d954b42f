//! Opening what is behind a name, if it is what it should be.

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

/// shm_open(3), which follows no symbolic link and waits for nobody, and then a look at what it opened.
pub(super) fn checked(c_name: &CStr, name: &str, access: Access, expected: Expected) -> Result<OwnedFd> {
    let flags = match access {
        Access::ReadOnly => OFlag::O_RDONLY,
        Access::ReadWrite => OFlag::O_RDWR,
    };
    let fd = retry(|| shm_open(c_name, flags, Mode::empty())).map_err(|e| refusal(e).with_name(name))?;
    let stat = fstat(&fd).map_err(|e| Error::from_errno("fstat", e).with_name(name))?;
    expected.check(&stat).map_err(|e| e.with_name(name))?;
    Ok(fd)
}

fn refusal(errno: Errno) -> Error {
    let error = Error::from_errno(SHM_OPEN, errno);
    match errno {
        Errno::ELOOP => wrong_type(error, "the name leads to a symbolic link"),
        Errno::ENXIO => wrong_type(error, "the name leads to a socket"),
        Errno::EINVAL | Errno::EISDIR => wrong_type(error, "the name leads to a directory"),
        _ => error.with_limit(limits::descriptors(errno)),
    }
}

fn wrong_type(error: Error, advice: &'static str) -> Error {
    error.with_kind(ErrorKind::WrongType).with_hint(advice)
}

impl Expected {
    fn check(self, stat: &FileStat) -> Result<()> {
        let refused = |kind, advice| Err(Error::new(SHM_OPEN, kind).with_hint(advice));
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return refused(ErrorKind::WrongType, "the name does not lead to shared memory");
        }
        if stat.st_uid != self.owner.unwrap_or_else(|| geteuid().as_raw()) {
            return refused(ErrorKind::PermissionDenied, "it belongs to another user than expected");
        }
        if stat.st_mode & 0o777 & !self.mode != 0 {
            return refused(ErrorKind::PermissionDenied, "its mode permits more than Options::mode does");
        }
        if stat.st_size == 0 { Err(too_small(0, 1)) } else { Ok(()) }
    }
}

/// A file of the right kind that does not hold what it should.
pub(super) fn too_small(size: usize, wanted: usize) -> Error {
    let limit = Limit { name: "its size", value: size as u64, requested: Some(wanted as u64) };
    Error::new(SHM_OPEN, ErrorKind::WrongType).with_limit(Some(limit))
}
