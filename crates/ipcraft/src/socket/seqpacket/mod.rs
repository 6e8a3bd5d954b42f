//! Seqpacket sockets: records, both ways, over a connection (unix(7), `SOCK_SEQPACKET`).
//!
//! Use them for messages between two processes. They keep boundaries as datagrams do, and have an
//! end and back-pressure as streams do. [The module's page](super) describes what all sockets
//! share, with the table of errors.
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

mod listener;

use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::SockType;

use super::adopt;
use super::core::{Core, impl_properties};
use super::transfer::{self, Wait};
use super::{Address, Credentials, create, record};
use crate::error::{Error, Result};
use crate::sys::retry;
use crate::sys::sendmsg::{self, DONTWAIT, PEEK, ReceivedInfo, TRUNC};

pub use listener::Listener;

const RECV: &str = "recv from seqpacket socket";
const SEND: &str = "send to seqpacket socket";

/// `socketpair(2)`: two connected ends.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
#[doc(alias = "socketpair")]
pub fn pair() -> Result<(Connection, Connection)> {
    let (left, right) = create::pair(SockType::SeqPacket)?;
    Ok((Connection::of(left), Connection::of(right)))
}

/// One end of a connection that carries records in order, each whole or not at all.
///
/// A record may be empty, and is distinguished from the end of the stream. The kernel's `recv`
/// returns 0 for both, so this type receives with `SO_PASSCRED`: every record then carries
/// credentials, and the end does not. The side effect is unix(7)'s *autobind*: an unnamed end gets
/// an abstract name when it connects or first sends.
#[derive(Debug)]
pub struct Connection {
    core: Core,
}

impl_properties!(Connection);

impl Connection {
    /// `connect(2)`: connects to a listener, blocking while its queue is full. Does not wait until
    /// the connection is accepted.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Refused`](crate::ErrorKind::Refused),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied),
    /// [`WrongType`](crate::ErrorKind::WrongType): see [the table](super#errors).
    pub fn connect(address: impl Into<Address>) -> Result<Self> {
        create::connect(SockType::SeqPacket, &address.into(), Wait::Forever).map(Connection::of)
    }

    /// Like [`connect`](Connection::connect), but fails with [`Full`](crate::ErrorKind::Full) if
    /// the listener's queue is full.
    pub fn try_connect(address: impl Into<Address>) -> Result<Self> {
        create::connect(SockType::SeqPacket, &address.into(), Wait::Never).map(Connection::of)
    }

    /// Like [`connect`](Connection::connect), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the queue stays full for `timeout`.
    #[doc(alias = "SO_SNDTIMEO")]
    pub fn connect_timeout(address: impl Into<Address>, timeout: Duration) -> Result<Self> {
        create::connect(SockType::SeqPacket, &address.into(), Wait::For(timeout)).map(Connection::of)
    }

    fn of(fd: OwnedFd) -> Self {
        Connection { core: Core::new(fd) }
    }

    fn clone_of(&self, core: Core) -> Self {
        Connection { core }
    }

    #[inline(always)]
    fn core(&self) -> &Core {
        &self.core
    }

    /// `send(2)`: sends one record, which may be empty, blocking until there is room.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected), without `SIGPIPE`, if the peer is closed
    /// or shut down its receiving side; [`TooLarge`](crate::ErrorKind::TooLarge) above the [send
    /// buffer](Connection::send_buffer).
    #[inline]
    pub fn send(&self, record: &[u8]) -> Result<()> {
        self.send_waiting(record, Wait::Forever)
    }

    /// Like [`send`](Connection::send), but fails with [`Full`](crate::ErrorKind::Full) instead of
    /// blocking.
    #[inline]
    pub fn try_send(&self, record: &[u8]) -> Result<()> {
        self.send_waiting(record, Wait::Never)
    }

    /// Like [`send`](Connection::send), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&self, record: &[u8], timeout: Duration) -> Result<()> {
        self.send_waiting(record, Wait::For(timeout))
    }

    #[inline(always)]
    fn send_waiting(&self, record: &[u8], waiting: Wait) -> Result<()> {
        let fd = self.as_fd();
        match transfer::send_bytes(fd, record, waiting) {
            Ok(_) => Ok(()),
            Err(errno) => Err(record::send_error(fd, SEND, errno, record.len())),
        }
    }

    /// `recvmsg(2)`: blocks until a record arrives and returns its length; `Ok(None)` is end of
    /// stream, `Ok(Some(0))` an empty record.
    ///
    /// Descriptors that were sent with it are closed. [`Ancillary`](super::Ancillary) receives
    /// them.
    ///
    /// # Errors
    ///
    /// * [`Truncated`](crate::ErrorKind::Truncated) if it was longer than the buffer, with its true
    ///   length in the [limit](Error::limit);
    /// * [`Disconnected`](crate::ErrorKind::Disconnected) if the peer closed before it received
    ///   everything sent to it.
    #[inline]
    #[doc(alias = "recvmsg")]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.recv_waiting(buffer, Wait::Forever)
    }

    /// Like [`recv`](Connection::recv), but fails with [`Empty`](crate::ErrorKind::Empty) instead
    /// of blocking.
    #[inline]
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.recv_waiting(buffer, Wait::Never)
    }

    /// Like [`recv`](Connection::recv), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// none arrives within `timeout`.
    #[inline]
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<Option<usize>> {
        self.recv_waiting(buffer, Wait::For(timeout))
    }

    #[inline(always)]
    fn recv_waiting(&self, buffer: &mut [u8], waiting: Wait) -> Result<Option<usize>> {
        let fd = self.as_fd();
        let call = |flags| sendmsg::recv_record(fd, buffer, flags | TRUNC);
        let info = transfer::receive(fd, waiting, call).map_err(|e| Error::from_recv_errno(RECV, e))?;
        if is_end(info) {
            return self.recv_at_end(buffer);
        }
        record::check_whole(RECV, buffer.len(), info.length).map(Some)
    }

    /// Receives once more. The kernel checks for a record before it checks for the end, so a record
    /// that was sent in between is still queued. After the end none can be sent, so once is enough.
    #[cold]
    fn recv_at_end(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let info = retry(|| sendmsg::recv_record(self.as_fd(), buffer, TRUNC | DONTWAIT))
            .map_err(|e| Error::from_recv_errno(RECV, e))?;
        if is_end(info) {
            return Ok(None);
        }
        record::check_whole(RECV, buffer.len(), info.length).map(Some)
    }

    /// `MSG_PEEK`, `MSG_TRUNC`: returns the length of the next record, to size a buffer; `Ok(None)`
    /// at the end of the stream.
    ///
    /// It is reliable only if a single thread receives: another may take the record first.
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) if there is none: it does not block.
    #[doc(alias = "MSG_PEEK")]
    pub fn pending_length(&self) -> Result<Option<usize>> {
        peek(self.as_fd()).map_err(|e| Error::from_recv_errno(RECV, e))
    }

    /// `shutdown(2)`: ends one direction, or both, for every copy of the descriptor in every
    /// process.
    ///
    /// After [`Shutdown::Write`] the peer receives what was sent and then end of stream, and can
    /// still answer.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        self.core.shutdown(how)
    }
}

/// The length of the next record; `None` at the end of the stream, which is certain once found
/// twice.
fn peek(fd: BorrowedFd<'_>) -> nix::Result<Option<usize>> {
    let peek = || retry(|| sendmsg::recv_record(fd, &mut [], PEEK | TRUNC | DONTWAIT));
    let mut info = peek()?;
    if is_end(info) {
        info = peek()?;
    }
    Ok((!is_end(info)).then_some(info.length))
}

/// Whether nothing was received. A record, even an empty one, has credentials, for which the call
/// has no room, and the kernel reports that.
#[inline]
pub(super) fn is_end(info: ReceivedInfo) -> bool {
    info.length == 0 && !info.control_was_cut()
}

impl AsFd for Connection {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.core.as_fd()
    }
}

impl From<Connection> for OwnedFd {
    fn from(connection: Connection) -> Self {
        connection.core.into_fd()
    }
}

/// Checks that it is a seqpacket socket, and sets `SO_PASSCRED`, which the type relies on.
///
/// The option stays set, for every process that shares the socket: a receiver with room for
/// ancillary data then gets credentials.
///
/// Fails with [`WrongType`](crate::ErrorKind::WrongType), and closes the descriptor, if it is not.
impl TryFrom<OwnedFd> for Connection {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        adopt::check_type(&fd, SockType::SeqPacket)?;
        adopt::enable_end_detection(&fd)?;
        Ok(Connection::of(fd))
    }
}
