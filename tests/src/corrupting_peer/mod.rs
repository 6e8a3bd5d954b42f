//! Channels with somebody who writes what he likes to their memory.
//!
//! [`KINDS`] has one channel of each kind, of which this process has both ends and does everything that can be done with
//! them; a [`Corruptor`] writes to the same memory, from another process or between two calls. Whatever is there, a call
//! returns: a value or an error.

mod broadcast;
mod bytes;
mod clock;
mod corruptor;
mod fuzz;
mod latest;
mod mpmc;
mod random;
mod spsc;

use std::os::fd::{AsFd, OwnedFd};

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

pub use clock::Clock;
pub use corruptor::Corruptor;
pub use fuzz::fuzz;
pub use random::Random;

/// A channel, and what ends of it this process has at the moment.
pub trait Target {
    /// The descriptor of the channel's memory.
    fn descriptor(&self) -> OwnedFd;

    /// Does one of all the things that can be done: which, depends on the number.
    fn operate(&mut self, choice: u8, clock: &mut Clock);
}

/// A kind of channel.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Of which messages are what.
    pub name: &'static str,
    /// Makes a channel of it, without a name.
    pub make: fn() -> Box<dyn Target>,
}

/// Every kind, with messages of different sizes, and some of which not all bytes are values.
pub const KINDS: &[Kind] = &[
    Kind { name: "spsc of words", make: spsc::make::<u64> },
    Kind { name: "spsc of characters", make: spsc::make::<char> },
    Kind { name: "spsc of large messages", make: spsc::make::<[u64; 40]> },
    Kind { name: "spsc of bytes", make: bytes::make },
    Kind { name: "mpmc of words", make: mpmc::make::<u64> },
    Kind { name: "mpmc of large messages", make: mpmc::make::<[u64; 40]> },
    Kind { name: "broadcast that holds back", make: broadcast::hold_back::<u64> },
    Kind { name: "broadcast that overwrites", make: broadcast::overwrite::<[u64; 40]> },
    Kind { name: "latest of characters", make: latest::make::<char> },
    Kind { name: "latest of large values", make: latest::make::<[u64; 40]> },
];

/// What such a channel carries.
pub(crate) trait Payload: ipcraft::channel::Message {
    fn some() -> Self;
}

impl Payload for u64 {
    fn some() -> u64 {
        7
    }
}

impl Payload for char {
    fn some() -> char {
        'i'
    }
}

impl Payload for [u64; 40] {
    fn some() -> Self {
        [7; 40]
    }
}

/// Room for how many messages there is: few, so that the ends come round soon.
const CAPACITY: usize = 8;

/// More than a channel can have, so that what takes all that is there must have come to an end before.
const PLENTY: usize = 1000;

/// The memory behind a descriptor, mapped once more.
///
/// # Panics
///
/// If it is not that of a channel.
pub fn map(memory: &OwnedFd) -> Mapping {
    let memory = memory.try_clone().expect("a descriptor");
    Memfd::try_from(memory).expect("the memory of a channel").map().expect("room")
}

fn duplicate(channel: &impl AsFd) -> OwnedFd {
    channel.as_fd().try_clone_to_owned().expect("a descriptor")
}
