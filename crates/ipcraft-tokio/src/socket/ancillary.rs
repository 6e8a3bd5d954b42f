//! Messages with descriptors and credentials, on every type of socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use ipcraft::Result;
use ipcraft::socket::{Ancillary, Incoming, Outgoing, datagram, seqpacket, stream};
use tokio::time::timeout;

use crate::{Async, Source};

/// The kernel reports the room of a datagram's destination only if the socket is connected to it.
/// So a send that is full is repeated after this time at the latest.
const RETRY: Duration = Duration::from_millis(10);

/// A socket: what the calls for descriptors and credentials need.
pub trait Socket: Source + Ancillary {
    /// Whether it sends to destinations whose room the kernel does not report.
    #[doc(hidden)]
    const HAS_UNKNOWN_PEERS: bool = false;
}

impl Socket for stream::Stream {}
impl Socket for seqpacket::Connection {}
impl Socket for datagram::Socket {
    const HAS_UNKNOWN_PEERS: bool = true;
}

impl<S: Socket> Async<S> {
    /// `sendmsg(2)`: sends a message and returns how many bytes were sent, as
    /// [`send_message`](Ancillary::send_message) does. Waits while there is no room.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send_message`](Ancillary::send_message).
    ///
    /// # Panics
    ///
    /// For datagrams, in a runtime without timer.
    pub async fn send_message(&self, message: &Outgoing<'_>) -> Result<usize> {
        loop {
            let sent = self.write_with(|socket| socket.try_send_message(message));
            if !S::HAS_UNKNOWN_PEERS {
                return sent.await;
            }
            if let Ok(sent) = timeout(RETRY, sent).await {
                return sent;
            }
            match self.get_ref().try_send_message(message) {
                Err(error) if error.kind().is_would_block() => {}
                sent => return sent,
            }
        }
    }

    /// `recvmsg(2)`: waits until a message arrives, fills the buffers in turn and returns the
    /// length of the message, as [`recv_message`](Ancillary::recv_message) does; `Ok(None)` is end
    /// of stream.
    ///
    /// Cancel safe: a dropped future has received nothing, no descriptor either.
    ///
    /// # Errors
    ///
    /// Those of [`recv_message`](Ancillary::recv_message).
    pub async fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        incoming: &mut Incoming,
    ) -> Result<Option<usize>> {
        self.read_with(|socket| socket.try_recv_message(buffers, incoming)).await
    }

    /// `SCM_RIGHTS`: sends these bytes and descriptors as one message.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// As for [`send_message`](Async::send_message).
    #[doc(alias = "SCM_RIGHTS")]
    pub async fn send_descriptors(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
        let parts = [IoSlice::new(bytes)];
        self.send_message(&Outgoing::new(&parts).descriptors(descriptors)).await
    }
    /// `SCM_RIGHTS`: receives a message with at most `max` descriptors, and returns its length and
    /// the descriptors.
    ///
    /// Cancel safe: a dropped future has received nothing, no descriptor either.
    ///
    /// # Errors
    ///
    /// Those of [`recv_descriptors`](Ancillary::recv_descriptors).
    #[doc(alias = "SCM_RIGHTS")]
    pub async fn recv_descriptors(
        &self,
        buffer: &mut [u8],
        max: usize,
    ) -> Result<Option<(usize, Vec<OwnedFd>)>> {
        self.read_with(|socket| socket.try_recv_descriptors(buffer, max)).await
    }
}
