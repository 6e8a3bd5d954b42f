//! The listening socket of streams.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use nix::sys::socket::SockType;

use super::Stream;
use crate::error::{Error, Result};
use crate::socket::bind::BindConfig;
use crate::socket::listener::Acceptor;
use crate::socket::transfer::Wait;
use crate::socket::{Address, adopt};

/// A socket that accepts connections which carry bytes.
///
/// Dropping it closes it and resets connections that were not accepted. The file stays, unless
/// [`Options::remove_on_drop`](crate::socket::Options::remove_on_drop) was set. The open file of
/// a new listener is non-blocking, so that a call never blocks because another process accepted the
/// connection first. That of an adopted one stays as it is.
#[derive(Debug)]
pub struct Listener {
    inner: Acceptor,
}

impl Listener {
    /// `bind(2)`, `listen(2)`: listens at the address; see
    /// [`Options::listen_stream`](crate::socket::Options::listen_stream).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the path exists, whether its socket is live or closed:
    /// see [`Options::reclaim_stale`](crate::socket::Options::reclaim_stale).
    #[doc(alias = "listen")]
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        BindConfig::DEFAULT.listen(SockType::Stream, &address.into()).map(Listener::of)
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
    pub fn accept(&self) -> Result<Stream> {
        self.inner.accept(Wait::Forever).map(Stream::of)
    }

    /// Like [`accept`](Listener::accept), but fails with [`Empty`](crate::ErrorKind::Empty) if the
    /// queue is empty.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for a listener from a descriptor whose open file
    /// blocks. Another process could take the connection, and the call would block. See
    /// [`set_nonblocking`](Listener::set_nonblocking).
    pub fn try_accept(&self) -> Result<Stream> {
        self.inner.accept(Wait::Never).map(Stream::of)
    }

    /// Like [`accept`](Listener::accept), but fails with [`TimedOut`](crate::ErrorKind::TimedOut)
    /// if none arrives within `timeout`; and as [`try_accept`](Listener::try_accept) does.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Stream> {
        self.inner.accept(Wait::For(timeout)).map(Stream::of)
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
    pub fn incoming(&self) -> impl Iterator<Item = Result<Stream>> + '_ {
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

/// Checks that it is a listening stream socket. The open file, which other processes may share,
/// stays as it is; see [`set_nonblocking`](Listener::set_nonblocking).
///
/// Fails with [`WrongType`](crate::ErrorKind::WrongType), and closes the descriptor, if it is not.
impl TryFrom<OwnedFd> for Listener {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        adopt::check_listener(&fd, SockType::Stream)?;
        Ok(Listener::of(Acceptor::adopt(fd)))
    }
}

impl From<Listener> for UnixListener {
    fn from(listener: Listener) -> Self {
        OwnedFd::from(listener).into()
    }
}

/// Checks the descriptor as `TryFrom<OwnedFd>` does.
impl TryFrom<UnixListener> for Listener {
    type Error = Error;

    fn try_from(listener: UnixListener) -> Result<Self> {
        OwnedFd::from(listener).try_into()
    }
}
