//! Stream sockets: bytes, both ways, over a connection (unix(7), `SOCK_STREAM`).
//!
//! Use them as a pipe that goes both ways, and for protocols that have boundaries of their own. For messages take
//! [`seqpacket`](super::seqpacket), which keeps theirs. What holds for all sockets, and the table of errors, is on
//! [the module's page](super).
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

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::socket::SockType;

use super::listener::Acceptor;
use super::transfer::{self, Wait};
use super::{Address, Credentials, Options, connection, properties};
use crate::error::{Error, Result};
use crate::sys::{ioctl, sendmsg};

const RECV: &str = "recv from stream socket";
const SEND: &str = "send to stream socket";

/// `socketpair(2)`: two connected streams.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
#[doc(alias = "socketpair")]
pub fn pair() -> Result<(Stream, Stream)> {
    let (left, right) = connection::pair(SockType::Stream)?;
    Ok((Stream { fd: left }, Stream { fd: right }))
}

/// One end of a two-way stream of bytes.
///
/// Calls take `&self`: one thread may read while another writes. If several write, each call's bytes may be mixed with
/// the others'; use one of the types that keep records instead.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
}

impl Stream {
    /// `connect(2)`: waits while the listener's queue is full, but not until the connection is accepted.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Refused`](crate::ErrorKind::Refused),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`WrongType`](crate::ErrorKind::WrongType): see
    /// [the table](super#errors).
    pub fn connect(address: impl Into<Address>) -> Result<Self> {
        Ok(Stream { fd: connection::connect(SockType::Stream, &address.into(), Wait::Forever)? })
    }

    /// [`connect`](Stream::connect) that fails with [`Full`](crate::ErrorKind::Full) if the listener's queue is full.
    pub fn try_connect(address: impl Into<Address>) -> Result<Self> {
        Ok(Stream { fd: connection::connect(SockType::Stream, &address.into(), Wait::Never)? })
    }

    /// [`connect`](Stream::connect) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the queue stays full
    /// for `timeout`.
    #[doc(alias = "SO_SNDTIMEO")]
    pub fn connect_timeout(address: impl Into<Address>, timeout: Duration) -> Result<Self> {
        Ok(Stream { fd: connection::connect(SockType::Stream, &address.into(), Wait::For(timeout))? })
    }

    /// `recv(2)`: waits for bytes and returns how many came, at most `buffer.len()`; `Ok(0)` is end of stream.
    ///
    /// Descriptors that were sent with the bytes are closed: receive them with [`Ancillary`](super::Ancillary).
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the peer closed without having read all that was sent to it.
    #[inline]
    #[doc(alias = "recv")]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.receive(buffer, Wait::Forever)
    }

    /// [`read`](Stream::read) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.receive(buffer, Wait::Never)
    }

    /// [`read`](Stream::read) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if nothing comes within
    /// `timeout`.
    ///
    /// One system call if data is there; `ppoll(2)` and another if not.
    #[inline]
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.receive(buffer, Wait::For(timeout))
    }

    /// `send(2)`: waits for room and returns how many bytes were taken: all of them, unless a signal came after a part.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the peer is closed or reads no more (and no `SIGPIPE`).
    #[inline]
    #[doc(alias = "send")]
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.send(bytes, Wait::Forever)
    }

    /// [`write`](Stream::write) that takes as many bytes as there is room for, and fails with
    /// [`Full`](crate::ErrorKind::Full) if there is none.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.send(bytes, Wait::Never)
    }

    /// [`try_write`](Stream::try_write) that waits for room, and fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// there is none within `timeout`.
    #[inline]
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.send(bytes, Wait::For(timeout))
    }

    // Always: each of the three forms is then its own short path.
    #[inline(always)]
    fn receive(&self, buffer: &mut [u8], wait: Wait) -> Result<usize> {
        let fd = self.fd.as_fd();
        transfer::receive(fd, wait, |flags| sendmsg::recv(fd, buffer, flags))
            .map_err(|e| Error::from_recv_errno(RECV, e))
    }

    // Always: each of the three forms is then its own short path.
    #[inline(always)]
    fn send(&self, bytes: &[u8], wait: Wait) -> Result<usize> {
        let fd = self.fd.as_fd();
        transfer::send(fd, wait, |flags| sendmsg::send(fd, bytes, flags))
            .map_err(|e| Error::from_send_errno(SEND, e))
    }

    /// `shutdown(2)`: ends one direction, or both, for every copy of the descriptor in every process.
    ///
    /// After [`Shutdown::Write`] the peer reads what was sent and then end of stream, and can still answer.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        connection::shutdown(self.fd.as_fd(), how)
    }

    /// `FIONREAD`: how many bytes wait to be read. Stale as soon as it is returned: more may come, another reader may
    /// take.
    #[doc(alias = "FIONREAD")]
    pub fn available(&self) -> Result<usize> {
        ioctl::bytes_readable(self.fd.as_fd()).map_err(|e| Error::from_errno("ioctl(FIONREAD)", e))
    }

    /// `SO_PASSCRED`: whether messages that are received from now on say who sent them.
    ///
    /// An unnamed socket gets an abstract name when it next connects or sends (unix(7), autobind).
    #[doc(alias = "SO_PASSCRED")]
    pub fn set_receive_credentials(&self, yes: bool) -> Result<()> {
        properties::set_receive_credentials(self.fd.as_fd(), yes)
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

/// A socket that waits for connections which carry bytes.
///
/// Dropping it closes it, and lets the file stay unless [`Options::remove_on_drop`] was set. Connections that were not
/// accepted are then reset. Its open file description is non-blocking inside, so that no form of accepting can be made
/// to wait by another process that was faster.
#[derive(Debug)]
pub struct Listener {
    inner: Acceptor,
}

impl Listener {
    /// `bind(2)`, `listen(2)`: [`Options::listen_stream`] with the defaults.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the path exists, be its socket live or dead: see
    /// [`Options::reclaim_stale`].
    #[doc(alias = "listen")]
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        Options::new().listen_stream(address)
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
    pub fn accept(&self) -> Result<Stream> {
        Ok(Stream { fd: self.inner.accept(Wait::Forever)? })
    }

    /// [`accept`](Listener::accept) that fails with [`Empty`](crate::ErrorKind::Empty) if no connection waits.
    pub fn try_accept(&self) -> Result<Stream> {
        Ok(Stream { fd: self.inner.accept(Wait::Never)? })
    }

    /// [`accept`](Listener::accept) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none comes within
    /// `timeout`.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Stream> {
        Ok(Stream { fd: self.inner.accept(Wait::For(timeout))? })
    }

    /// [`accept`](Listener::accept) again and again, without end.
    pub fn incoming(&self) -> impl Iterator<Item = Result<Stream>> + '_ {
        std::iter::repeat_with(|| self.accept())
    }

    /// `getsockname(2)`: where it listens.
    #[doc(alias = "getsockname")]
    pub fn local_address(&self) -> Result<Address> {
        properties::local_address(self.inner.as_fd())
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

    /// Does nothing: a socket holds nothing back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Stream::write(self, bytes)?)
    }

    /// Does nothing: a socket holds nothing back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> Self {
        stream.fd
    }
}

/// Takes the descriptor as it is: whether it is a stream socket shows at the first call.
impl From<OwnedFd> for Stream {
    fn from(fd: OwnedFd) -> Self {
        Stream { fd }
    }
}

impl From<Stream> for UnixStream {
    fn from(stream: Stream) -> Self {
        stream.fd.into()
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Stream { fd: stream.into() }
    }
}

impl From<Stream> for Stdio {
    fn from(stream: Stream) -> Self {
        stream.fd.into()
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

/// Makes the open file description non-blocking. Whether it is a listening stream socket shows at the first call.
impl From<OwnedFd> for Listener {
    fn from(fd: OwnedFd) -> Self {
        Listener { inner: Acceptor::adopt(fd) }
    }
}

impl From<Listener> for UnixListener {
    fn from(listener: Listener) -> Self {
        OwnedFd::from(listener).into()
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        OwnedFd::from(listener).into()
    }
}
