//! Seqpacket sockets: records, both ways, over a connection (unix(7), `SOCK_SEQPACKET`).
//!
//! Use them for messages between two processes: they keep boundaries as datagrams do, and end and push back as streams
//! do. What holds for all sockets, and the table of errors, is on [the module's page](super).
//!
//! ```
//! use ipcraft::socket::seqpacket;
//!
//! let (left, right) = seqpacket::pair()?;
//! left.send(b"one")?;
//! left.send(b"")?;
//! drop(left);
//! let mut buffer = [0; 64];
//! assert_eq!(right.recv(&mut buffer)?, Some(3));
//! assert_eq!(right.recv(&mut buffer)?, Some(0));
//! assert_eq!(right.recv(&mut buffer)?, None);
//! # Ok::<(), ipcraft::Error>(())
//! ```

use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::SockType;

use super::listener::Acceptor;
use super::transfer::{self, Wait};
use super::{Address, Credentials, Options, connection, properties, record};
use crate::error::{Error, Result};
use crate::sys::retry;
use crate::sys::sendmsg::{self, DONTWAIT, PEEK, ReceivedInfo, TRUNC};

const RECV: &str = "recv from seqpacket socket";
pub(super) const SEND: &str = "send to seqpacket socket";

/// `socketpair(2)`: two connected ends.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
#[doc(alias = "socketpair")]
pub fn pair() -> Result<(Connection, Connection)> {
    let (left, right) = connection::pair(SockType::SeqPacket)?;
    Ok((Connection { fd: left }, Connection { fd: right }))
}

/// One end of a connection that carries records, in order, each whole or not at all.
///
/// A record may be empty, and is told from the end of the stream. The kernel's `recv` returns 0 for both, so this type
/// receives with `SO_PASSCRED` set: every record then comes with credentials, and the end does not. The side effect is
/// unix(7)'s *autobind*: an end without a name gets an abstract one when it connects or first sends.
#[derive(Debug)]
pub struct Connection {
    fd: OwnedFd,
}

impl Connection {
    /// `connect(2)`: waits while the listener's queue is full, but not until the connection is accepted.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Refused`](crate::ErrorKind::Refused),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`WrongType`](crate::ErrorKind::WrongType): see
    /// [the table](super#errors).
    pub fn connect(address: impl Into<Address>) -> Result<Self> {
        Ok(Connection { fd: connection::connect(SockType::SeqPacket, &address.into(), Wait::Forever)? })
    }

    /// [`connect`](Connection::connect) that fails with [`Full`](crate::ErrorKind::Full) if the listener's queue is
    /// full.
    pub fn try_connect(address: impl Into<Address>) -> Result<Self> {
        Ok(Connection { fd: connection::connect(SockType::SeqPacket, &address.into(), Wait::Never)? })
    }

    /// [`connect`](Connection::connect) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the queue stays
    /// full for `timeout`.
    #[doc(alias = "SO_SNDTIMEO")]
    pub fn connect_timeout(address: impl Into<Address>, timeout: Duration) -> Result<Self> {
        Ok(Connection { fd: connection::connect(SockType::SeqPacket, &address.into(), Wait::For(timeout))? })
    }

    /// `send(2)`: sends one record, which may be empty, and waits for room.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the peer is closed or receives no more (and no `SIGPIPE`);
    /// [`TooLarge`](crate::ErrorKind::TooLarge) above the [send buffer](Connection::send_buffer).
    #[inline]
    pub fn send(&self, record: &[u8]) -> Result<()> {
        self.transmit(record, Wait::Forever)
    }

    /// [`send`](Connection::send) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&self, record: &[u8]) -> Result<()> {
        self.transmit(record, Wait::Never)
    }

    /// [`send`](Connection::send) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within
    /// `timeout`.
    #[inline]
    pub fn send_timeout(&self, record: &[u8], timeout: Duration) -> Result<()> {
        self.transmit(record, Wait::For(timeout))
    }

    #[inline(always)]
    fn transmit(&self, bytes: &[u8], wait: Wait) -> Result<()> {
        let fd = self.fd.as_fd();
        match transfer::send(fd, wait, |flags| sendmsg::send(fd, bytes, flags)) {
            Ok(_) => Ok(()),
            Err(errno) => Err(record::unsent(fd, SEND, errno, bytes.len())),
        }
    }

    /// `recvmsg(2)`: waits for a record and returns its length; `Ok(None)` is end of stream, `Ok(Some(0))` an empty
    /// record.
    ///
    /// Descriptors that were sent with it are closed: receive them with [`Ancillary`](super::Ancillary).
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::ErrorKind::Truncated) if it was longer than the buffer, with its true length in the
    /// [limit](Error::limit); [`Disconnected`](crate::ErrorKind::Disconnected) if the peer closed without having
    /// received all that was sent to it.
    #[inline]
    #[doc(alias = "recvmsg")]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.receive(buffer, Wait::Forever)
    }

    /// [`recv`](Connection::recv) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.receive(buffer, Wait::Never)
    }

    /// [`recv`](Connection::recv) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none comes within
    /// `timeout`.
    #[inline]
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<Option<usize>> {
        self.receive(buffer, Wait::For(timeout))
    }

    #[inline(always)]
    fn receive(&self, buffer: &mut [u8], wait: Wait) -> Result<Option<usize>> {
        let fd = self.fd.as_fd();
        let arrival = transfer::receive(fd, wait, |flags| sendmsg::recv_record(fd, buffer, flags | TRUNC))
            .map_err(|e| Error::from_recv_errno(RECV, e))?;
        if is_end(arrival) {
            return self.receive_at_end(buffer);
        }
        record::whole(RECV, buffer.len(), arrival.length).map(Some)
    }

    /// Looks again, since the kernel looks for a record first and for the end then: what the peer sent in between, before
    /// it closed, is there although the end was found. After the end nothing more is sent, so one more look is enough.
    #[cold]
    fn receive_at_end(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let arrival = retry(|| sendmsg::recv_record(self.fd.as_fd(), buffer, TRUNC | DONTWAIT))
            .map_err(|e| Error::from_recv_errno(RECV, e))?;
        if is_end(arrival) {
            return Ok(None);
        }
        record::whole(RECV, buffer.len(), arrival.length).map(Some)
    }

    /// `MSG_PEEK`, `MSG_TRUNC`: the length of the record that would be received next, to size a buffer by; `Ok(None)`
    /// at the end of the stream.
    ///
    /// Right only for the one thread that receives: another may take it first.
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) if there is none; it does not wait.
    #[doc(alias = "MSG_PEEK")]
    pub fn pending_length(&self) -> Result<Option<usize>> {
        peek(self.fd.as_fd()).map_err(|e| Error::from_recv_errno(RECV, e))
    }

    /// `shutdown(2)`: ends one direction, or both, for every copy of the descriptor in every process.
    ///
    /// After [`Shutdown::Write`] the peer receives what was sent and then end of stream, and can still answer.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        connection::shutdown(self.fd.as_fd(), how)
    }

    /// `getsockname(2)`: this end's address.
    #[doc(alias = "getsockname")]
    pub fn local_address(&self) -> Result<Address> {
        properties::local_address(self.fd.as_fd())
    }

    /// `getpeername(2)`: the other end's address; unnamed unless that end was bound.
    #[doc(alias = "getpeername")]
    pub fn peer_address(&self) -> Result<Address> {
        properties::peer_address(self.fd.as_fd())
    }

    /// `SO_PEERCRED`: who made the other end: the process that called `connect(2)`, `listen(2)` or `socketpair(2)`, as
    /// it was at that moment. Another process may use the socket now.
    #[doc(alias = "SO_PEERCRED")]
    pub fn peer_credentials(&self) -> Result<Credentials> {
        properties::peer_credentials(self.fd.as_fd())
    }

    /// `SO_PEERPIDFD`: a pidfd of the process that [`peer_credentials`](Self::peer_credentials) names, which cannot
    /// come to mean another one. It turns readable when that process ends.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) before Linux 6.5;
    /// [`Disconnected`](crate::ErrorKind::Disconnected) for a peer that was reaped, before Linux 6.16.
    #[doc(alias = "SO_PEERPIDFD")]
    pub fn peer_pidfd(&self) -> Result<OwnedFd> {
        properties::peer_pidfd(self.fd.as_fd())
    }

    /// `SO_SNDBUF`: how much may be on its way to the peer, with the kernel's bookkeeping, which often takes more than
    /// the data.
    #[doc(alias = "SO_SNDBUF")]
    pub fn send_buffer(&self) -> Result<usize> {
        properties::send_buffer(self.fd.as_fd())
    }

    /// `SO_SNDBUF`: asks for room for `bytes` and returns the room that the kernel gave: twice that, for its
    /// bookkeeping, but no more than twice `/proc/sys/net/core/wmem_max`.
    pub fn set_send_buffer(&self, bytes: usize) -> Result<usize> {
        properties::set_send_buffer(self.fd.as_fd(), bytes)
    }

    /// `O_NONBLOCK`, for event loops: the plain calls then fail like the `try_` ones, here and in every process that
    /// shares the descriptor; the `_timeout` ones still wait.
    #[doc(alias = "O_NONBLOCK")]
    pub fn set_nonblocking(&self, yes: bool) -> Result<()> {
        properties::set_nonblocking(self.fd.as_fd(), yes)
    }
}

/// The length of the next record; `None` at the end of the stream, which is certain when it is found twice.
pub(super) fn peek(fd: BorrowedFd<'_>) -> nix::Result<Option<usize>> {
    let look = || retry(|| sendmsg::recv_record(fd, &mut [], PEEK | TRUNC | DONTWAIT));
    let mut arrival = look()?;
    if is_end(arrival) {
        arrival = look()?;
    }
    Ok((!is_end(arrival)).then_some(arrival.length))
}

/// The credentials that come with every record find no room, which shows; the end of the stream brings none.
#[inline]
pub(super) fn is_end(arrival: ReceivedInfo) -> bool {
    arrival.length == 0 && !arrival.control_was_cut()
}

/// A socket that waits for connections which carry records.
///
/// As [`stream::Listener`](super::stream::Listener) in every respect but that.
#[derive(Debug)]
pub struct Listener {
    inner: Acceptor,
}

impl Listener {
    /// `bind(2)`, `listen(2)`: [`Options::listen_seqpacket`] with the defaults.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the path exists, be its socket live or dead: see
    /// [`Options::reclaim_stale`].
    #[doc(alias = "listen")]
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        Options::new().listen_seqpacket(address)
    }

    pub(super) fn of(inner: Acceptor) -> Self {
        Listener { inner }
    }

    /// `accept4(2)`: waits for a connection.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full; the connection then still
    /// waits.
    #[doc(alias = "accept4")]
    pub fn accept(&self) -> Result<Connection> {
        Ok(Connection { fd: self.inner.accept(Wait::Forever)? })
    }

    /// [`accept`](Listener::accept) that fails with [`Empty`](crate::ErrorKind::Empty) if no connection waits.
    pub fn try_accept(&self) -> Result<Connection> {
        Ok(Connection { fd: self.inner.accept(Wait::Never)? })
    }

    /// [`accept`](Listener::accept) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none comes within
    /// `timeout`.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Connection> {
        Ok(Connection { fd: self.inner.accept(Wait::For(timeout))? })
    }

    /// [`accept`](Listener::accept) again and again, without end.
    pub fn incoming(&self) -> impl Iterator<Item = Result<Connection>> + '_ {
        std::iter::repeat_with(|| self.accept())
    }

    /// `getsockname(2)`: where it listens.
    #[doc(alias = "getsockname")]
    pub fn local_address(&self) -> Result<Address> {
        properties::local_address(self.inner.as_fd())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Connection> for OwnedFd {
    fn from(connection: Connection) -> Self {
        connection.fd
    }
}

/// Sets `SO_PASSCRED`, which the type relies on. Whether it is a seqpacket socket shows at the first call.
impl From<OwnedFd> for Connection {
    fn from(fd: OwnedFd) -> Self {
        let _ = transfer::mark_records(fd.as_fd(), SockType::SeqPacket);
        Connection { fd }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// Makes it blocking, as descriptors usually are. The file stays, [`Options::remove_on_drop`] or not.
impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        listener.inner.into_fd()
    }
}

/// Makes the open file description non-blocking, and sets `SO_PASSCRED`, which accepted connections inherit. Whether
/// it is a listening seqpacket socket shows at the first call.
impl From<OwnedFd> for Listener {
    fn from(fd: OwnedFd) -> Self {
        let _ = transfer::mark_records(fd.as_fd(), SockType::SeqPacket);
        Listener { inner: Acceptor::adopt(fd) }
    }
}
