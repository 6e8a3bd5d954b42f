//! An endpoint of a channel in a runtime.

#![allow(unsafe_code)]

use std::fmt;
use std::future::poll_fn;
use std::hint::spin_loop;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ipcraft::channel::broadcast::RecvError;
use ipcraft::channel::{Awaitable, SendAllError, SendError, WaitStrategy};
use ipcraft::{Error, ErrorKind, Result};
use tokio::task::coop::poll_proceed;

use crate::io::ended;
use crate::wakes::Wake;

/// How long a call polls the memory before it sleeps: about the time that a peer on another core
/// takes to answer, and too short to delay other tasks.
const SPIN: Duration = Duration::from_micros(1);

/// An endpoint of a [channel](ipcraft::channel) that a tokio runtime wakes.
///
/// [`into_async`](crate::IntoAsync::into_async) creates it. Each kind of endpoint adds its calls:
/// `send`, `recv`, `loan`, `changed`, `call`. Receiving endpoints are also a
/// [`Stream`](futures_core::Stream), which ends when the peers have left.
///
/// Calls take `&mut self`, as those of the endpoint do. The peers may be async, blocking, or in
/// programs without a runtime.
///
/// **Waiting.** A call first tries without waiting. If the last call did not have to sleep, it
/// continues to try for at most 1 us; not with [`Block`](WaitStrategy::Block). Then it sleeps.
/// [`Spin`](WaitStrategy::Spin) does not spin longer here, since other tasks need the thread.
///
/// **Cancellation.** Every call is cancel safe: it takes or sends a message only in the poll that
/// returns it.
///
/// **Runtimes.** The endpoint belongs to the runtime in which it was created. After that has ended,
/// calls that have to wait fail with [`Other`](ErrorKind::Other).
///
/// **Cost.** All endpoints of a runtime share one [`Reactor`](ipcraft::channel::Reactor) and one
/// task, which the first endpoint creates and which live until the runtime ends. An endpoint takes
/// no descriptor and no thread, unless the kernel refuses inotify(7).
///
/// **Fork.** Use it only in the process that created it. A forked child shares the reactor of its
/// parent. A child that executes a program is not affected.
pub struct Endpoint<E> {
    wake: Wake,
    end: E,
    /// Whether the last call did not have to sleep, so that spinning may spare it the sleep again.
    is_busy: bool,
}

impl<E: Awaitable> Endpoint<E> {
    /// Registers the endpoint with the current runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Awaitable::register`], [`Reactor::new`](ipcraft::channel::Reactor::new) and
    /// [`Async::new`](crate::Async::new). On error, the endpoint is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and in one without IO.
    pub fn new(end: E) -> Result<Self> {
        Ok(Endpoint { wake: Wake::new(&end)?, end, is_busy: false })
    }

    /// Returns the endpoint, for calls that do not wait.
    pub fn get_ref(&self) -> &E {
        &self.end
    }

    /// Returns the endpoint, for calls that do not wait: `try_` calls and iterators that drain.
    pub fn get_mut(&mut self) -> &mut E {
        &mut self.end
    }

    /// Returns the endpoint and removes it from the reactor.
    pub fn into_inner(self) -> E {
        self.end
    }

    /// Returns whether a thread waits for the endpoint, because the kernel refuses to report the
    /// events of its file.
    pub fn uses_thread(&self) -> bool {
        self.wake.uses_thread()
    }

    /// Makes a `try_` call, and repeats it after each event while it returns `Pending`. The outer
    /// error is one of waiting.
    pub(crate) fn poll_call<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&mut E) -> Poll<R>,
    ) -> Poll<Result<R>> {
        let budget = ready!(poll_proceed(cx));
        let result = match self.spin(&mut call) {
            Poll::Ready(result) => Poll::Ready(Ok(result)),
            Poll::Pending => self.poll_event(cx, &mut call),
        };
        if result.is_ready() {
            budget.made_progress();
        }
        result
    }

    /// Makes the call, and again for a short time if the last call did not have to sleep.
    fn spin<R>(&mut self, call: &mut impl FnMut(&mut E) -> Poll<R>) -> Poll<R> {
        let mut result = call(&mut self.end);
        if result.is_pending() && self.is_busy && self.end.wait_strategy() != WaitStrategy::Block {
            let start = Instant::now();
            while result.is_pending() && start.elapsed() < SPIN {
                spin_loop();
                result = call(&mut self.end);
            }
        }
        self.is_busy = result.is_ready();
        result
    }

    /// Keeps the order that the reactor demands: arms it, makes the call, then waits.
    fn poll_event<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut impl FnMut(&mut E) -> Poll<R>,
    ) -> Poll<Result<R>> {
        if !self.wake.wait(cx.waker()) {
            return Poll::Ready(Err(ended(&io::Error::other("the runtime has ended"))));
        }
        // Armed anew, it may have missed an event before.
        while self.wake.arm()? {
            if let Poll::Ready(result) = call(&mut self.end) {
                return Poll::Ready(Ok(result));
            }
        }
        Poll::Pending
    }

    /// Waits until a `try_` call does not block, and returns its result.
    pub(crate) async fn wait<R, F>(&mut self, mut call: impl FnMut(&mut E) -> Result<R, F>) -> Result<R, F>
    where
        F: Failure + From<Error>,
    {
        poll_fn(|cx| self.poll_call(cx, |end| pending(call(end)))).await?
    }

    /// [`wait`](Endpoint::wait) for a call whose result borrows the endpoint.
    pub(crate) async fn wait_borrowing<'a, R, F>(
        &'a mut self,
        mut call: impl FnMut(&'a mut E) -> Result<R, F>,
    ) -> Result<R, F>
    where
        F: Failure + From<Error> + 'static,
    {
        let call = |end: &mut E| {
            let end: *mut E = end;
            // SAFETY: because `self` is borrowed for `'a`, and the reference is the only one while
            // it is used. Either the call fails, and its error borrows nothing. Or its result is
            // returned immediately, and `self` is not used again.
            pending(call(unsafe { &mut *end }))
        };
        let mut call = call;
        poll_fn(|cx| self.poll_call(cx, &mut call)).await?
    }

    /// Waits until a `try_` call takes the message. `would_block` decides which failures are waited
    /// for. A failure returns the message.
    pub(crate) async fn wait_sending<M, R>(
        &mut self,
        message: M,
        mut call: impl FnMut(&mut E, M) -> Result<R, SendError<M>>,
        would_block: impl Fn(&E, ErrorKind) -> bool,
    ) -> Result<R, SendError<M>> {
        let mut unsent = Some(message);
        poll_fn(|cx| {
            let sent = self.poll_call(cx, |end| {
                let Some(message) = unsent.take() else { return Poll::Pending };
                match call(end, message) {
                    Err(error) if would_block(end, error.kind()) => {
                        unsent = Some(error.into_message());
                        Poll::Pending
                    }
                    sent => Poll::Ready(sent),
                }
            });
            match (ready!(sent), unsent.take()) {
                (Ok(sent), _) => Poll::Ready(sent),
                (Err(error), Some(message)) => Poll::Ready(Err(SendError::new(message, error))),
                // Waiting fails only while the message is unsent.
                (Err(_), None) => Poll::Pending,
            }
        })
        .await
    }

    /// Receives for a stream, which ends when the peers have left.
    pub(crate) fn poll_receive<R, F>(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&mut E) -> Result<R, F>,
    ) -> Poll<Option<Result<R, F>>>
    where
        F: Failure + From<Error>,
    {
        Poll::Ready(match ready!(self.poll_call(cx, |end| pending(call(end)))) {
            Ok(Err(failed)) if failed.kind() == ErrorKind::Disconnected => None,
            Ok(received) => Some(received),
            Err(error) => Some(Err(error.into())),
        })
    }
}

/// No part of it is pinned.
impl<E> Unpin for Endpoint<E> {}

impl<E: Awaitable + fmt::Debug> fmt::Debug for Endpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.end).finish()
    }
}

/// The errors of `try_` calls.
pub(crate) trait Failure {
    fn kind(&self) -> ErrorKind;
}

macro_rules! impl_failure {
    ($($error:ty $(, $message:ident)?;)+) => {$(
        impl$(<$message>)? Failure for $error {
            fn kind(&self) -> ErrorKind {
                Self::kind(self)
            }
        }
    )+};
}

impl_failure! {
    Error;
    RecvError;
    SendError<T>, T;
    SendAllError;
}

/// `Pending` for a `try_` call that would block.
pub(crate) fn pending<R, F: Failure>(result: Result<R, F>) -> Poll<Result<R, F>> {
    match result {
        Err(failed) if failed.kind().is_would_block() => Poll::Pending,
        result => Poll::Ready(result),
    }
}
