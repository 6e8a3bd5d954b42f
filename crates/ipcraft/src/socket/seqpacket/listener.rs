//! The listening socket of connections that carry records.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::SockType;

use super::Connection;
use crate::error::{Error, Result};
use crate::socket::bind::BindConfig;
use crate::socket::listener::Acceptor;
use crate::socket::transfer::Wait;
use crate::socket::{Address, adopt};

/// A socket that accepts connections which carry records.
///
/// It behaves as [`stream::Listener`](crate::socket::stream::Listener) in every other respect.
#[derive(Debug)]
pub struct Listener {
    inner: Acceptor,
}

impl Listener {
    /// `bind(2)`, `listen(2)`: listens at the address; see
    /// [`Options::listen_seqpacket`](crate::socket::Options::listen_seqpacket).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the path exists, whether its socket is live or closed:
    /// see [`Options::reclaim_stale`](crate::socket::Options::reclaim_stale).
    #[doc(alias = "listen")]
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        BindConfig::DEFAULT.listen(SockType::SeqPacket, &address.into()).map(Listener::of)
    }

    pub(in crate::socket) fn of(inner: Acceptor) -> Self {
        Listener { inner }
    }

    /// `accept4(2)`: blocks until a connection arrives.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full. The
    /// connection stays in the queue.
    #[doc(alias = "accept4")]
    pub fn accept(&self) -> Result<Connection> {
        self.inner.accept(Wait::Forever).map(Connection::of)
    }

    /// Like [`accept`](Listener::accept), but fails with [`Empty`](crate::ErrorKind::Empty) if the
    /// queue is empty.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for a listener from a descriptor whose open file
    /// blocks. Another process could take the connection, and the call would block. See
    /// [`set_nonblocking`](Listener::set_nonblocking).
    pub fn try_accept(&self) -> Result<Connection> {
        self.inner.accept(Wait::Never).map(Connection::of)
    }

    /// Like [`accept`](Listener::accept), but fails with [`TimedOut`](crate::ErrorKind::TimedOut)
    /// if none arrives within `timeout`; and as [`try_accept`](Listener::try_accept) does.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Connection> {
        self.inner.accept(Wait::For(timeout)).map(Connection::of)
    }

    /// Sets `O_NONBLOCK` of the open file, which a listener from a descriptor needs for
    /// [`try_accept`](Listener::try_accept) and [`accept_timeout`](Listener::accept_timeout). A new
    /// listener has it.
    ///
    /// It holds for every process that shares the listener, and stays when this handle is dropped.
    /// [`accept`](Listener::accept) waits in either case.
    #[doc(alias = "O_NONBLOCK")]
    pub fn set_nonblocking(&self, yes: bool) -> Result<()> {
        self.inner.set_nonblocking(yes)
    }

    /// `F_DUPFD_CLOEXEC`: returns a second handle of the same listener, which never removes the
    /// file.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "dup")]
    pub fn try_clone(&self) -> Result<Self> {
        self.inner.try_clone().map(Listener::of)
    }

    /// Iterates over connections as [`accept`](Listener::accept) returns them, without end.
    ///
    /// A lasting error, such as a full descriptor table, is returned by each step.
    pub fn incoming(&self) -> impl Iterator<Item = Result<Connection>> + '_ {
        std::iter::repeat_with(|| self.accept())
    }

    /// `getsockname(2)`: the address at which it listens.
    #[doc(alias = "getsockname")]
    pub fn local_address(&self) -> Result<Address> {
        self.inner.local_address()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// Makes the open file blocking, for every process that shares it, unless the listener came from a
/// descriptor or a clone: then its flags stay. The file stays, with
/// [`Options::remove_on_drop`](crate::socket::Options::remove_on_drop) too.
impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        listener.inner.into_fd()
    }
}

/// Checks that it is a listening seqpacket socket, and sets `SO_PASSCRED`, which accepted
/// connections inherit.
///
/// The option stays set, for every process that shares the socket. The flags of the open file stay
/// as they are; see [`set_nonblocking`](Listener::set_nonblocking).
///
/// Fails with [`WrongType`](crate::ErrorKind::WrongType), and closes the descriptor, if it is not.
impl TryFrom<OwnedFd> for Listener {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        adopt::check_listener(&fd, SockType::SeqPacket)?;
        adopt::enable_end_detection(&fd)?;
        Ok(Listener::of(Acceptor::adopt(fd)))
    }
}
