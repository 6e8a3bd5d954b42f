//! Waiting for a new value.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use ipcraft::Result;
use ipcraft::channel::Message;
use ipcraft::channel::latest::{Reader, Snapshot};

use crate::Endpoint;

impl<T: Message> Endpoint<Reader<T>> {
    /// Loads the newest value once it differs from the last value that this endpoint loaded. Waits
    /// until then.
    ///
    /// Cancel safe: a dropped future has loaded nothing. For the value as it is now, use
    /// [`load`](Reader::load) of [`get_mut`](Endpoint::get_mut).
    ///
    /// # Errors
    ///
    /// Those of [`Reader::changed`]; [`Other`](ipcraft::ErrorKind::Other) if the runtime of the
    /// endpoint has ended.
    pub async fn changed(&mut self) -> Result<Snapshot<T>> {
        self.wait(Reader::try_changed).await
    }
}

/// The newest value after each change, until the writer has left and its last value was loaded. An
/// item may be an error instead; after one of kind [`Corrupted`](ipcraft::ErrorKind::Corrupted),
/// stop.
impl<T: Message> Stream for Endpoint<Reader<T>> {
    type Item = Result<Snapshot<T>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::get_mut(self).poll_receive(cx, Reader::try_changed)
    }
}
