//! Signals: [`ipcraft::signal`] under tokio.
//!
//! A [`SignalFd`] is a [`Stream`] of [`SignalInfo`]: unlike `tokio::signal`, with the sender, the
//! value and each queued realtime signal.
//!
//! **Block the signals before the runtime is built.** Each thread has a mask of its own, and the
//! threads of the runtime inherit that of the thread that builds it. So do not use
//! `#[tokio::main]` of the multi-threaded runtime here. A thread that does not block the signal
//! gets it, with its default action.
//!
//! Only signals that are sent to the process arrive, as those of kill(1) and Ctrl-C do. A signal
//! that is sent to one thread can be read by that thread only.
//!
//! ```
//! use ipcraft::signal::{self, Signal, SignalFd};
//! use ipcraft_tokio::IntoAsync;
//!
//! let blocked = signal::block(Signal::USR1)?;
//! let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let signals = SignalFd::new(&blocked)?.into_async()?;
//!     signal::send(ipcraft::Pid::current(), Signal::USR1)?;
//!     assert_eq!(signals.read().await?.signal(), Signal::USR1);
//!     Ok::<(), ipcraft::Error>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use ipcraft::Result;
use ipcraft::signal::{self, Batch, SignalInfo};

use crate::Async;

/// The async form of [`signal::SignalFd`].
pub type SignalFd = Async<signal::SignalFd>;

impl Async<signal::SignalFd> {
    /// `read(2)`: waits for a signal and takes it.
    ///
    /// Cancel safe: a dropped future has taken no signal.
    ///
    /// # Errors
    ///
    /// Those of [`read`](signal::SignalFd::read).
    pub async fn read(&self) -> Result<SignalInfo> {
        self.read_with(signal::SignalFd::try_read).await
    }

    /// `read(2)`: waits for a signal, and takes all that are pending, at most
    /// [`MAX_BATCH`](signal::MAX_BATCH).
    ///
    /// Cancel safe: a dropped future has taken no signal.
    ///
    /// # Errors
    ///
    /// As for [`read`](Async::read).
    pub async fn read_many(&self) -> Result<Batch> {
        self.read_with(signal::SignalFd::try_read_many).await
    }
}

/// The signals as they arrive; it never ends. Only the task that polled last is woken.
impl Stream for Async<signal::SignalFd> {
    type Item = Result<SignalInfo>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_read_with(cx, signal::SignalFd::try_read).map(Some)
    }
}
