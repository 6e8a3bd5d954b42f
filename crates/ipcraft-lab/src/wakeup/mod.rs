//! Sleeping and waking: the lost wake-up, and what prevents it.
//!
//! A consumer finds the buffer empty, and decides to sleep. Before it does, the producer puts an
//! item and wakes it: a wake-up for a process that does not sleep yet. It is lost, and both sleep
//! forever.
//!
//! [`construct`] stops the consumer between its test and its sleep, so that the loss does not
//! depend on chance. [`by_chance`] waits until it happens. [`two_wakeups`] shows that one bit for
//! wake-ups is not enough.

mod buffer;
mod chance;
mod construction;
mod counting;
mod semaphore;
mod spinning;
mod wait_point;

pub use chance::{Chance, by_chance};
pub use construction::{Construction, Proof, construct};
pub use counting::{Counting, two_wakeups};
pub use semaphore::{SemaphoreFacts, semaphore_facts};
pub use spinning::{Spinning, spinning};

use serde::{Deserialize, Serialize};

/// The number of items that the buffer has room for.
pub const CAPACITY: u32 = 4;

/// How a process sleeps and is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// pause(2), and a signal with a handler that does nothing.
    Signal,
    /// The signal is blocked, so the kernel keeps one bit while the process is awake; sigsuspend(2)
    /// unblocks it and sleeps in one step.
    WaitingBit,
    /// A realtime signal is blocked, and the kernel keeps each one; sigwaitinfo(2).
    QueuedSignal,
    /// A POSIX semaphore: the test is part of the operation.
    Semaphore,
    /// An eventfd that counts.
    EventFd,
    /// A futex: the kernel compares the count and sleeps in one step.
    Futex,
    /// A condition variable: the test is made under a mutex, which sleeping releases.
    Condvar,
}

impl Method {
    /// All methods. The first loses wake-ups.
    pub const ALL: [Method; 7] = [
        Method::Signal,
        Method::WaitingBit,
        Method::QueuedSignal,
        Method::Semaphore,
        Method::EventFd,
        Method::Futex,
        Method::Condvar,
    ];

    /// The methods that can wake a process which does not test a condition.
    pub const MEMORISING: [Method; 4] =
        [Method::WaitingBit, Method::QueuedSignal, Method::Semaphore, Method::EventFd];

    /// Returns whether a wake-up for a process that is awake is lost.
    pub fn loses_wakeups(self) -> bool {
        self == Method::Signal
    }
}
