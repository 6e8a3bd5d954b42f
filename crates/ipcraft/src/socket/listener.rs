//! The listener behind both types of listeners.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::poll::PollFlags;

use super::Address;
use super::core::Bound;
use super::transfer::Wait;
use crate::error::{Error, Result};
use crate::support::{limits, wait};
use crate::sys::{retry, socket as sys};

const ACCEPT: &str = "accept4";

#[derive(Debug)]
pub(super) struct Acceptor {
    /// Its open file description is non-blocking, so poll(2) does the waiting.
    socket: Bound,
}

impl Acceptor {
    pub(super) fn new(socket: Bound) -> Result<Self> {
        socket.core().set_nonblocking(true)?;
        Ok(Acceptor { socket })
    }

    /// Blocking in accept4(2) after poll(2) would not do: another process may take the connection
    /// in between.
    pub(super) fn accept(&self, waiting: Wait) -> Result<OwnedFd> {
        let listener = self.socket.core().as_fd();
        let accept = || retry(|| sys::accept(listener));
        let ready = [(listener, PollFlags::POLLIN)];
        let accepted = match waiting {
            Wait::Never => accept(),
            Wait::Forever => wait::attempt_until(Duration::MAX, &ready, accept),
            Wait::For(timeout) => wait::attempt_until(timeout, &ready, accept),
        };
        accepted.map_err(|e| Error::from_recv_errno(ACCEPT, e).with_limit(limits::descriptors(e)))
    }

    pub(super) fn local_address(&self) -> Result<Address> {
        self.socket.core().local_address()
    }

    /// The descriptor alone, made blocking again as descriptors usually are. The file stays.
    pub(super) fn into_fd(self) -> OwnedFd {
        let _ = self.socket.core().set_nonblocking(false);
        self.socket.into_fd()
    }
}

impl AsFd for Acceptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.core().as_fd()
    }
}
