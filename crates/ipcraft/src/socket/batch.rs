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

/// The most records that one call transfers; of longer slices the first so many are used.
pub const MAX_BATCH: usize = sendmmsg::MAX_BATCH;

/// Several records in one system call: what [`datagram::Socket`] and [`seqpacket::Connection`] can.
///
/// It saves system calls where records come faster than they are handled; it never waits to fill a batch.
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
    /// `sendmmsg(2)`: sends the records in order, waiting for room for each, and returns how many were sent.
    ///
    /// Fewer than given, if there were more than [`MAX_BATCH`] or if one could not be sent: the next call, which
    /// begins with that one, says why.
    ///
    /// # Errors
    ///
    /// Of the first record, as for sending it alone.
    #[doc(alias = "sendmmsg")]
    fn send_many(&self, records: &[&[u8]]) -> Result<usize> {
        send(self, records, Wait::Forever)
    }

    /// [`send_many`](Records::send_many) that sends as many as there is room for, and fails with
    /// [`Full`](crate::ErrorKind::Full) if there is none for the first.
    fn try_send_many(&self, records: &[&[u8]]) -> Result<usize> {
        send(self, records, Wait::Never)
    }

    /// [`try_send_many`](Records::try_send_many) that waits for room for the first, and fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is none within `timeout`.
    fn send_many_timeout(&self, records: &[&[u8]], timeout: Duration) -> Result<usize> {
        send(self, records, Wait::For(timeout))
    }

    /// `recvmmsg(2)`: waits for one record and takes with it those that are there already, one into each buffer.
    ///
    /// A failure after the first record is reported by the next call.
    #[doc(alias = "recvmmsg")]
    #[doc(alias = "MSG_WAITFORONE")]
    fn recv_many(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<Batch> {
        receive(self, buffers, Wait::Forever)
    }

    /// [`recv_many`](Records::recv_many) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    fn try_recv_many(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<Batch> {
        receive(self, buffers, Wait::Never)
    }

    /// [`recv_many`](Records::recv_many) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no record comes
    /// within `timeout`.
    fn recv_many_timeout(&self, buffers: &mut [IoSliceMut<'_>], timeout: Duration) -> Result<Batch> {
        receive(self, buffers, Wait::For(timeout))
    }
}

impl Records for datagram::Socket {}
impl Records for seqpacket::Connection {}

/// What one call received.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Batch {
    /// What came into each buffer; none if that was the end.
    lengths: [Option<u32>; MAX_BATCH],
    /// How many buffers were used.
    used: usize,
    /// How many records came.
    count: usize,
    /// How often the end was found after them. It is certain when found twice: the kernel looks for a record first and
    /// for the end then, so what was sent in between, just before the peer closed, comes after the first.
    ends: usize,
}

impl Batch {
    const EMPTY: Batch = Batch { lengths: [None; MAX_BATCH], used: 0, count: 0, ends: 0 };

    /// How many records came.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none came: at the end of the stream, or for want of buffers.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the stream is known to have ended after these records. Never on a datagram socket.
    ///
    /// If there were no buffers left to see that, the next call says so, and brings no records.
    pub fn is_end_of_stream(&self) -> bool {
        self.ends > 1
    }

    /// The records, from the buffers that they were received into. One that was longer than its buffer is an error of
    /// kind [`Truncated`](crate::ErrorKind::Truncated); those after it are whole.
    pub fn records<'a>(&'a self, buffers: &'a [IoSliceMut<'_>]) -> impl Iterator<Item = Result<&'a [u8]>> {
        let used = self.lengths[..self.used].iter().zip(buffers);
        used.filter_map(|(length, buffer)| Some((length.as_ref()?, buffer))).map(|(&length, buffer)| {
            let length = record::whole(RECVMMSG, buffer.len(), length as usize)?;
            Ok(&buffer[..length])
        })
    }

    fn push(&mut self, kind: SockType, arrival: ReceivedInfo) {
        if kind == SockType::SeqPacket && seqpacket::is_end(arrival) {
            self.ends += 1;
        } else {
            self.lengths[self.used] = Some(arrival.length as u32);
            (self.count, self.ends) = (self.count + 1, 0);
        }
        self.used += 1;
    }
}

fn send<S: Sealed + ?Sized>(socket: &S, records: &[&[u8]], wait: Wait) -> Result<usize> {
    let fd = socket.as_fd();
    transfer::send(fd, wait, |flags| sendmmsg::send(fd, records, flags))
        .map_err(|e| socket.unsent(SENDMMSG, e, records.first().map_or(0, |first| first.len())))
}

fn receive<S: Sealed + ?Sized>(socket: &S, buffers: &mut [IoSliceMut<'_>], wait: Wait) -> Result<Batch> {
    let fd = socket.as_fd();
    let mut look = || {
        let mut batch = Batch::EMPTY;
        let each =
            |flags| sendmmsg::receive(fd, buffers, flags | TRUNC, |arrival| batch.push(S::KIND, arrival));
        transfer::receive(fd, wait, each).map(|()| batch)
    };
    let mut found = look();
    if let Ok(Batch { count: 0, ends: 1, .. }) = found {
        found = look();
        if let Ok(batch) = &mut found {
            batch.ends += usize::from(batch.is_empty());
        }
    }
    found.map_err(|e| Error::from_recv_errno(RECVMMSG, e))
}
