//! Giving a socket its address.

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{Backlog, SockType, listen};

use super::bound_file::{BoundFile, FileMode};
use super::core::Bound;
use super::create::create;
use super::listener::Acceptor;
use super::{Address, address, reclaim};
use crate::error::{Error, Result};
use crate::name;
use crate::support::directory_entry::DirectoryEntry;
use crate::support::limits;
use crate::support::mode::CreationMode;
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{ioctl, socket as sys};

const BIND: &str = "bind";

/// How a socket is bound; [`Options`](super::Options) documents the fields.
#[derive(Clone, Debug)]
pub(super) struct BindConfig {
    pub(super) mode: CreationMode,
    pub(super) backlog: u32,
    pub(super) reclaim_stale: bool,
    pub(super) take_over: bool,
    pub(super) remove_on_drop: bool,
}

impl BindConfig {
    pub(super) const DEFAULT: BindConfig = BindConfig {
        mode: CreationMode::less_umask(0o600),
        backlog: libc::SOMAXCONN as u32,
        reclaim_stale: false,
        take_over: false,
        remove_on_drop: false,
    };

    /// bind(2) and listen(2) of a new socket.
    pub(super) fn listen(&self, kind: SockType, address: &Address) -> Result<Acceptor> {
        // The kernel caps the backlog at somaxconn, which is at most this.
        let backlog = i32::try_from(self.backlog).unwrap_or(libc::SOMAXCONN).min(libc::SOMAXCONN);
        let complete = |fd: &OwnedFd| {
            listen(fd, Backlog::new(backlog)?)?;
            ioctl::set_nonblocking(fd.as_fd(), true)
        };
        self.bind_new(kind, address, complete).map(Acceptor::new)
    }

    /// bind(2) of a new socket.
    pub(super) fn bind(&self, kind: SockType, address: &Address) -> Result<Bound> {
        self.bind_new(kind, address, |_| Ok(()))
    }

    /// Binds a new socket, and makes it ready for its clients by `complete`.
    fn bind_new(
        &self,
        kind: SockType,
        address: &Address,
        complete: impl Fn(&OwnedFd) -> nix::Result<()>,
    ) -> Result<Bound> {
        let mode = self.mode.checked(BIND).map_err(|e| address.name_in(e))?;
        let fd = create(kind)?;
        let Some(path) = address.as_path() else {
            let bound = address.find(BIND, |target| sys::bind(fd.as_fd(), target))?;
            let bound = bound.and_then(|()| complete(&fd));
            return bound.map(|()| Bound::new(fd, None)).map_err(|e| failed(address, e));
        };
        name::check_path(BIND, path)?;
        let mode = FileMode::prepare(fd.as_fd(), mode, self.mode.is_exact());
        let mode = mode.map_err(|e| mode_failed(address, e))?;
        let file = if self.take_over {
            take_over(&fd, address, path, mode, || complete(&fd))?
        } else {
            let bind = || bind_file(&fd, address, path, mode);
            let file = if self.reclaim_stale { reclaim::bind(path, bind) } else { bind() }?;
            complete(&fd).map_err(|e| failed(address, e))?;
            file
        };
        let removal = file.finish(self.remove_on_drop).map_err(|e| mode_failed(address, e))?;
        let bound = Bound::new(fd, removal);
        let is_known_to_the_kernel = !self.take_over && address.kernel_form().is_some();
        Ok(if is_known_to_the_kernel { bound } else { bound.with_address(address.clone()) })
    }
}

/// Makes the file at its path.
fn bind_file(fd: &OwnedFd, address: &Address, path: &Path, mode: FileMode) -> Result<BoundFile> {
    let made = DirectoryEntry::of(path).and_then(|entry| {
        let target = match address.kernel_form() {
            Some(target) => *target,
            None => address::below(entry.directory(), entry.name())?,
        };
        BoundFile::make(entry, mode, || sys::bind(fd.as_fd(), &target))
    });
    made.map_err(|e| failed(address, e))
}

/// Makes the file beside the path, completes the socket, and gives it the path.
fn take_over(
    fd: &OwnedFd,
    address: &Address,
    path: &Path,
    mode: FileMode,
    complete: impl FnOnce() -> nix::Result<()>,
) -> Result<BoundFile> {
    let _lock = reclaim::lock(path)?;
    let bind_beside = |directory: BorrowedFd<'_>, name: &CStr| {
        let beside = path.with_file_name(OsStr::from_bytes(name.to_bytes()));
        let target = match SocketAddress::path(beside.as_os_str().as_bytes()) {
            Some(target) => target,
            None => address::below(directory, name)?,
        };
        sys::bind(fd.as_fd(), &target)
    };
    let replaced =
        DirectoryEntry::of(path).and_then(|entry| BoundFile::replace(entry, mode, bind_beside, complete));
    replaced.map_err(|errno| match errno {
        Errno::EEXIST => reclaim::another_file(BIND, path),
        _ => failed(address, errno),
    })
}

/// The error of a failure to bind to the address.
fn failed(address: &Address, errno: Errno) -> Error {
    let error = match errno {
        Errno::ENAMETOOLONG | Errno::ENOSYS => return address.too_long(BIND, errno),
        // A path without a last name, such as "/".
        Errno::EEXIST => Error::from_errno(BIND, Errno::EADDRINUSE),
        _ => Error::from_errno(BIND, errno).with_limit(limits::descriptors(errno)),
    };
    address.name_in(match errno {
        Errno::EADDRINUSE if address.as_path().is_some() => {
            error.with_hint("stop its owner, or replace a closed socket with reclaim_stale")
        }
        Errno::EMFILE => error.with_hint("close descriptors, or raise RLIMIT_NOFILE"),
        _ => error,
    })
}

/// The error of a failure to give the file its mode.
fn mode_failed(address: &Address, errno: Errno) -> Error {
    let error = address.name_in(Error::from_errno("fchmod", errno));
    match errno {
        Errno::ENOSYS => error.with_hint("mount /proc for exact_mode, or use Linux 6.6"),
        _ => error,
    }
}
