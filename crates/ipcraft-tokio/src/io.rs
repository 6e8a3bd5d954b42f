//! A handle with a descriptor, registered with the reactor of a runtime.

#![allow(unsafe_code)]

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};

use ipcraft::{Error, Result};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::task::coop::poll_proceed;

use crate::pause::{Pause, wake_later};
use crate::source::Source;

const REGISTER: &str = "epoll_ctl";
const AWAIT: &str = "await an event of a runtime that has ended";

/// A handle that a tokio runtime polls.
///
/// [`into_async`](crate::IntoAsync::into_async) creates it. Each mechanism adds its calls:
/// `Async<pipe::Reader>` reads, `Async<posix::Queue>` sends and receives. The modules of this crate
/// give the types short names.
///
/// Calls take `&self`, so several tasks may use one handle. An event wakes each task that waits for
/// it, and one of them gets what has arrived.
///
/// **Cancellation.** A call waits first. Then it makes one non-blocking call and returns its result
/// in the same poll. So a dropped future has transferred nothing, unless its page states otherwise.
///
/// **Runtimes.** The handle belongs to the runtime in which it was created. Tasks of other runtimes
/// may use it. After its runtime has ended, calls that wait fail with
/// [`Other`](ipcraft::ErrorKind::Other).
///
/// **Fork.** Use and drop the handle only in the process that created it. A forked child shares the
/// reactor, and dropping the handle there removes it from the reactor of the parent. A child that
/// executes a program is not affected.
pub struct Async<T: Source> {
    fd: AsyncFd<Registered<T>>,
}

/// Gives the reactor the number of the descriptor.
struct Registered<T>(T);

impl<T: AsFd> AsRawFd for Registered<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

type Guard<'a, T> = AsyncFdReadyGuard<'a, Registered<T>>;

impl<T: Source> Async<T> {
    /// `epoll_ctl(2)`: registers the handle with the current runtime.
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ipcraft::ErrorKind::PermissionDenied) if the descriptor does not
    ///   poll, as that of a regular file;
    /// * [`LimitReached`](ipcraft::ErrorKind::LimitReached) above
    ///   `/proc/sys/fs/epoll/max_user_watches`.
    ///
    /// On error, the handle is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and in one without IO. A few calls need the runtime's timer too,
    /// so build it with [`enable_all`](tokio::runtime::Builder::enable_all).
    #[doc(alias = "epoll_ctl")]
    pub fn new(handle: T) -> Result<Self> {
        // SAFETY: because every `Source` keeps one open descriptor, under one number, for as long
        // as it exists: the trait is sealed.
        match unsafe { AsyncFd::register_with_interest(Registered(handle), T::INTEREST) } {
            Ok(fd) => Ok(Async { fd }),
            Err(failed) => Err(Error::from_io(REGISTER, &failed.into())),
        }
    }

    /// Returns the handle, for calls that do not wait.
    ///
    /// Its `try_` calls are right in a task. Its blocking calls block the thread of the runtime.
    pub fn get_ref(&self) -> &T {
        &self.fd.get_ref().0
    }

    /// Returns the handle and removes it from the reactor.
    pub fn into_inner(self) -> T {
        self.fd.into_inner().0
    }

    /// Waits until a read may succeed, or the other side has left. It may also return too early.
    ///
    /// Cancel safe: it transfers nothing.
    ///
    /// # Errors
    ///
    /// [`Other`](ipcraft::ErrorKind::Other) if the runtime of the handle has ended.
    pub async fn readable(&self) -> Result<()> {
        self.fd.readable().await.map(drop).map_err(|e| ended(&e))
    }

    /// Waits until a write may succeed, or the other side has left. It may also return too early.
    ///
    /// Cancel safe: it transfers nothing.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Async::readable).
    pub async fn writable(&self) -> Result<()> {
        self.fd.writable().await.map(drop).map_err(|e| ended(&e))
    }

    /// Makes a `try_` call that reads: waits until the handle is readable, and repeats the call
    /// while it [would block](ipcraft::ErrorKind::is_would_block).
    ///
    /// Cancel safe, since every `try_` call transfers its message or nothing.
    ///
    /// ```
    /// use ipcraft::event::EventFd;
    /// use ipcraft_tokio::IntoAsync;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> ipcraft::Result<()> {
    /// let event = EventFd::new(3)?.into_async()?;
    /// assert_eq!(event.read_with(|event| event.try_take()).await?, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the call; [`Other`](ipcraft::ErrorKind::Other) if the runtime of the handle has
    /// ended.
    pub async fn read_with<R>(&self, call: impl FnMut(&T) -> Result<R>) -> Result<R> {
        self.attempt(Interest::READABLE, call).await
    }

    /// [`read_with`](Async::read_with) for a call that writes.
    ///
    /// # Errors
    ///
    /// As for [`read_with`](Async::read_with).
    pub async fn write_with<R>(&self, call: impl FnMut(&T) -> Result<R>) -> Result<R> {
        self.attempt(Interest::WRITABLE, call).await
    }

    async fn attempt<R>(&self, interest: Interest, mut call: impl FnMut(&T) -> Result<R>) -> Result<R> {
        let mut pause = Pause::new();
        loop {
            let guard = self.fd.ready(interest).await.map_err(|e| ended(&e))?;
            poll_fn(poll_proceed).await.made_progress();
            match call(self.get_ref()) {
                Err(error) if error.kind().is_would_block() => {
                    if !consume(guard) {
                        pause.sleep().await;
                    }
                }
                result => return result,
            }
        }
    }

    /// [`read_with`](Async::read_with) as a poll function. Only the task that polled last is woken.
    pub(crate) fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut(&T) -> Result<R>,
    ) -> Poll<Result<R>> {
        self.poll_attempt(cx, AsyncFd::poll_read_ready, call)
    }

    /// [`write_with`](Async::write_with) as a poll function. Only the task that polled last is
    /// woken.
    pub(crate) fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut(&T) -> Result<R>,
    ) -> Poll<Result<R>> {
        self.poll_attempt(cx, AsyncFd::poll_write_ready, call)
    }

    fn poll_attempt<'a, R>(
        &'a self,
        cx: &mut Context<'_>,
        poll_ready: impl Fn(&'a AsyncFd<Registered<T>>, &mut Context<'_>) -> Poll<io::Result<Guard<'a, T>>>,
        mut call: impl FnMut(&T) -> Result<R>,
    ) -> Poll<Result<R>> {
        loop {
            let guard = ready!(poll_ready(&self.fd, cx)).map_err(|e| ended(&e))?;
            match call(self.get_ref()) {
                Err(error) if error.kind().is_would_block() => {
                    if !consume(guard) {
                        wake_later(cx.waker());
                        return Poll::Pending;
                    }
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Waits for an event and consumes it. What the event is about must be examined afterwards.
    pub(crate) async fn consume_event(&self) -> Result<()> {
        consume(self.fd.readable().await.map_err(|e| ended(&e))?);
        Ok(())
    }
}

/// Consumes the event, since the call would block. Returns false if the reactor keeps it: a hang-up
/// is final for tokio, but not for a FIFO, which may get a new writer.
fn consume<T: Source>(mut guard: Guard<'_, T>) -> bool {
    let is_final = guard.ready().is_read_closed() || guard.ready().is_write_closed();
    guard.clear_ready();
    !is_final
}

/// The error of waiting after the runtime has ended.
#[cold]
pub(crate) fn ended(error: &io::Error) -> Error {
    Error::from_io(AWAIT, error)
}

impl<T: Source> AsFd for Async<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: Source + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}
