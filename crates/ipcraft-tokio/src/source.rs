//! What can be awaited.

use std::os::fd::{AsFd, OwnedFd};

use ipcraft::channel::{Reactor, Readiness};
use ipcraft::event::EventFd;
use ipcraft::process::PidFd;
use ipcraft::queue::posix::{NotificationFd, Queue};
use ipcraft::signal::SignalFd;
use ipcraft::socket::{datagram, seqpacket, stream};
use ipcraft::{Result, fifo, pipe};
use tokio::io::Interest;

use crate::Async;

/// A handle whose descriptor polls. The trait is sealed, since the reactor relies on handles that
/// never exchange their descriptor.
pub trait Source: AsFd + sealed::Sealed {
    /// The directions in which the handle transfers.
    #[doc(hidden)]
    const INTEREST: Interest;
}

pub(crate) mod sealed {
    /// Keeps foreign types from implementing the traits of this crate.
    pub trait Sealed {}
}

/// Converts a handle or an endpoint of `ipcraft` to its async form.
///
/// Handles become [`Async`], endpoints of channels become [`Endpoint`](crate::Endpoint).
pub trait IntoAsync: Sized {
    /// The async form.
    type Async;

    /// Registers it with the current runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Async::new`] or [`Endpoint::new`](crate::Endpoint::new).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and in one without IO.
    fn into_async(self) -> Result<Self::Async>;
}

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

macro_rules! impl_source {
    ($($interest:expr => $($handle:ty),+;)+) => {$($(
        impl Source for $handle {
            const INTEREST: Interest = $interest;
        }
    )+)+};
}

macro_rules! impl_into_async {
    ($($handle:ty),+) => {$(
        impl sealed::Sealed for $handle {}

        impl IntoAsync for $handle {
            type Async = Async<Self>;

            fn into_async(self) -> Result<Async<Self>> {
                Async::new(self)
            }
        }
    )+};
}

impl_into_async! {
    pipe::Reader, pipe::Writer, fifo::Reader, fifo::Writer, stream::Stream, stream::Listener,
    seqpacket::Connection, seqpacket::Listener, datagram::Socket, Queue, NotificationFd<'_>, EventFd,
    SignalFd, PidFd, Readiness, Reactor, OwnedFd
}

impl_source! {
    Interest::READABLE => pipe::Reader, fifo::Reader, PidFd, SignalFd, NotificationFd<'_>, Readiness, Reactor,
        stream::Listener, seqpacket::Listener;
    Interest::WRITABLE => pipe::Writer, fifo::Writer;
    BOTH => stream::Stream, datagram::Socket, seqpacket::Connection, Queue, EventFd, OwnedFd;
}
