//! Giving a socket its address.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{Backlog, SockType, listen};
use nix::sys::stat::{Mode, fchmod};

use super::core::Bound;
use super::create::create;
use super::listener::Acceptor;
use super::{Address, reclaim};
use crate::error::{Error, Result};
use crate::support::directory_entry::DirectoryEntry;
use crate::support::unlink_guard::UnlinkGuard;
use crate::sys::socket as sys;

const BIND: &str = "bind";

/// How a socket is bound; [`Options`](super::Options) documents the fields.
#[derive(Clone, Debug)]
pub(super) struct BindConfig {
    pub(super) mode: u32,
    pub(super) backlog: u32,
    pub(super) reclaim_stale: bool,
    pub(super) remove_on_drop: bool,
}

impl BindConfig {
    pub(super) const DEFAULT: BindConfig = BindConfig {
        mode: 0o600,
        backlog: libc::SOMAXCONN as u32,
        reclaim_stale: false,
        remove_on_drop: false,
    };

    /// bind(2) and listen(2) of a new socket.
    pub(super) fn listen(&self, kind: SockType, address: &Address) -> Result<Acceptor> {
        let (fd, removal) = self.bind_new(kind, address)?;
        // The kernel caps the backlog at somaxconn, which is at most this.
        let backlog = i32::try_from(self.backlog).unwrap_or(libc::SOMAXCONN).min(libc::SOMAXCONN);
        Backlog::new(backlog)
            .and_then(|backlog| listen(&fd, backlog))
            .map_err(|e| address.name_in(Error::from_errno("listen", e)))?;
        Acceptor::new(Bound::new(fd, removal))
    }

    /// bind(2) of a new socket.
    pub(super) fn bind(&self, kind: SockType, address: &Address) -> Result<Bound> {
        let (fd, removal) = self.bind_new(kind, address)?;
        Ok(Bound::new(fd, removal))
    }

    fn bind_new(&self, kind: SockType, address: &Address) -> Result<(OwnedFd, Option<UnlinkGuard>)> {
        let target = address.checked(BIND)?;
        let fd = create(kind)?;
        let Some(path) = address.as_path() else {
            sys::bind(fd.as_fd(), target).map_err(|e| address.name_in(Error::from_errno(BIND, e)))?;
            return Ok((fd, None));
        };
        // The file gets the mode of the socket, less the umask, at the moment it is created.
        fchmod(&fd, Mode::from_bits_truncate(self.mode)).map_err(|e| Error::from_errno("fchmod", e))?;
        self.bind_path(fd.as_fd(), address, path)?;
        let guard = || {
            let entry = DirectoryEntry::of(path)?;
            let held = entry.hold()?;
            Ok(UnlinkGuard::new(entry, held))
        };
        let removal = self.remove_on_drop.then(guard).transpose();
        Ok((fd, removal.map_err(|e| address.name_in(Error::from_errno(BIND, e)))?))
    }

    fn bind_path(&self, fd: BorrowedFd<'_>, address: &Address, path: &Path) -> Result<()> {
        let bind =
            || sys::bind(fd, address.checked(BIND)?).map_err(|e| address.name_in(Error::from_errno(BIND, e)));
        if self.reclaim_stale { reclaim::bind(path, bind) } else { bind() }
    }
}
