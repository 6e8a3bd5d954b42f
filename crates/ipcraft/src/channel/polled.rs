//! An endpoint and its descriptor, for event loops.

use std::os::fd::{AsFd, BorrowedFd};

use super::{
    Message, Reactor, Readiness, Registration, WaitStrategy, broadcast, latest, mpmc, request, spsc,
};
use crate::error::Result;

/// An endpoint that can wait in an event loop: it has a descriptor that polls as readable, and
/// `try_` calls.
pub trait Awaitable: sealed::Sealed {
    /// Returns a descriptor that polls as readable when the endpoint may have something to do. It
    /// is the endpoint's method of the same name.
    ///
    /// # Errors
    ///
    /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if no descriptor or thread can
    /// be created.
    fn readiness(&self) -> Result<Readiness>;

    /// Registers the endpoint with a reactor, which waits for many. It is the endpoint's method of
    /// the same name.
    ///
    /// # Errors
    ///
    /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if the kernel has no watch left,
    /// and no descriptor or thread can be created instead.
    fn register(&self, reactor: &Reactor) -> Result<Registration>;

    /// Returns how the endpoint waits. An event loop does not spin where this is
    /// [`Block`](WaitStrategy::Block).
    fn wait_strategy(&self) -> WaitStrategy;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! impl_awaitable {
    ($($endpoint:ty $(, $message:ident)*;)*) => {$(
        impl<$($message: Message),*> sealed::Sealed for $endpoint {}

        impl<$($message: Message),*> Awaitable for $endpoint {
            fn readiness(&self) -> Result<Readiness> {
                Self::readiness(self)
            }

            fn register(&self, reactor: &Reactor) -> Result<Registration> {
                Self::register(self, reactor)
            }

            fn wait_strategy(&self) -> WaitStrategy {
                Self::wait_strategy(self)
            }
        }
    )*};
}

impl_awaitable! {
    spsc::Sender<T>, T;
    spsc::Receiver<T>, T;
    spsc::bytes::Sender;
    spsc::bytes::Receiver;
    mpmc::Sender<T>, T;
    mpmc::Receiver<T>, T;
    broadcast::Publisher<T>, T;
    broadcast::Subscriber<T>, T;
    latest::Reader<T>, T;
    request::Client<Q, A>, Q, A;
    request::Server<Q, A>, Q, A;
}

/// An endpoint together with its [`Readiness`]: a source for any event loop, without a runtime.
///
/// It polls as readable when the endpoint may have something to do.
/// [`attempt`](Polled::attempt) keeps the order that `Readiness` demands, so no event is missed.
/// The crate `ipcraft-tokio` does the same for tokio, and docs/async.md has recipes for async-io
/// and mio.
///
/// With poll(2):
///
/// ```
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use std::os::fd::AsFd;
/// use ipcraft::ErrorKind;
/// use ipcraft::channel::{Polled, spsc};
///
/// let (mut sender, receiver) = spsc::channel::<u32>(16)?;
/// let mut source = Polled::new(receiver)?;
/// sender.send(7)?; // usually in another process
/// let number = loop {
///     match source.attempt(|receiver| receiver.try_recv()) {
///         Err(error) if error.kind().is_would_block() => {
///             poll(&mut [PollFd::new(source.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
///         }
///         received => break received?,
///     }
/// };
/// assert_eq!(number, 7);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// As for [`Readiness`], create a new one after a fork.
#[derive(Debug)]
pub struct Polled<E> {
    // Before the endpoint, whose memory it waits on.
    readiness: Readiness,
    endpoint: E,
}

impl<E: Awaitable> Polled<E> {
    /// Creates the descriptor of this endpoint.
    ///
    /// # Errors
    ///
    /// As for [`Awaitable::readiness`]. On error, the endpoint is dropped.
    pub fn new(endpoint: E) -> Result<Self> {
        Ok(Polled { readiness: endpoint.readiness()?, endpoint })
    }

    /// Makes a `try_` call. If it would block, makes it once more after the descriptor was cleared.
    ///
    /// If this fails with an error that [would block](crate::ErrorKind::is_would_block), poll the
    /// descriptor and repeat the call. To keep the message of a failed send, clone it beforehand or
    /// store the [`SendError`](super::SendError) in the closure.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub fn attempt<R>(&mut self, mut call: impl FnMut(&mut E) -> Result<R>) -> Result<R> {
        match call(&mut self.endpoint) {
            Err(error) if error.kind().is_would_block() => {
                self.readiness.clear()?;
                call(&mut self.endpoint)
            }
            result => result,
        }
    }

    /// Returns the endpoint.
    pub fn get_ref(&self) -> &E {
        &self.endpoint
    }

    /// Returns the endpoint, for calls that do not wait.
    pub fn get_mut(&mut self) -> &mut E {
        &mut self.endpoint
    }

    /// Returns the endpoint without the descriptor.
    pub fn into_inner(self) -> E {
        self.endpoint
    }
}

impl<E> AsFd for Polled<E> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readiness.as_fd()
    }
}
