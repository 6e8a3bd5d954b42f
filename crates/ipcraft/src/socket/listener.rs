//! What listeners of both types do.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::transfer::{self, Wait};
use crate::error::{Error, Result};
use crate::support::limits;
use crate::support::unlink_guard::UnlinkGuard;
use crate::sys::ioctl;

const ACCEPT: &str = "accept4";

#[derive(Debug)]
pub(super) struct Acceptor {
    /// Dropped first, so that the path never leads to a socket that is gone.
    removal: Option<UnlinkGuard>,
    /// Its description is non-blocking: the waiting is done by poll(2).
    fd: OwnedFd,
}

impl Acceptor {
    pub(super) fn new(fd: OwnedFd, removal: Option<UnlinkGuard>) -> Result<Self> {
        ioctl::set_nonblocking(fd.as_fd(), true).map_err(|e| Error::from_errno("ioctl(FIONBIO)", e))?;
        Ok(Acceptor { removal, fd })
    }

    /// Takes over a descriptor whose nature shows at the first call.
    pub(super) fn adopt(fd: OwnedFd) -> Self {
        let _ = ioctl::set_nonblocking(fd.as_fd(), true);
        Acceptor { removal: None, fd }
    }

    pub(super) fn accept(&self, wait: Wait) -> Result<OwnedFd> {
        transfer::accept(self.fd.as_fd(), wait)
            .map_err(|e| Error::from_recv_errno(ACCEPT, e).with_limit(limits::descriptors(e)))
    }

    /// The descriptor alone, which then blocks as descriptors usually do. The file stays.
    pub(super) fn into_fd(self) -> OwnedFd {
        let _ = ioctl::set_nonblocking(self.fd.as_fd(), false);
        if let Some(removal) = self.removal {
            removal.disarm();
        }
        self.fd
    }
}

impl AsFd for Acceptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
