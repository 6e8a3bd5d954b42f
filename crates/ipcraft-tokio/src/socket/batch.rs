//! Several records with one call, on sockets that keep records apart.

use std::io::IoSliceMut;

use ipcraft::Result;
use ipcraft::socket::{Batch, Records};

use crate::{Async, Source};

impl<S: Source + Records> Async<S> {
    /// `sendmmsg(2)`: sends as many of the records, in order, as there is room for, and returns
    /// their number. Waits while there is no room for the first.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`try_send_many`](Records::try_send_many).
    #[doc(alias = "sendmmsg")]
    pub async fn send_many(&self, records: &[&[u8]]) -> Result<usize> {
        self.write_with(|socket| socket.try_send_many(records)).await
    }

    /// `recvmmsg(2)`: waits until one record arrives, and receives it with those already queued,
    /// one per buffer.
    ///
    /// Cancel safe: a dropped future has received nothing.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv_many`](Records::try_recv_many).
    #[doc(alias = "recvmmsg")]
    pub async fn recv_many(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<Batch> {
        self.read_with(|socket| socket.try_recv_many(buffers)).await
    }
}
