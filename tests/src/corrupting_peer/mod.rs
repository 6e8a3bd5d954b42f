//! Channels whose memory a peer corrupts.
//!
//! [`KINDS`] makes channels of every kind. This process has both endpoints, and calls every
//! operation that they have. A [`Corruptor`] writes to the same memory, from another process or
//! between two calls. Whatever the memory holds, a call returns a value or an error.

mod clock;
mod corruptor;
mod endpoints;
mod fuzz;
mod random;

use std::os::fd::OwnedFd;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

use crate::channel_kind::{Broadcast, Bytes, Latest, Mpmc, OverwritingBroadcast, Spsc, UncheckedRequests};
pub use clock::Clock;
pub use corruptor::Corruptor;
use endpoints::make;
pub use fuzz::fuzz;
pub use random::Random;

/// A channel, and the endpoints that this process has at the moment.
pub trait Target {
    /// The descriptor of the channel's memory.
    fn descriptor(&self) -> OwnedFd;

    /// Calls one operation, which the number chooses.
    fn operate(&mut self, choice: u8, clock: &mut Clock);
}

/// A kind of channel with messages of one type.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name in the names of tests.
    pub name: &'static str,
    /// Makes an anonymous channel.
    pub make: fn() -> Box<dyn Target>,
}

/// A message of many words.
type Large = [u64; 40];

/// Every kind, with messages of different sizes, some of which have bytes that are no value.
pub const KINDS: &[Kind] = &[
    Kind { name: "spsc_word", make: make::<Spsc<u64>> },
    Kind { name: "spsc_char", make: make::<Spsc<char>> },
    Kind { name: "spsc_large", make: make::<Spsc<Large>> },
    Kind { name: "bytes", make: make::<Bytes<[u64; 5]>> },
    Kind { name: "mpmc_word", make: make::<Mpmc<u64>> },
    Kind { name: "mpmc_char", make: make::<Mpmc<char>> },
    Kind { name: "mpmc_large", make: make::<Mpmc<Large>> },
    Kind { name: "broadcast_word", make: make::<Broadcast<u64>> },
    Kind { name: "overwriting_broadcast_large", make: make::<OverwritingBroadcast<Large>> },
    Kind { name: "latest_char", make: make::<Latest<char>> },
    Kind { name: "latest_large", make: make::<Latest<Large>> },
    Kind { name: "request_char", make: make::<UncheckedRequests<char>> },
    Kind { name: "request_large", make: make::<UncheckedRequests<Large>> },
];

/// Maps the memory behind a descriptor once more.
///
/// # Panics
///
/// If it is not the memory of a channel.
pub fn map(memory: &OwnedFd) -> Mapping {
    let memory = memory.try_clone().expect("a descriptor");
    Memfd::try_from(memory).expect("the memory of a channel").map().expect("room")
}
