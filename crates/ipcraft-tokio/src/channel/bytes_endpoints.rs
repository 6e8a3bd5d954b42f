//! Records of any length.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use ipcraft::Result;
use ipcraft::channel::SendAllError;
use ipcraft::channel::spsc::bytes::{Loan, Received, Receiver, Sender};

use crate::Endpoint;

impl Endpoint<Sender> {
    /// Sends a record, and waits while there is no space for it.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`]; [`Other`](ipcraft::ErrorKind::Other) if the runtime of the
    /// endpoint has ended.
    pub async fn send(&mut self, record: &[u8]) -> Result<()> {
        self.wait(|end| end.try_send(record)).await
    }

    /// Sends one record that consists of several parts, and waits while there is no space for it.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    ///
    /// As for [`send`](Endpoint::send).
    pub async fn send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        self.wait(|end| end.try_send_vectored(parts)).await
    }

    /// Sends all records, and waits while there is no space.
    ///
    /// A dropped future has sent a part, from the first on, and each record whole.
    ///
    /// # Errors
    ///
    /// As for [`send`](Endpoint::send). The error contains the number of sent records.
    pub async fn send_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Result<(), SendAllError> {
        let mut total = 0;
        let sent = poll_fn(|cx| {
            self.poll_call(cx, |end| match end.try_send_all(&records[total..]) {
                Err(stopped) => {
                    total += stopped.sent();
                    if stopped.kind().is_would_block() {
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(stopped.error().clone()))
                }
                Ok(()) => Poll::Ready(Ok(())),
            })
        });
        sent.await.and_then(|sent| sent).map_err(|error| SendAllError::new(total, error))
    }

    /// Returns space for a record of `length` bytes, for writing it in place. Waits while there is
    /// none.
    ///
    /// Cancel safe: a dropped future has taken no space. A dropped loan sends nothing.
    ///
    /// # Errors
    ///
    /// As for [`send`](Endpoint::send).
    pub async fn loan(&mut self, length: usize) -> Result<Loan<'_>> {
        self.wait_borrowing(|end| end.try_loan(length)).await
    }
}

impl Endpoint<Receiver> {
    /// Receives a record into a vector, as [`Receiver::recv`] does. Waits until one is available.
    ///
    /// Cancel safe: a dropped future has taken no record.
    ///
    /// # Errors
    ///
    /// Those of [`Receiver::recv`]; [`Other`](ipcraft::ErrorKind::Other) if the runtime of the
    /// endpoint has ended.
    pub async fn recv(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        self.wait(|end| end.try_recv(buffer)).await
    }

    /// Receives a record into a slice, as [`Receiver::recv_into`] does. Waits until one is
    /// available.
    ///
    /// Cancel safe: a dropped future has taken no record.
    ///
    /// # Errors
    ///
    /// Those of [`Receiver::recv_into`]; otherwise as for [`recv`](Endpoint::recv).
    pub async fn recv_into(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.wait(|end| end.try_recv_into(buffer)).await
    }

    /// Receives a record without copying it, and waits until one is available.
    ///
    /// Cancel safe: a dropped future has taken no record. A dropped guard has.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Endpoint::recv).
    pub async fn recv_in_place(&mut self) -> Result<Received<'_>> {
        self.wait_borrowing(Receiver::try_recv_in_place).await
    }
}

/// The records, each in a vector of its own, until the sender has left. An item may be an error
/// instead; after one of kind [`Corrupted`](ipcraft::ErrorKind::Corrupted), stop.
impl Stream for Endpoint<Receiver> {
    type Item = Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::get_mut(self).poll_receive(cx, |end| {
            let mut record = Vec::new();
            end.try_recv(&mut record).map(|_| record)
        })
    }
}
