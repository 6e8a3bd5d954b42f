//! Opening an existing object, with checks.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

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
    pub(super) owner: Owner,
    /// At least 1.
    pub(super) min_size: usize,
}

/// The user that owns a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// The effective user.
    Effective,
    Id(u32),
    Any,
}

/// What a name leads to.
pub(super) enum Found {
    Complete(OwnedFd),
    /// A file that is smaller than expected: its creator may be about to size it.
    TooSmall(Error),
    /// No file has the name.
    Nothing(Error),
}

/// shm_open(3), which follows no symbolic link and never blocks, followed by checks of the opened
/// file.
pub(super) fn find(c_name: &CStr, label: &Arc<str>, access: Access, expected: Expected) -> Result<Found> {
    let named = |error: Error| error.with_object(Some(label));
    let flags = match access {
        Access::ReadOnly => OFlag::O_RDONLY,
        Access::ReadWrite => OFlag::O_RDWR,
    };
    // With a lease on the file (F_SETLEASE), the kernel would otherwise wait for its holder.
    let flags = flags | OFlag::O_NONBLOCK;
    let fd = match past_leases(|| retry(|| shm_open(c_name, flags, Mode::empty()))) {
        Ok(fd) => fd,
        Err(e @ Errno::ENOENT) => return Ok(Found::Nothing(named(Error::from_errno(SHM_OPEN, e)))),
        Err(e) => return Err(named(open_error(e))),
    };
    let stat = fstat(&fd).map_err(|e| named(Error::from_errno("fstat", e)))?;
    expected.check(&stat, label)?;
    let size = stat.st_size as usize;
    Ok(if size < expected.min_size {
        Found::TooSmall(named(too_small(size, expected.min_size)))
    } else {
        Found::Complete(fd)
    })
}

/// How often an open that met a lease is repeated, and the pause in between. A tool that inspects
/// files holds a lease for microseconds.
const LEASE_ATTEMPTS: u32 = 50;
const LEASE_PAUSE: Duration = Duration::from_millis(1);

/// Repeats an open that fails because another process holds a lease on the file.
fn past_leases(mut open: impl FnMut() -> nix::Result<OwnedFd>) -> nix::Result<OwnedFd> {
    for _ in 0..LEASE_ATTEMPTS {
        match open() {
            Err(Errno::EAGAIN) => thread::sleep(LEASE_PAUSE),
            outcome => return outcome,
        }
    }
    open()
}

fn open_error(errno: Errno) -> Error {
    let error = Error::from_errno(SHM_OPEN, errno);
    match errno {
        Errno::EAGAIN => {
            let error = error.with_kind(ErrorKind::WouldBlock);
            error.with_hint("find the process that keeps a lease on it in /proc/locks")
        }
        Errno::ELOOP => wrong_type(error, "remove the symbolic link in /dev/shm, or use another name"),
        Errno::ENXIO => wrong_type(error, "remove the socket in /dev/shm, or use another name"),
        Errno::EINVAL | Errno::EISDIR => {
            wrong_type(error, "remove the directory in /dev/shm, or use another name")
        }
        _ => error.with_limit(limits::descriptors(errno)),
    }
}

fn wrong_type(error: Error, hint: &'static str) -> Error {
    error.with_kind(ErrorKind::WrongType).with_hint(hint)
}

impl Expected {
    fn check(self, stat: &FileStat, label: &Arc<str>) -> Result<()> {
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            let error = Error::new(SHM_OPEN, ErrorKind::WrongType).with_object(Some(label));
            return Err(wrong_type(error, "remove the special file in /dev/shm, or use another name"));
        }
        let differs = |property: &str, found: String, needed: String| {
            Error::new(SHM_OPEN, ErrorKind::PermissionDenied)
                .with_mismatch(Some(label), (property, &found, &needed))
        };
        let owner = match self.owner {
            Owner::Effective => geteuid().as_raw(),
            Owner::Id(uid) => uid,
            Owner::Any => stat.st_uid,
        };
        if stat.st_uid != owner {
            let error = differs("its owner", format!("user {}", stat.st_uid), format!("user {owner}"));
            return Err(error.with_hint("set Options::owner if another user may own it"));
        }
        let mode = stat.st_mode & 0o777;
        if mode & !self.mode != 0 {
            let error = differs("its mode", format!("{mode:#05o}"), format!("at most {:#05o}", self.mode));
            return Err(error.with_hint("set Options::mode if it may grant these permissions"));
        }
        Ok(())
    }
}

/// The error for a regular file that is smaller than expected.
fn too_small(size: usize, wanted: usize) -> Error {
    let limit = Limit { name: "its size", value: size as u64, requested: Some(wanted as u64) };
    let error = Error::new(SHM_OPEN, ErrorKind::WrongType).with_limit(Some(limit));
    match size {
        0 => error.with_hint("wait with open_timeout, or unlink it if its creator died"),
        _ => error.with_hint("ask for less, or unlink it and create it again"),
    }
}
