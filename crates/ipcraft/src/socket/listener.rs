//! The listener behind both types of listeners.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;

use super::Address;
use super::core::{Bound, Core};
use super::transfer::Wait;
use crate::error::{Error, ErrorKind, Result};
use crate::support::{limits, wait};
use crate::sys::{retry, socket as sys};

const ACCEPT: &str = "accept4";

#[derive(Debug)]
pub(super) struct Acceptor {
    socket: Bound,
    /// Whether this handle made the open file description, and so may choose its flags.
    is_made_here: bool,
    /// Whether the open file description is non-blocking since this handle made it so.
    ///
    /// poll(2) then does the waiting. Blocking in accept4(2) after poll(2) would not do: another
    /// process may take the connection in between.
    is_nonblocking: AtomicBool,
}

impl Acceptor {
    /// Takes a listening socket that this library has just made, non-blocking.
    pub(super) fn new(socket: Bound) -> Self {
        Acceptor { socket, is_made_here: true, is_nonblocking: AtomicBool::new(true) }
    }

    /// Takes a listening socket whose open file other processes may share, and changes nothing.
    pub(super) fn adopt(fd: OwnedFd) -> Self {
        let socket = Bound::new(fd, None);
        Acceptor { socket, is_made_here: false, is_nonblocking: AtomicBool::new(false) }
    }

    pub(super) fn try_clone(&self) -> Result<Self> {
        let socket = Bound::of(self.core().duplicate()?);
        Ok(Acceptor { socket, is_made_here: false, is_nonblocking: AtomicBool::new(false) })
    }

    pub(super) fn core(&self) -> &Core {
        self.socket.core()
    }

    pub(super) fn accept(&self, waiting: Wait) -> Result<OwnedFd> {
        let listener = self.as_fd();
        let accept = || retry(|| sys::accept(listener));
        let ready = [(listener, PollFlags::POLLIN)];
        let accepted = match waiting {
            Wait::Forever => wait::attempt_until(Duration::MAX, &ready, accept),
            _ if !self.is_nonblocking.load(Relaxed) && !self.has_nonblocking_flag()? => return Err(blocks()),
            Wait::Never => accept(),
            Wait::For(timeout) => wait::attempt_until(timeout, &ready, accept),
        };
        accepted.map_err(|e| Error::from_recv_errno(ACCEPT, e).with_limit(limits::descriptors(e)))
    }

    fn has_nonblocking_flag(&self) -> Result<bool> {
        let flags = fcntl(self.as_fd(), FcntlArg::F_GETFL);
        let flags = flags.map_err(|e| Error::from_errno("fcntl(F_GETFL)", e))?;
        Ok(OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK))
    }

    pub(super) fn set_nonblocking(&self, yes: bool) -> Result<()> {
        self.core().set_nonblocking(yes)?;
        self.is_nonblocking.store(yes, Relaxed);
        Ok(())
    }

    pub(super) fn local_address(&self) -> Result<Address> {
        self.core().local_address()
    }

    /// The descriptor alone. It is blocking, as descriptors usually are, if this handle made it,
    /// and unchanged if it was adopted. The file stays.
    pub(super) fn into_fd(self) -> OwnedFd {
        if self.is_made_here {
            let _ = self.core().set_nonblocking(false);
        }
        self.socket.into_fd()
    }
}

#[cold]
fn blocks() -> Error {
    Error::new(ACCEPT, ErrorKind::Invalid)
        .with_hint("call set_nonblocking(true), which affects every process that shares it")
}

impl AsFd for Acceptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.core().as_fd()
    }
}
