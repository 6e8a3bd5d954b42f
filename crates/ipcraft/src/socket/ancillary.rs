//! Messages with descriptors and credentials, for every type of socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::SockType;

use super::incoming::{RECVMSG, unwanted};
use super::outgoing::SENDMSG;
use super::sealed::Sealed;
use super::transfer::{self, Wait};
use super::{Address, Incoming, Outgoing, core, datagram, record, seqpacket, stream};
use crate::error::{Error, Result};
use crate::sys::cmsg::{self, Contents, OutgoingMessage};
use crate::sys::retry;
use crate::sys::sendmsg::{DONTWAIT, ReceivedInfo, TRUNC};
use crate::sys::sockaddr::SocketAddress;

/// Descriptors, credentials and pidfds beside the bytes, for [`stream::Stream`],
/// [`datagram::Socket`] and [`seqpacket::Connection`].
///
/// Sending copies a descriptor immediately, so the sender may close its own. The copy lives in the
/// message until it is received, or closed with the socket. The receiver gets another number for
/// the same open file description, so both share position and status flags.
///
/// * **On a stream** the descriptors belong to the first byte of the message. If only a part of the
///   message was sent, the descriptors were sent with it: send the rest of the bytes without them.
///   One receive never joins two messages that carry descriptors.
/// * **All descriptors or none.** If the kernel had to drop one, the call fails and closes the
///   others. The table may be full, or a security module may object.
/// * **The bytes stay.** A receive that fails after it took a message leaves the bytes in the
///   buffers, and [`Error::transferred`] returns their number. So a stream stays in step. An error
///   without that number took nothing.
/// * **A plain receive** without this trait closes received descriptors.
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
    /// `sendmsg(2)`: sends a message and returns how many bytes were sent. A stream may send a part
    /// only.
    ///
    /// # Errors
    ///
    /// * [`LimitReached`](crate::ErrorKind::LimitReached) for more than 253 descriptors, or if the
    ///   user has more than `RLIMIT_NOFILE` in transit (`ETOOMANYREFS`);
    /// * [`Invalid`](crate::ErrorKind::Invalid) for descriptors without a byte on a stream;
    /// * [`PermissionDenied`](crate::ErrorKind::PermissionDenied) for false credentials, or a
    ///   receiver that accepts no descriptors.
    #[doc(alias = "sendmsg")]
    fn send_message(&self, message: &Outgoing<'_>) -> Result<usize> {
        send(self, message, Wait::Forever)
    }

    /// Like [`send_message`](Ancillary::send_message), but fails with
    /// [`Full`](crate::ErrorKind::Full) instead of blocking.
    fn try_send_message(&self, message: &Outgoing<'_>) -> Result<usize> {
        send(self, message, Wait::Never)
    }

    /// Like [`send_message`](Ancillary::send_message), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    fn send_message_timeout(&self, message: &Outgoing<'_>, timeout: Duration) -> Result<usize> {
        send(self, message, Wait::For(timeout))
    }

    /// `recvmsg(2)`: blocks until a message arrives, fills the buffers in turn and returns the
    /// length of the message; `Ok(None)` is end of stream.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table had no room for
    /// all; [`Truncated`](crate::ErrorKind::Truncated) if a record was longer than the buffers.
    /// Both close all descriptors of the message, and carry the number of bytes in the buffers in
    /// [`Error::transferred`].
    #[doc(alias = "recvmsg")]
    fn recv_message(&self, buffers: &mut [IoSliceMut<'_>], incoming: &mut Incoming) -> Result<Option<usize>> {
        recv(self, buffers, incoming, Wait::Forever)
    }

    /// Like [`recv_message`](Ancillary::recv_message), but fails with
    /// [`Empty`](crate::ErrorKind::Empty) instead of blocking.
    fn try_recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        incoming: &mut Incoming,
    ) -> Result<Option<usize>> {
        recv(self, buffers, incoming, Wait::Never)
    }

    /// Like [`recv_message`](Ancillary::recv_message), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if no message arrives within `timeout`.
    fn recv_message_timeout(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        incoming: &mut Incoming,
        timeout: Duration,
    ) -> Result<Option<usize>> {
        recv(self, buffers, incoming, Wait::For(timeout))
    }

    /// `SCM_RIGHTS`: [sends](Ancillary::send_message) these bytes and descriptors as one message.
    #[doc(alias = "SCM_RIGHTS")]
    fn send_descriptors(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
        self.send_message(&Outgoing::new(&[IoSlice::new(bytes)]).descriptors(descriptors))
    }

    /// Like [`send_descriptors`](Ancillary::send_descriptors), but fails with
    /// [`Full`](crate::ErrorKind::Full) instead of blocking.
    fn try_send_descriptors(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
        self.try_send_message(&Outgoing::new(&[IoSlice::new(bytes)]).descriptors(descriptors))
    }

    /// Like [`send_descriptors`](Ancillary::send_descriptors), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    fn send_descriptors_timeout(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
        timeout: Duration,
    ) -> Result<usize> {
        self.send_message_timeout(&Outgoing::new(&[IoSlice::new(bytes)]).descriptors(descriptors), timeout)
    }

    /// `SCM_RIGHTS`: [receives](Ancillary::recv_message) a message with at most `max` descriptors,
    /// and returns its length and the descriptors.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::ErrorKind::TooLarge) if more than `max` arrived, which closes all of
    /// them; and those of [`recv_message`](Ancillary::recv_message). Each leaves the bytes in the
    /// buffer, and [`Error::transferred`] returns their number.
    fn recv_descriptors(&self, buffer: &mut [u8], max: usize) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        recv_descriptors(self, buffer, max, Wait::Forever)
    }

    /// Like [`recv_descriptors`](Ancillary::recv_descriptors), but fails with
    /// [`Empty`](crate::ErrorKind::Empty) instead of blocking.
    fn try_recv_descriptors(&self, buffer: &mut [u8], max: usize) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        recv_descriptors(self, buffer, max, Wait::Never)
    }

    /// Like [`recv_descriptors`](Ancillary::recv_descriptors), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if no message arrives within `timeout`.
    fn recv_descriptors_timeout(
        &self,
        buffer: &mut [u8],
        max: usize,
        timeout: Duration,
    ) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        recv_descriptors(self, buffer, max, Wait::For(timeout))
    }

    /// `SO_PASSPIDFD`: sets whether messages received from now on carry a pidfd of their sender;
    /// see [`Incoming::pidfd`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) before Linux 6.5.
    #[doc(alias = "SO_PASSPIDFD")]
    fn set_receive_pidfds(&self, yes: bool) -> Result<()> {
        core::set_receive_pidfds(self.as_fd(), yes)
    }
}

impl Ancillary for stream::Stream {}
impl Ancillary for datagram::Socket {}
impl Ancillary for seqpacket::Connection {}

fn send<S: Sealed + ?Sized>(socket: &S, message: &Outgoing<'_>, waiting: Wait) -> Result<usize> {
    let raw = message.for_kind(S::KIND)?;
    let fd = socket.as_fd();
    let Some(address) = message.destination() else {
        return transfer::send(fd, waiting, |flags| cmsg::send(fd, &raw, flags))
            .map_err(|e| socket.send_error(SENDMSG, e, message.length()));
    };
    let send_to = |to: &SocketAddress| {
        let raw = OutgoingMessage { to: Some(to), ..raw };
        let call = |flags| cmsg::send(fd, &raw, flags);
        match waiting {
            Wait::For(timeout) => transfer::send_to_until(fd, to, timeout, || retry(|| call(DONTWAIT))),
            _ => transfer::send(fd, waiting, call),
        }
    };
    address
        .find(SENDMSG, send_to)?
        .map_err(|e| address.name_in(record::send_error(fd, SENDMSG, e, message.length())))
}

fn recv<S: Sealed + ?Sized>(
    socket: &S,
    buffers: &mut [IoSliceMut<'_>],
    incoming: &mut Incoming,
    waiting: Wait,
) -> Result<Option<usize>> {
    incoming.clear();
    let fd = socket.as_fd();
    let room = buffers.iter().map(|buffer| buffer.len()).sum();
    let extra = if S::KIND == SockType::Stream { 0 } else { TRUNC };
    let mut sender = SocketAddress::unnamed();
    let mut call = |flags| cmsg::receive(fd, buffers, &mut incoming.control, &mut sender, flags | extra);
    let mut received = transfer::receive(fd, waiting, &mut call);
    if S::KIND == SockType::SeqPacket && received.as_ref().is_ok_and(is_bare) {
        // Only a second call finds a record that was sent just before the peer closed.
        received = retry(|| call(DONTWAIT));
    }
    let received = received.map_err(|e| Error::from_recv_errno(RECVMSG, e))?;
    if is_end(S::KIND, room, &received) {
        return Ok(None);
    }
    let (info, contents) = received;
    incoming
        .fill(fd, contents, info.control_was_cut(), Address::of(sender))
        .and_then(|()| record::check_whole(RECVMSG, room, info.length))
        .inspect_err(|_| incoming.close_descriptors())
        .map_err(|error| error.with_transferred(info.length.min(room)))
        .map(Some)
}

/// Whether neither bytes nor ancillary data arrived.
fn is_bare((info, contents): &(ReceivedInfo, Contents)) -> bool {
    info.length == 0 && contents.is_empty() && !info.control_was_cut()
}

/// Whether what was received into `room` bytes is the end of the stream.
fn is_end(kind: SockType, room: usize, received: &(ReceivedInfo, Contents)) -> bool {
    match kind {
        // A stream that receives credentials gets some at its end, too: those of no process.
        SockType::Stream => room > 0 && received.0.length == 0,
        SockType::SeqPacket => is_bare(received),
        _ => false,
    }
}

fn recv_descriptors<S: Sealed + ?Sized>(
    socket: &S,
    buffer: &mut [u8],
    max: usize,
    waiting: Wait,
) -> Result<Option<(usize, Vec<OwnedFd>)>> {
    let mut incoming = Incoming::new();
    let Some(length) = recv(socket, &mut [IoSliceMut::new(buffer)], &mut incoming, waiting)? else {
        return Ok(None);
    };
    let descriptors = incoming.take_descriptors();
    if descriptors.len() > max {
        return Err(unwanted(descriptors.len(), max, length));
    }
    Ok(Some((length, descriptors)))
}
