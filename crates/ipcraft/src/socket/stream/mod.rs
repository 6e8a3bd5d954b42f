//! Stream sockets: bytes, both ways, over a connection (unix(7), `SOCK_STREAM`).
//!
//! Use them as a two-way pipe, and for protocols with boundaries of their own. For messages use
//! [`seqpacket`](super::seqpacket), which keeps boundaries. [The module's page](super) describes
//! what all sockets share, with the table of errors.
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use ipcraft::socket::stream;
//!
//! let (mut left, right) = stream::pair()?;
//! writeln!(left, "first line")?;
//! left.shutdown(std::net::Shutdown::Write)?;
//! let lines: Vec<String> = BufReader::new(&right).lines().collect::<Result<_, _>>()?;
//! assert_eq!(lines, ["first line"]);
//! # Ok::<(), std::io::Error>(())
//! ```

mod listener;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::socket::SockType;

use super::core::{Core, impl_properties};
use super::transfer::{self, Wait};
use super::{Address, Credentials, create};
use crate::error::{Error, Result};
use crate::support::whole;
use crate::time::Deadline;

pub use listener::Listener;

const RECV: &str = "recv from stream socket";
const SEND: &str = "send to stream socket";

/// `socketpair(2)`: two connected streams.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
#[doc(alias = "socketpair")]
pub fn pair() -> Result<(Stream, Stream)> {
    let (left, right) = create::pair(SockType::Stream)?;
    Ok((Stream::of(left), Stream::of(right)))
}

/// One end of a two-way stream of bytes.
///
/// Calls take `&self`: one thread may read while another writes. If several threads write, the
/// bytes of their calls may interleave; the types that keep records prevent that.
#[derive(Debug)]
pub struct Stream {
    core: Core,
}

impl_properties!(Stream);

impl Stream {
    /// `connect(2)`: connects to a listener, blocking while its queue is full. Does not wait until
    /// the connection is accepted.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Refused`](crate::ErrorKind::Refused),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied),
    /// [`WrongType`](crate::ErrorKind::WrongType): see [the table](super#errors).
    pub fn connect(address: impl Into<Address>) -> Result<Self> {
        create::connect(SockType::Stream, &address.into(), Wait::Forever).map(Stream::of)
    }

    /// Like [`connect`](Stream::connect), but fails with [`Full`](crate::ErrorKind::Full) if the
    /// listener's queue is full.
    pub fn try_connect(address: impl Into<Address>) -> Result<Self> {
        create::connect(SockType::Stream, &address.into(), Wait::Never).map(Stream::of)
    }

    /// Like [`connect`](Stream::connect), but fails with [`TimedOut`](crate::ErrorKind::TimedOut)
    /// if the queue stays full for `timeout`.
    #[doc(alias = "SO_SNDTIMEO")]
    pub fn connect_timeout(address: impl Into<Address>, timeout: Duration) -> Result<Self> {
        create::connect(SockType::Stream, &address.into(), Wait::For(timeout)).map(Stream::of)
    }

    fn of(fd: OwnedFd) -> Self {
        Stream { core: Core::new(fd) }
    }

    fn clone_of(&self, core: Core) -> Self {
        Stream { core }
    }

    #[inline(always)]
    fn core(&self) -> &Core {
        &self.core
    }

    /// `recv(2)`: blocks until bytes arrive and returns their number, at most `buffer.len()`;
    /// `Ok(0)` is end of stream.
    ///
    /// Descriptors that were sent with the bytes are closed. [`Ancillary`](super::Ancillary)
    /// receives them.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the peer closed before it read
    /// everything sent to it.
    #[inline]
    #[doc(alias = "recv")]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.recv_waiting(buffer, Wait::Forever)
    }

    /// Like [`read`](Stream::read), but fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// blocking.
    #[inline]
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.recv_waiting(buffer, Wait::Never)
    }

    /// Like [`read`](Stream::read), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no
    /// bytes arrive within `timeout`.
    ///
    /// It makes one system call if data is available; otherwise `ppoll(2)` and another.
    #[inline]
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.recv_waiting(buffer, Wait::For(timeout))
    }

    /// `send(2)`: blocks until there is room and returns how many bytes were sent: all of them,
    /// unless a signal interrupted the call after a part.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected), without `SIGPIPE`, if the peer is closed
    /// or shut down its reading side.
    #[inline]
    #[doc(alias = "send")]
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.send_waiting(bytes, Wait::Forever)
    }

    /// Like [`write`](Stream::write), but sends only as many bytes as there is room for, and fails
    /// with [`Full`](crate::ErrorKind::Full) if there is none.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.send_waiting(bytes, Wait::Never)
    }

    /// Like [`try_write`](Stream::try_write), but blocks until there is room, and fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is none within `timeout`.
    #[inline]
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.send_waiting(bytes, Wait::For(timeout))
    }

    /// Fills the buffer, with as many calls of [`read`](Stream::read) as that takes.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](crate::ErrorKind::Disconnected) if the stream ends before the buffer is
    ///   full;
    /// * those of [`read`](Stream::read).
    ///
    /// [`Error::transferred`] returns how many bytes the buffer holds: 0 for an end between two
    /// messages.
    pub fn read_exact(&self, buffer: &mut [u8]) -> Result<()> {
        whole::read_exact(RECV, buffer, |rest| self.read(rest))
    }

    /// Like [`read_exact`](Stream::read_exact), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the buffer is not full within `timeout`.
    ///
    /// Bytes that are queued are still taken when the time is over, so a zero timeout never waits.
    pub fn read_exact_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        whole::read_exact(RECV, buffer, |rest| self.read_timeout(rest, deadline.timeout()))
    }

    /// Sends all bytes, with as many calls of [`write`](Stream::write) as that takes.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Stream::write). [`Error::transferred`] returns how many bytes were sent;
    /// the peer may have received fewer.
    pub fn write_all(&self, bytes: &[u8]) -> Result<()> {
        whole::write_all(SEND, bytes, |rest| self.write(rest))
    }

    /// Like [`write_all`](Stream::write_all), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if not all bytes were sent within `timeout`.
    ///
    /// A zero timeout sends what there is room for and never waits.
    pub fn write_all_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        whole::write_all(SEND, bytes, |rest| self.write_timeout(rest, deadline.timeout()))
    }

    #[inline(always)]
    fn recv_waiting(&self, buffer: &mut [u8], waiting: Wait) -> Result<usize> {
        transfer::recv_bytes(self.as_fd(), buffer, 0, waiting).map_err(|e| Error::from_recv_errno(RECV, e))
    }

    #[inline(always)]
    fn send_waiting(&self, bytes: &[u8], waiting: Wait) -> Result<usize> {
        transfer::send_bytes(self.as_fd(), bytes, waiting).map_err(|e| Error::from_send_errno(SEND, e))
    }

    /// `shutdown(2)`: ends one direction, or both, for every copy of the descriptor in every
    /// process.
    ///
    /// After [`Shutdown::Write`] the peer reads what was sent and then end of stream, and can still
    /// answer.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        self.core.shutdown(how)
    }

    /// `FIONREAD`: returns how many bytes can be read now. More may arrive, and another reader may
    /// take them.
    #[doc(alias = "FIONREAD")]
    pub fn available(&self) -> Result<usize> {
        self.core.available()
    }

    /// `SO_PASSCRED`: sets whether messages received from now on carry the credentials of their
    /// sender.
    ///
    /// An unnamed socket gets an abstract name when it next connects or sends (unix(7), autobind).
    #[doc(alias = "SO_PASSCRED")]
    pub fn set_receive_credentials(&self, yes: bool) -> Result<()> {
        self.core.set_receive_credentials(yes)
    }
}

impl Read for &Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(Stream::read(self, buffer)?)
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(Stream::read(self, buffer)?)
    }
}

impl Write for &Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Stream::write(self, bytes)?)
    }

    /// Does nothing: a socket buffers nothing in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Stream::write(self, bytes)?)
    }

    /// Does nothing: a socket buffers nothing in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.core.as_fd()
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> Self {
        stream.core.into_fd()
    }
}

/// Does not check the type of the socket: the first call fails if it is the wrong one.
impl From<OwnedFd> for Stream {
    fn from(fd: OwnedFd) -> Self {
        Stream::of(fd)
    }
}

impl From<Stream> for UnixStream {
    fn from(stream: Stream) -> Self {
        OwnedFd::from(stream).into()
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Stream::of(stream.into())
    }
}

impl From<Stream> for Stdio {
    fn from(stream: Stream) -> Self {
        OwnedFd::from(stream).into()
    }
}
