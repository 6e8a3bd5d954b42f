//! Messages with descriptors and credentials, for every type of socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::SockType;

use super::incoming::{RECVMSG, unwanted};
use super::outgoing::SENDMSG;
use super::sealed::Sealed;
use super::transfer::{self, Wait};
use super::{Address, Incoming, Outgoing, datagram, properties, record, seqpacket, stream};
use crate::error::{Error, Result};
use crate::sys::cmsg::{self, Contents};
use crate::sys::retry;
use crate::sys::sendmsg::{DONTWAIT, ReceivedInfo, TRUNC};
use crate::sys::sockaddr::SocketAddress;

/// Descriptors, credentials and pidfds beside the bytes: what [`stream::Stream`], [`datagram::Socket`] and
/// [`seqpacket::Connection`] all can.
///
/// A descriptor that is sent is copied at once: the sender may close its own, and the copy lives in the message until
/// it is received, or closed with the socket. The receiver's is another number for the same open file description, so
/// both share position and status flags.
///
/// * **On a stream** the descriptors belong to the first byte of the message. A message that is sent in part has given
///   them away all the same: send the rest of the bytes without. One receive never joins two messages that carry
///   descriptors.
/// * **All or nothing.** If the kernel had to drop a descriptor (the table is full, a security module objects), the
///   call fails, and those that did come are closed. The bytes of that message are in the buffers, but it is lost as a
///   message.
/// * **A plain receive** without this trait closes what comes along, as the kernel does with descriptors that nobody
///   takes.
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::fd::AsFd;
/// use ipcraft::pipe;
/// use ipcraft::socket::{Ancillary, stream};
///
/// let (left, right) = stream::pair()?;
/// let (reader, mut writer) = pipe::pipe()?;
/// left.send_descriptors(b"log", &[reader.as_fd()])?;
/// writer.write_all(b"line").unwrap();
///
/// let mut buffer = [0; 16];
/// let (length, mut descriptors) = right.recv_descriptors(&mut buffer, 1)?.expect("not the end");
/// assert_eq!(&buffer[..length], b"log");
/// let reader = pipe::Reader::from(descriptors.remove(0));
/// assert_eq!(reader.read(&mut buffer)?, 4);
/// # Ok::<(), ipcraft::Error>(())
/// ```
pub trait Ancillary: Sealed {
    /// `sendmsg(2)`: sends a message and returns how many bytes were taken: all, except that a stream may take a part.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) for more than 253 descriptors, or for more on their way to all
    /// receivers than `RLIMIT_NOFILE` (`ETOOMANYREFS`); [`Invalid`](crate::ErrorKind::Invalid) for descriptors without
    /// a byte on a stream; [`PermissionDenied`](crate::ErrorKind::PermissionDenied) for false credentials, or a
    /// receiver that takes no descriptors.
    #[doc(alias = "sendmsg")]
    fn send_message(&self, message: &Outgoing<'_>) -> Result<usize> {
        transmit(self, message, Wait::Forever)
    }

    /// [`send_message`](Ancillary::send_message) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    fn try_send_message(&self, message: &Outgoing<'_>) -> Result<usize> {
        transmit(self, message, Wait::Never)
    }

    /// [`send_message`](Ancillary::send_message) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is
    /// no room within `timeout`.
    fn send_message_timeout(&self, message: &Outgoing<'_>, timeout: Duration) -> Result<usize> {
        transmit(self, message, Wait::For(timeout))
    }

    /// `recvmsg(2)`: waits for a message, fills the buffers in turn and returns its length; `Ok(None)` is end of
    /// stream.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table had no room for all;
    /// [`Truncated`](crate::ErrorKind::Truncated) if a record was longer than the buffers. In either case all
    /// descriptors that came are closed.
    #[doc(alias = "recvmsg")]
    fn recv_message(&self, buffers: &mut [IoSliceMut<'_>], incoming: &mut Incoming) -> Result<Option<usize>> {
        receive(self, buffers, incoming, Wait::Forever)
    }

    /// [`recv_message`](Ancillary::recv_message) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    fn try_recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        incoming: &mut Incoming,
    ) -> Result<Option<usize>> {
        receive(self, buffers, incoming, Wait::Never)
    }

    /// [`recv_message`](Ancillary::recv_message) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none
    /// comes within `timeout`.
    fn recv_message_timeout(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        incoming: &mut Incoming,
        timeout: Duration,
    ) -> Result<Option<usize>> {
        receive(self, buffers, incoming, Wait::For(timeout))
    }

    /// `SCM_RIGHTS`: [`send_message`](Ancillary::send_message) of these bytes and descriptors.
    #[doc(alias = "SCM_RIGHTS")]
    fn send_descriptors(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
        self.send_message(&Outgoing::new(&[IoSlice::new(bytes)]).descriptors(descriptors))
    }

    /// [`send_descriptors`](Ancillary::send_descriptors) that fails with [`Full`](crate::ErrorKind::Full) instead of
    /// waiting.
    fn try_send_descriptors(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
        self.try_send_message(&Outgoing::new(&[IoSlice::new(bytes)]).descriptors(descriptors))
    }

    /// [`send_descriptors`](Ancillary::send_descriptors) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// there is no room within `timeout`.
    fn send_descriptors_timeout(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
        timeout: Duration,
    ) -> Result<usize> {
        self.send_message_timeout(&Outgoing::new(&[IoSlice::new(bytes)]).descriptors(descriptors), timeout)
    }

    /// `SCM_RIGHTS`: [`recv_message`](Ancillary::recv_message) with at most `max` descriptors; returns the length of
    /// the message and them.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::ErrorKind::TooLarge) if more than `max` came: all are closed. And those of
    /// [`recv_message`](Ancillary::recv_message).
    fn recv_descriptors(&self, buffer: &mut [u8], max: usize) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        receive_descriptors(self, buffer, max, Wait::Forever)
    }

    /// [`recv_descriptors`](Ancillary::recv_descriptors) that fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// waiting.
    fn try_recv_descriptors(&self, buffer: &mut [u8], max: usize) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        receive_descriptors(self, buffer, max, Wait::Never)
    }

    /// [`recv_descriptors`](Ancillary::recv_descriptors) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// no message comes within `timeout`.
    fn recv_descriptors_timeout(
        &self,
        buffer: &mut [u8],
        max: usize,
        timeout: Duration,
    ) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        receive_descriptors(self, buffer, max, Wait::For(timeout))
    }

    /// `SO_PASSPIDFD`: whether messages that are received from now on bring a pidfd of their sender; see
    /// [`Incoming::pidfd`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) before Linux 6.5.
    #[doc(alias = "SO_PASSPIDFD")]
    fn set_receive_pidfds(&self, yes: bool) -> Result<()> {
        properties::set_receive_pidfds(self.as_fd(), yes)
    }
}

impl Ancillary for stream::Stream {}
impl Ancillary for datagram::Socket {}
impl Ancillary for seqpacket::Connection {}

fn transmit<S: Sealed + ?Sized>(socket: &S, message: &Outgoing<'_>, wait: Wait) -> Result<usize> {
    let parcel = message.parcel(S::KIND)?;
    let fd = socket.as_fd();
    let send = |flags| cmsg::send(fd, &parcel, flags);
    let sent = match (parcel.to, wait) {
        (Some(to), Wait::For(timeout)) => {
            transfer::send_to_until(fd, to, timeout, || retry(|| send(DONTWAIT)))
        }
        _ => transfer::send(fd, wait, send),
    };
    sent.map_err(|e| match message.address() {
        Some(address) => address.blame(record::unsent(fd, SENDMSG, e, message.length())),
        None => socket.unsent(SENDMSG, e, message.length()),
    })
}

fn receive<S: Sealed + ?Sized>(
    socket: &S,
    buffers: &mut [IoSliceMut<'_>],
    incoming: &mut Incoming,
    wait: Wait,
) -> Result<Option<usize>> {
    incoming.clear();
    let fd = socket.as_fd();
    let room = buffers.iter().map(|buffer| buffer.len()).sum();
    let truth = if S::KIND == SockType::Stream { 0 } else { TRUNC };
    let mut sender = SocketAddress::unnamed();
    let mut look = |flags| cmsg::receive(fd, buffers, &mut incoming.control, &mut sender, flags | truth);
    let mut received = transfer::receive(fd, wait, &mut look);
    if S::KIND == SockType::SeqPacket && received.as_ref().is_ok_and(is_bare) {
        // A record that was sent just before the peer closed is found by a second look only.
        received = retry(|| look(DONTWAIT));
    }
    let received = received.map_err(|e| Error::from_recv_errno(RECVMSG, e))?;
    let bare = is_bare(&received);
    let (arrival, contents) = received;
    let cut = arrival.control_was_cut();
    incoming.fill(fd, contents, cut, Address::of(sender))?;
    if bare && is_end(S::KIND, room) {
        incoming.clear();
        return Ok(None);
    }
    record::whole(RECVMSG, room, arrival.length).inspect_err(|_| incoming.clear()).map(Some)
}

/// Whether neither bytes nor credentials came.
fn is_bare((arrival, contents): &(ReceivedInfo, Contents)) -> bool {
    arrival.length == 0 && contents.credentials.is_none() && !arrival.control_was_cut()
}

/// Whether a message of no bytes and no credentials, received into buffers of `room`, is the end of the stream.
fn is_end(kind: SockType, room: usize) -> bool {
    match kind {
        SockType::Stream => room > 0,
        SockType::SeqPacket => true,
        _ => false,
    }
}

fn receive_descriptors<S: Sealed + ?Sized>(
    socket: &S,
    buffer: &mut [u8],
    max: usize,
    wait: Wait,
) -> Result<Option<(usize, Vec<OwnedFd>)>> {
    let mut incoming = Incoming::new();
    let length = receive(socket, &mut [IoSliceMut::new(buffer)], &mut incoming, wait)?;
    let descriptors = incoming.take_descriptors();
    if descriptors.len() > max {
        return Err(unwanted(descriptors.len(), max));
    }
    Ok(length.map(|length| (length, descriptors)))
}
