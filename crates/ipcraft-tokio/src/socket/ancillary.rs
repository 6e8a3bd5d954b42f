//! Messages with descriptors and credentials, on every type of socket.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};

use ipcraft::Result;
use ipcraft::socket::{Ancillary, Incoming, Outgoing, datagram, seqpacket, stream};

use super::datagram::send_to;
use crate::{Async, Source};

/// A socket: what the calls for descriptors and credentials need.
pub trait Socket: Source + Ancillary {}

impl Socket for stream::Stream {}
impl Socket for seqpacket::Connection {}
impl Socket for datagram::Socket {}

impl<S: Socket> Async<S> {
    /// `sendmsg(2)`: sends a message and returns how many bytes were sent, as
    /// [`send_message`](Ancillary::send_message) does. Waits while there is no room.
    ///
    /// To a [destination](Outgoing::to) it waits as
    /// [`send_to`](crate::socket::datagram::Socket::send_to) does.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send_message`](Ancillary::send_message).
    pub async fn send_message(&self, message: &Outgoing<'_>) -> Result<usize> {
        match message.destination() {
            None => self.write_with(|socket| socket.try_send_message(message)).await,
            Some(address) => send_to(address, || self.get_ref().try_send_message(message)).await,
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
