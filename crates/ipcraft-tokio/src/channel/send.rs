//! Sending messages: the endpoints of `spsc`, `mpmc` and `broadcast`.

use std::future::poll_fn;
use std::task::Poll;

use ipcraft::Result;
use ipcraft::channel::{Message, SendAllError, SendError, broadcast, mpmc, spsc};

use crate::Endpoint;

/// The calls of a sending endpoint of this module.
macro_rules! sending {
    ($module:ident, $endpoint:ident, $space:literal) => {
        impl<T: Message> Endpoint<$module::$endpoint<T>> {
            /// Sends a message, and waits while the channel is full.
            ///
            /// Cancel safe: a dropped future has not sent the message, and drops it.
            ///
            #[doc = $space]
            ///
            /// # Errors
            ///
            /// Those of the blocking call; [`Other`](ipcraft::ErrorKind::Other) if the runtime of
            /// the endpoint has ended. The error returns the message.
            pub async fn send(&mut self, message: T) -> Result<(), SendError<T>> {
                self.wait_sending(message, |end, message| end.try_send(message), |_, kind| kind.is_would_block())
                    .await
            }

            /// Sends all messages, and waits while the channel is full.
            ///
            /// A dropped future has sent a part, from the first on, and each message whole. Use
            /// [`send`](Endpoint::send) where the number must be known.
            ///
            /// # Errors
            ///
            /// As for [`send`](Endpoint::send). The error contains the number of sent messages.
            pub async fn send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
                let mut total = 0;
                let sent = poll_fn(|cx| {
                    self.poll_call(cx, |end| match end.try_send_all(&messages[total..]) {
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

            /// Returns the next slot, for writing a message in place. Waits while the channel is
            /// full.
            ///
            #[doc = concat!("[`commit`](ipcraft::channel::", stringify!($module), "::Loan::commit) sends the message. A dropped loan sends nothing.")]
            ///
            /// Cancel safe: a dropped future has taken no slot.
            ///
            /// # Errors
            ///
            /// As for [`send`](Endpoint::send).
            pub async fn loan(&mut self) -> Result<$module::Loan<'_, T>> {
                self.wait_borrowing(|end| end.try_loan()).await
            }
        }
    };
}

sending!(spsc, Sender, "It is woken when the receiver takes a message, and when it leaves or dies.");
sending!(mpmc, Sender, "It is woken when a receiver takes a message, and when the last one leaves or dies.");
sending!(
    broadcast,
    Publisher,
    "It waits only with [`Overflow::Block`](broadcast::Overflow::Block), for the slowest subscriber."
);
