//! Datagram sockets: records to a named receiver, without a connection (unix(7), `SOCK_DGRAM`).
//!
//! Use them where many send to one and nobody waits for an answer. There is no connection, so there is no end of
//! stream, and a receiver does not learn that a sender died; where that matters take [`seqpacket`](super::seqpacket).
//! What holds for all sockets, and the table of errors, is on [the module's page](super).
//!
//! ```
//! use ipcraft::name;
//! use ipcraft::socket::{Address, datagram::Socket};
//!
//! let address = Address::abstract_name(name::unique("log"));
//! let receiver = Socket::bind(&address)?;
//! let sender = Socket::unbound()?;
//! sender.send_to(b"disk full", &address)?;
//!
//! let mut buffer = [0; 64];
//! let (length, from) = receiver.recv_from(&mut buffer)?;
//! assert_eq!(&buffer[..length], b"disk full");
//! assert!(from.is_unnamed());
//! # Ok::<(), ipcraft::Error>(())
//! ```

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::SockType;

use super::transfer::{self, Wait};
use super::{Address, Credentials, Options, connection, options, properties, record};
use crate::error::{Error, ErrorKind, Result};
use crate::support::unlink_guard::UnlinkGuard;
use crate::sys::retry;
use crate::sys::sendmsg::{self, DONTWAIT, PEEK, TRUNC};
use crate::sys::sockaddr::SocketAddress;
use crate::sys::socket as sys;

const RECV: &str = "recv from datagram socket";
pub(super) const SEND: &str = "send to datagram socket";
const SEND_TO: &str = "sendto";

/// `socketpair(2)`: two sockets that are connected to each other.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
#[doc(alias = "socketpair")]
pub fn pair() -> Result<(Socket, Socket)> {
    let (left, right) = connection::pair(SockType::Datagram)?;
    Ok((Socket::of(left, None, true), Socket::of(right, None, true)))
}

/// A socket that sends and receives datagrams.
///
/// Unix datagrams are reliable: none is lost, doubled or reordered; a sender that is too fast waits. A datagram may be
/// empty. There is no end of stream: a receiver whose senders have all gone waits for ever, so use the `_timeout`
/// forms or say goodbye.
#[derive(Debug)]
pub struct Socket {
    /// Dropped first, so that the path never leads to a socket that is gone.
    removal: Option<UnlinkGuard>,
    fd: OwnedFd,
    /// Whether it ever had a peer: the kernel forgets a peer that is gone when it first reports that.
    connected: AtomicBool,
}

impl Socket {
    /// `bind(2)`: [`Options::bind_datagram`] with the defaults: receives what is sent to the address.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the path exists, be its socket live or dead: see
    /// [`Options::reclaim_stale`].
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        Options::new().bind_datagram(address)
    }

    /// `socket(2)`: a socket without an address: it can send, but nobody can answer.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "socket")]
    pub fn unbound() -> Result<Self> {
        Ok(Socket::of(options::create(SockType::Datagram)?, None, false))
    }

    pub(super) fn of(fd: OwnedFd, removal: Option<UnlinkGuard>, connected: bool) -> Self {
        Socket { removal, fd, connected: AtomicBool::new(connected) }
    }

    /// `connect(2)`: makes the address the destination of [`send`](Socket::send), and its socket the only one that
    /// this one receives from. Never waits.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::ErrorKind::Refused), [`NotFound`](crate::ErrorKind::NotFound) if nobody receives there;
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) without write permission, or if that socket is
    /// connected to another.
    pub fn connect(&self, address: impl Into<Address>) -> Result<()> {
        let address = address.into();
        let raw = address.checked("connect")?;
        retry(|| sys::connect(self.fd.as_fd(), raw))
            .map_err(|e| address.blame(Error::from_errno("connect", e)))?;
        self.connected.store(true, Relaxed);
        Ok(())
    }

    /// `send(2)`: sends one datagram to the peer, and waits while the peer's queue is full.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the peer is gone;
    /// [`NotConnected`](crate::ErrorKind::NotConnected) if there never was one;
    /// [`TooLarge`](crate::ErrorKind::TooLarge) above the [send buffer](Socket::send_buffer).
    #[inline]
    pub fn send(&self, datagram: &[u8]) -> Result<()> {
        self.transmit(datagram, Wait::Forever)
    }

    /// [`send`](Socket::send) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&self, datagram: &[u8]) -> Result<()> {
        self.transmit(datagram, Wait::Never)
    }

    /// [`send`](Socket::send) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within
    /// `timeout`.
    #[inline]
    pub fn send_timeout(&self, datagram: &[u8], timeout: Duration) -> Result<()> {
        self.transmit(datagram, Wait::For(timeout))
    }

    #[inline(always)]
    fn transmit(&self, datagram: &[u8], wait: Wait) -> Result<()> {
        let fd = self.fd.as_fd();
        match transfer::send(fd, wait, |flags| sendmsg::send(fd, datagram, flags)) {
            Ok(_) => Ok(()),
            Err(errno) => Err(self.unsent(SEND, errno, datagram.len())),
        }
    }

    /// Why a datagram could not be sent to the peer.
    #[cold]
    pub(super) fn unsent(&self, operation: &'static str, errno: Errno, length: usize) -> Error {
        let error = record::unsent(self.fd.as_fd(), operation, errno, length);
        match errno {
            Errno::ECONNREFUSED => error.with_kind(ErrorKind::Disconnected),
            Errno::ENOTCONN if self.connected.load(Relaxed) => error.with_kind(ErrorKind::Disconnected),
            _ => error,
        }
    }

    /// `sendto(2)`: sends one datagram to the address, and waits while that socket's queue is full.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Refused`](crate::ErrorKind::Refused): nobody receives there;
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied): no write permission, or that socket is connected to
    /// another; [`TooLarge`](crate::ErrorKind::TooLarge): above the [send buffer](Socket::send_buffer).
    #[inline]
    #[doc(alias = "sendto")]
    pub fn send_to(&self, datagram: &[u8], address: &Address) -> Result<()> {
        let fd = self.fd.as_fd();
        let raw = address.checked(SEND_TO)?;
        self.sent_to(address, datagram, retry(|| sendmsg::send_to(fd, datagram, raw, 0)))
    }

    /// [`send_to`](Socket::send_to) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    pub fn try_send_to(&self, datagram: &[u8], address: &Address) -> Result<()> {
        let fd = self.fd.as_fd();
        let raw = address.checked(SEND_TO)?;
        self.sent_to(address, datagram, retry(|| sendmsg::send_to(fd, datagram, raw, DONTWAIT)))
    }

    /// [`send_to`](Socket::send_to) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room
    /// within `timeout`.
    ///
    /// One system call if there is room. To wait for it, a second socket is connected to the address: poll(2) does not
    /// tell for a destination that the socket is not connected to.
    pub fn send_to_timeout(&self, datagram: &[u8], address: &Address, timeout: Duration) -> Result<()> {
        let fd = self.fd.as_fd();
        let raw = address.checked(SEND_TO)?;
        let attempt = || retry(|| sendmsg::send_to(fd, datagram, raw, DONTWAIT));
        self.sent_to(address, datagram, transfer::send_to_until(fd, raw, timeout, attempt))
    }

    #[inline]
    fn sent_to(&self, address: &Address, datagram: &[u8], result: nix::Result<usize>) -> Result<()> {
        match result {
            Ok(_) => Ok(()),
            Err(errno) => Err(address.blame(record::unsent(self.fd.as_fd(), SEND_TO, errno, datagram.len()))),
        }
    }

    /// `recv(2)`: waits for a datagram and returns its length, which may be 0.
    ///
    /// Descriptors that were sent with it are closed: receive them with [`Ancillary`](super::Ancillary).
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::ErrorKind::Truncated) if it was longer than the buffer, with its true length in the
    /// [limit](Error::limit).
    #[inline]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.receive(buffer, Wait::Forever)
    }

    /// [`recv`](Socket::recv) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.receive(buffer, Wait::Never)
    }

    /// [`recv`](Socket::recv) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.receive(buffer, Wait::For(timeout))
    }

    #[inline(always)]
    fn receive(&self, buffer: &mut [u8], wait: Wait) -> Result<usize> {
        let fd = self.fd.as_fd();
        let length = transfer::receive(fd, wait, |flags| sendmsg::recv(fd, buffer, flags | TRUNC))
            .map_err(|e| Error::from_recv_errno(RECV, e))?;
        record::whole(RECV, buffer.len(), length)
    }

    /// `recvfrom(2)`: [`recv`](Socket::recv) that also says where the datagram came from: unnamed, if the sender is
    /// not bound.
    #[inline]
    #[doc(alias = "recvfrom")]
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, Address)> {
        self.receive_from(buffer, Wait::Forever)
    }

    /// [`recv_from`](Socket::recv_from) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> Result<(usize, Address)> {
        self.receive_from(buffer, Wait::Never)
    }

    /// [`recv_from`](Socket::recv_from) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none comes within
    /// `timeout`.
    #[inline]
    pub fn recv_from_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<(usize, Address)> {
        self.receive_from(buffer, Wait::For(timeout))
    }

    #[inline(always)]
    fn receive_from(&self, buffer: &mut [u8], wait: Wait) -> Result<(usize, Address)> {
        let fd = self.fd.as_fd();
        let mut sender = SocketAddress::unnamed();
        let length =
            transfer::receive(fd, wait, |flags| sendmsg::recv_from(fd, buffer, &mut sender, flags | TRUNC))
                .map_err(|e| Error::from_recv_errno(RECV, e))?;
        Ok((record::whole(RECV, buffer.len(), length)?, Address::of(sender)))
    }

    /// `MSG_PEEK`, `MSG_TRUNC`: the length of the datagram that would be received next, to size a buffer by.
    ///
    /// Right only for the one thread that receives: another may take it first.
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) if there is none; it does not wait.
    #[doc(alias = "MSG_PEEK")]
    pub fn pending_length(&self) -> Result<usize> {
        let fd = self.fd.as_fd();
        retry(|| sendmsg::recv(fd, &mut [], PEEK | TRUNC | DONTWAIT))
            .map_err(|e| Error::from_recv_errno(RECV, e))
    }

    /// `SO_PASSCRED`: whether datagrams that are received from now on say who sent them; see
    /// [`Incoming::credentials`](super::Incoming::credentials).
    ///
    /// An unnamed socket gets an abstract name when it next sends (unix(7), autobind).
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

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The file stays, [`Options::remove_on_drop`] or not.
impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        if let Some(removal) = socket.removal {
            removal.disarm();
        }
        socket.fd
    }
}

/// Takes the descriptor as it is: whether it is a datagram socket shows at the first call.
impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Self {
        let connected = sys::peer_address(fd.as_fd()).is_ok();
        Socket::of(fd, None, connected)
    }
}

impl From<Socket> for UnixDatagram {
    fn from(socket: Socket) -> Self {
        OwnedFd::from(socket).into()
    }
}

impl From<UnixDatagram> for Socket {
    fn from(socket: UnixDatagram) -> Self {
        OwnedFd::from(socket).into()
    }
}
