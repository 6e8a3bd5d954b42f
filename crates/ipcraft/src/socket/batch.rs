//! Several records per system call.

use std::io::IoSliceMut;
use std::time::Duration;

use nix::sys::socket::SockType;

use super::sealed::Sealed;
use super::transfer::{self, Wait};
use super::{datagram, record, seqpacket};
use crate::error::{Error, Result};
use crate::sys::sendmmsg;
use crate::sys::sendmsg::{ReceivedInfo, TRUNC};

const SENDMMSG: &str = "sendmmsg";
const RECVMMSG: &str = "recvmmsg";

/// The most records that one call transfers. Of a longer slice only the first records are used.
pub const MAX_BATCH: usize = sendmmsg::MAX_BATCH;

/// Several records in one system call, for [`datagram::Socket`] and [`seqpacket::Connection`].
///
/// It saves system calls if records arrive faster than they are handled. It never waits to fill a
/// batch. Descriptors that were sent with a record are closed; [`Ancillary`](super::Ancillary)
/// receives them.
///
/// ```
/// use std::io::IoSliceMut;
/// use ipcraft::socket::{Records, seqpacket};
///
/// let (left, right) = seqpacket::pair()?;
/// assert_eq!(left.send_many(&[b"one", b"", b"three"])?, 3);
///
/// let mut memory = [[0; 16]; 8];
/// let mut buffers = memory.each_mut().map(|buffer| IoSliceMut::new(buffer));
/// let batch = right.recv_many(&mut buffers)?;
/// let records: Vec<&[u8]> = batch.records(&buffers).collect::<Result<_, _>>()?;
/// assert_eq!(records, [&b"one"[..], b"", b"three"]);
/// assert!(!batch.is_end_of_stream());
/// # Ok::<(), ipcraft::Error>(())
/// ```
pub trait Records: Sealed {
    /// `sendmmsg(2)`: sends the records in order, blocking until there is room for each, and
    /// returns how many were sent.
    ///
    /// They are fewer than given if there were more than [`MAX_BATCH`], or if one could not be
    /// sent. The next call, which begins with that record, returns the error.
    ///
    /// # Errors
    ///
    /// Those of sending the first record alone.
    #[doc(alias = "sendmmsg")]
    fn send_many(&self, records: &[&[u8]]) -> Result<usize> {
        send(self, records, Wait::Forever)
    }

    /// Like [`send_many`](Records::send_many), but sends only as many as there is room for, and
    /// fails with [`Full`](crate::ErrorKind::Full) if there is none for the first.
    fn try_send_many(&self, records: &[&[u8]]) -> Result<usize> {
        send(self, records, Wait::Never)
    }

    /// Like [`try_send_many`](Records::try_send_many), but blocks until there is room for the
    /// first, and fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is none within
    /// `timeout`.
    fn send_many_timeout(&self, records: &[&[u8]], timeout: Duration) -> Result<usize> {
        send(self, records, Wait::For(timeout))
    }

    /// `recvmmsg(2)`: blocks until one record arrives, and receives it with those already queued,
    /// one per buffer.
    ///
    /// The next call returns an error that occurs after the first record.
    #[doc(alias = "recvmmsg")]
    #[doc(alias = "MSG_WAITFORONE")]
    fn recv_many(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<Batch> {
        recv(self, buffers, Wait::Forever)
    }

    /// Like [`recv_many`](Records::recv_many), but fails with [`Empty`](crate::ErrorKind::Empty)
    /// instead of blocking.
    fn try_recv_many(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<Batch> {
        recv(self, buffers, Wait::Never)
    }

    /// Like [`recv_many`](Records::recv_many), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if no record arrives within `timeout`.
    fn recv_many_timeout(&self, buffers: &mut [IoSliceMut<'_>], timeout: Duration) -> Result<Batch> {
        recv(self, buffers, Wait::For(timeout))
    }
}

impl Records for datagram::Socket {}
impl Records for seqpacket::Connection {}

/// The records that one call received.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Batch {
    /// The length of the record in each buffer; `None` for the end of the stream.
    lengths: [Option<u32>; MAX_BATCH],
    /// The number of buffers used.
    used: usize,
    /// The number of records.
    count: usize,
    /// How often the end was found after them. Twice makes it certain: the kernel checks for a
    /// record before it checks for the end, so a record that was sent just before the peer closed
    /// follows the first.
    ends: usize,
}

impl Batch {
    const EMPTY: Batch = Batch { lengths: [None; MAX_BATCH], used: 0, count: 0, ends: 0 };

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there is no record: at the end of the stream, or without buffers.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns whether the stream is known to have ended after these records. Never true on a
    /// datagram socket.
    ///
    /// If the records filled all buffers, only the next call can find the end.
    pub fn is_end_of_stream(&self) -> bool {
        self.ends > 1
    }

    /// Iterates over the records in the buffers that they were received into.
    ///
    /// A record longer than its buffer is an error of kind
    /// [`Truncated`](crate::ErrorKind::Truncated); the records after it are whole.
    pub fn records<'a>(&'a self, buffers: &'a [IoSliceMut<'_>]) -> impl Iterator<Item = Result<&'a [u8]>> {
        let used = self.lengths[..self.used].iter().zip(buffers);
        used.filter_map(|(length, buffer)| Some((length.as_ref()?, buffer))).map(|(&length, buffer)| {
            let length = record::check_whole(RECVMMSG, buffer.len(), length as usize)?;
            Ok(&buffer[..length])
        })
    }

    fn push(&mut self, kind: SockType, info: ReceivedInfo) {
        if kind == SockType::SeqPacket && seqpacket::is_end(info) {
            self.ends += 1;
        } else {
            self.lengths[self.used] = Some(info.length as u32);
            (self.count, self.ends) = (self.count + 1, 0);
        }
        self.used += 1;
    }
}

fn send<S: Sealed + ?Sized>(socket: &S, records: &[&[u8]], waiting: Wait) -> Result<usize> {
    let fd = socket.as_fd();
    transfer::send(fd, waiting, |flags| sendmmsg::send(fd, records, flags))
        .map_err(|e| socket.send_error(SENDMMSG, e, records.first().map_or(0, |first| first.len())))
}

fn recv<S: Sealed + ?Sized>(socket: &S, buffers: &mut [IoSliceMut<'_>], waiting: Wait) -> Result<Batch> {
    let fd = socket.as_fd();
    let mut call = || {
        let mut batch = Batch::EMPTY;
        let call = |flags| sendmmsg::receive(fd, buffers, flags | TRUNC, |info| batch.push(S::KIND, info));
        transfer::receive(fd, waiting, call).map(|()| batch)
    };
    let mut received = call();
    if let Ok(Batch { count: 0, ends: 1, .. }) = received {
        received = call();
        if let Ok(batch) = &mut received {
            batch.ends += usize::from(batch.is_empty());
        }
    }
    received.map_err(|e| Error::from_recv_errno(RECVMMSG, e))
}
