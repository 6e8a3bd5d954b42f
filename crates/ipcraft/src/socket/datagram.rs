//! Datagram sockets: records to an address, without a connection (unix(7), `SOCK_DGRAM`).
//!
//! Use them if many processes send to one and none waits for an answer. Without a connection there
//! is no end of stream, and a receiver is not notified of a sender's death. If it must be, use
//! [`seqpacket`](super::seqpacket). [The module's page](super) describes what all sockets share,
//! with the table of errors.
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

use super::bind::BindConfig;
use super::core::{Bound, Core, impl_properties};
use super::transfer::{self, Wait};
use super::{Address, Credentials, create, record};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::sendmsg::{self, DONTWAIT, PEEK, TRUNC};
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{retry, socket as sys};

const RECV: &str = "recv from datagram socket";
const SEND: &str = "send to datagram socket";
const SEND_TO: &str = "sendto";

/// `socketpair(2)`: two sockets that are connected to each other.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
#[doc(alias = "socketpair")]
pub fn pair() -> Result<(Socket, Socket)> {
    let (left, right) = create::pair(SockType::Datagram)?;
    Ok((Socket::of(left, true), Socket::of(right, true)))
}

/// A socket that sends and receives datagrams.
///
/// Unix datagrams are reliable: none is lost, duplicated or reordered, and a sender blocks while
/// the receiver's queue is full. A datagram may be empty. There is no end of stream: a receiver
/// whose senders are all gone blocks forever. Use the `_timeout` forms, or send a final message.
#[derive(Debug)]
pub struct Socket {
    socket: Bound,
    /// Whether it ever had a peer. The kernel forgets a closed peer when it first reports that.
    connected: AtomicBool,
}

impl_properties!(Socket);

impl Socket {
    /// `bind(2)`: creates a socket that receives datagrams at the address; see
    /// [`Options::bind_datagram`](super::Options::bind_datagram).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the path exists, whether its socket is live or closed:
    /// see [`Options::reclaim_stale`](super::Options::reclaim_stale).
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        BindConfig::DEFAULT.bind(SockType::Datagram, &address.into()).map(Socket::of_bound)
    }

    /// `socket(2)`: creates a socket without an address. It can send, but cannot receive answers.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "socket")]
    pub fn unbound() -> Result<Self> {
        Ok(Socket::of(create::create(SockType::Datagram)?, false))
    }

    fn of(fd: OwnedFd, connected: bool) -> Self {
        Socket { socket: Bound::new(fd, None), connected: AtomicBool::new(connected) }
    }

    fn clone_of(&self, core: Core) -> Self {
        Socket { socket: Bound::of(core), connected: AtomicBool::new(self.connected.load(Relaxed)) }
    }

    pub(super) fn of_bound(socket: Bound) -> Self {
        Socket { socket, connected: AtomicBool::new(false) }
    }

    #[inline(always)]
    fn core(&self) -> &Core {
        self.socket.core()
    }

    /// `connect(2)`: sets the destination of [`send`](Socket::send), which becomes the only socket
    /// that this one receives from. Never blocks.
    ///
    /// # Errors
    ///
    /// * [`Refused`](crate::ErrorKind::Refused), [`NotFound`](crate::ErrorKind::NotFound) if no
    ///   socket receives there;
    /// * [`PermissionDenied`](crate::ErrorKind::PermissionDenied) without write permission, or if
    ///   that socket is connected to another.
    pub fn connect(&self, address: impl Into<Address>) -> Result<()> {
        let address = address.into();
        address
            .find(create::CONNECT, |target| retry(|| sys::connect(self.as_fd(), target)))?
            .map_err(|e| address.name_in(create::connect_error(e)))?;
        self.connected.store(true, Relaxed);
        Ok(())
    }

    /// `send(2)`: sends one datagram to the peer, blocking while the peer's queue is full.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](crate::ErrorKind::Disconnected) if the peer is closed;
    /// * [`NotConnected`](crate::ErrorKind::NotConnected) if there never was a peer;
    /// * [`TooLarge`](crate::ErrorKind::TooLarge) above the [send buffer](Socket::send_buffer).
    #[inline]
    pub fn send(&self, datagram: &[u8]) -> Result<()> {
        self.send_waiting(datagram, Wait::Forever)
    }

    /// Like [`send`](Socket::send), but fails with [`Full`](crate::ErrorKind::Full) instead of
    /// blocking.
    #[inline]
    pub fn try_send(&self, datagram: &[u8]) -> Result<()> {
        self.send_waiting(datagram, Wait::Never)
    }

    /// Like [`send`](Socket::send), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&self, datagram: &[u8], timeout: Duration) -> Result<()> {
        self.send_waiting(datagram, Wait::For(timeout))
    }

    #[inline(always)]
    fn send_waiting(&self, datagram: &[u8], waiting: Wait) -> Result<()> {
        match transfer::send_bytes(self.as_fd(), datagram, waiting) {
            Ok(_) => Ok(()),
            Err(errno) => Err(self.send_error(SEND, errno, datagram.len())),
        }
    }

    /// The error of a failure to send to the peer.
    #[cold]
    pub(super) fn send_error(&self, operation: &'static str, errno: Errno, length: usize) -> Error {
        let error = record::send_error(self.as_fd(), operation, errno, length);
        match errno {
            Errno::ECONNREFUSED => error.with_kind(ErrorKind::Disconnected),
            Errno::ENOTCONN if self.connected.load(Relaxed) => error.with_kind(ErrorKind::Disconnected),
            _ => error,
        }
    }

    /// `sendto(2)`: sends one datagram to the address, blocking while that socket's queue is full.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound), [`Refused`](crate::ErrorKind::Refused) if no
    ///   socket receives there;
    /// * [`PermissionDenied`](crate::ErrorKind::PermissionDenied) without write permission, or if
    ///   that socket is connected to another;
    /// * [`TooLarge`](crate::ErrorKind::TooLarge) above the [send buffer](Socket::send_buffer).
    #[inline]
    #[doc(alias = "sendto")]
    pub fn send_to(&self, datagram: &[u8], address: &Address) -> Result<()> {
        let send = |target: &_| retry(|| sendmsg::send_to(self.as_fd(), datagram, target, 0));
        self.sent_to(address, datagram, address.find(SEND_TO, send)?)
    }

    /// Like [`send_to`](Socket::send_to), but fails with [`Full`](crate::ErrorKind::Full) instead
    /// of blocking.
    pub fn try_send_to(&self, datagram: &[u8], address: &Address) -> Result<()> {
        let send = |target: &_| retry(|| sendmsg::send_to(self.as_fd(), datagram, target, DONTWAIT));
        self.sent_to(address, datagram, address.find(SEND_TO, send)?)
    }

    /// Like [`send_to`](Socket::send_to), but fails with [`TimedOut`](crate::ErrorKind::TimedOut)
    /// if there is no room within `timeout`.
    ///
    /// It makes one system call if there is room. To wait, it connects a second socket to the
    /// address, since poll(2) does not report the room of a destination that the socket is not
    /// connected to.
    pub fn send_to_timeout(&self, datagram: &[u8], address: &Address, timeout: Duration) -> Result<()> {
        let fd = self.as_fd();
        let send = |target: &_| {
            let attempt = || retry(|| sendmsg::send_to(fd, datagram, target, DONTWAIT));
            transfer::send_to_until(fd, target, timeout, attempt)
        };
        self.sent_to(address, datagram, address.find(SEND_TO, send)?)
    }

    #[inline]
    fn sent_to(&self, address: &Address, datagram: &[u8], result: nix::Result<usize>) -> Result<()> {
        match result {
            Ok(_) => Ok(()),
            Err(errno) => {
                Err(address.name_in(record::send_error(self.as_fd(), SEND_TO, errno, datagram.len())))
            }
        }
    }

    /// `recv(2)`: blocks until a datagram arrives and returns its length, which may be 0.
    ///
    /// Descriptors that were sent with it are closed. [`Ancillary`](super::Ancillary) receives
    /// them.
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::ErrorKind::Truncated) if it was longer than the buffer, with its true
    /// length in the [limit](Error::limit).
    #[inline]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.recv_waiting(buffer, Wait::Forever)
    }

    /// Like [`recv`](Socket::recv), but fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// blocking.
    #[inline]
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.recv_waiting(buffer, Wait::Never)
    }

    /// Like [`recv`](Socket::recv), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none
    /// arrives within `timeout`.
    #[inline]
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.recv_waiting(buffer, Wait::For(timeout))
    }

    #[inline(always)]
    fn recv_waiting(&self, buffer: &mut [u8], waiting: Wait) -> Result<usize> {
        let length = transfer::recv_bytes(self.as_fd(), buffer, TRUNC, waiting)
            .map_err(|e| Error::from_recv_errno(RECV, e))?;
        record::check_whole(RECV, buffer.len(), length)
    }

    /// `recvfrom(2)`: like [`recv`](Socket::recv), and also returns the address of the sender,
    /// which is unnamed if the sender is not bound.
    ///
    /// The error of a truncated datagram does not have the address.
    /// [`recv_message`](super::Ancillary::recv_message) keeps it.
    #[inline]
    #[doc(alias = "recvfrom")]
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, Address)> {
        self.recv_from_waiting(buffer, Wait::Forever)
    }

    /// Like [`recv_from`](Socket::recv_from), but fails with [`Empty`](crate::ErrorKind::Empty)
    /// instead of blocking.
    #[inline]
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> Result<(usize, Address)> {
        self.recv_from_waiting(buffer, Wait::Never)
    }

    /// Like [`recv_from`](Socket::recv_from), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if none arrives within `timeout`.
    #[inline]
    pub fn recv_from_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<(usize, Address)> {
        self.recv_from_waiting(buffer, Wait::For(timeout))
    }

    #[inline(always)]
    fn recv_from_waiting(&self, buffer: &mut [u8], waiting: Wait) -> Result<(usize, Address)> {
        let fd = self.as_fd();
        let mut sender = SocketAddress::unnamed();
        let call = |flags| sendmsg::recv_from(fd, buffer, &mut sender, flags | TRUNC);
        let length = transfer::receive(fd, waiting, call).map_err(|e| Error::from_recv_errno(RECV, e))?;
        Ok((record::check_whole(RECV, buffer.len(), length)?, Address::of(sender)))
    }

    /// `MSG_PEEK`, `MSG_TRUNC`: returns the length of the next datagram, to size a buffer.
    ///
    /// It is reliable only if a single thread receives: another may take the datagram first.
    ///
    /// # Errors
    ///
    /// [`Empty`](crate::ErrorKind::Empty) if there is none: it does not block.
    #[doc(alias = "MSG_PEEK")]
    pub fn pending_length(&self) -> Result<usize> {
        let fd = self.as_fd();
        retry(|| sendmsg::recv(fd, &mut [], PEEK | TRUNC | DONTWAIT))
            .map_err(|e| Error::from_recv_errno(RECV, e))
    }

    /// `SO_PASSCRED`: sets whether datagrams received from now on carry the credentials of their
    /// sender; see [`Incoming::credentials`](super::Incoming::credentials).
    ///
    /// An unnamed socket gets an abstract name when it next sends (unix(7), autobind).
    #[doc(alias = "SO_PASSCRED")]
    pub fn set_receive_credentials(&self, yes: bool) -> Result<()> {
        self.core().set_receive_credentials(yes)
    }
}

impl AsFd for Socket {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.core().as_fd()
    }
}

/// The file stays, with [`Options::remove_on_drop`](super::Options::remove_on_drop) too.
impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.socket.into_fd()
    }
}

/// Does not check the type of the socket: the first call fails if it is the wrong one.
impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Self {
        let connected = sys::peer_address(fd.as_fd()).is_ok();
        Socket::of(fd, connected)
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
