//! Receiving messages: the endpoints of `spsc`, `mpmc` and `broadcast`.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use ipcraft::channel::broadcast::RecvError;
use ipcraft::channel::{Message, broadcast, mpmc, spsc};
use ipcraft::{Error, Result};

use crate::Endpoint;

/// The calls of a receiving endpoint of this module, with the error of receiving.
macro_rules! receiving {
    ($module:ident, $endpoint:ident, $error:ty) => {
        impl<T: Message> Endpoint<$module::$endpoint<T>> {
            /// Receives a message, and waits until one is available.
            ///
            /// Cancel safe: a dropped future has taken no message.
            ///
            /// # Errors
            ///
            /// Those of the blocking call; [`Other`](ipcraft::ErrorKind::Other) if the runtime of
            /// the endpoint has ended.
            pub async fn recv(&mut self) -> Result<T, $error> {
                self.wait(|end| end.try_recv()).await
            }

            /// Receives a message without copying it, and waits until one is available.
            ///
            /// Cancel safe: a dropped future has taken no message. A dropped guard has.
            ///
            /// # Errors
            ///
            /// As for [`recv`](Endpoint::recv).
            pub async fn recv_in_place(&mut self) -> Result<$module::Received<'_, T>, $error> {
                self.wait_borrowing(|end| end.try_recv_in_place()).await
            }
        }

        /// The messages, until every sender has left. An item may be an error instead; after one of
        /// kind [`Corrupted`](ipcraft::ErrorKind::Corrupted), stop.
        impl<T: Message> Stream for Endpoint<$module::$endpoint<T>> {
            type Item = Result<T, $error>;

            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                Pin::get_mut(self).poll_receive(cx, |end| end.try_recv())
            }
        }
    };
}

receiving!(spsc, Receiver, Error);
receiving!(mpmc, Receiver, Error);
receiving!(broadcast, Subscriber, RecvError);

impl<T: Message> Endpoint<spsc::Receiver<T>> {
    /// Receives up to `buffer.len()` messages, and waits until at least one is available. Returns
    /// their number.
    ///
    /// Cancel safe: a dropped future has taken no message.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Endpoint::recv).
    pub async fn recv_many(&mut self, buffer: &mut [T]) -> Result<usize> {
        self.wait(|end| end.try_recv_many(buffer)).await
    }
}
