//! Every tuning constant, with its unit and the measurement behind it.
//!
//! No channel depends on them for correctness. Figures are from `docs/decisions` and
//! `docs/benchmarks.md`. Unless stated otherwise, they were taken on a virtual machine with two
//! cores.

use std::time::Duration;

/// Longest time between two liveness checks of an endpoint that is blocked or sends. It bounds how
/// late the endpoint notices that its peer was killed.
///
/// A check is one system call (`F_OFD_GETLK`), so a blocked endpoint makes four of them per second.
pub(crate) const LIVENESS_INTERVAL: Duration = Duration::from_millis(250);

/// Pauses between a report of a close and its repetitions. The kernel reports the close before it
/// releases the lease, and other threads may run in between.
pub(crate) const CLOSE_REPEATS: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(4),
    Duration::from_millis(15),
    Duration::from_millis(60),
    Duration::from_millis(170),
];

/// Most instances of inotify(7) that one process takes for [`Readiness`](super::Readiness). A user
/// has 128 by default, which all programs share.
pub(crate) const MAX_READINESS_INSTANCES: usize = 16;

/// Shortest time that an adaptive waiter spins before it blocks, if its peer runs on another core.
///
/// The waiter spins for about as long as a wake-up of it has recently taken: 20 us to
/// [`MAX_SPIN_LIMIT`]. Then a wait costs at most twice what the better of spinning and blocking
/// would have cost.
pub(crate) const SPIN_LIMIT: Duration = Duration::from_micros(20);

/// Longest time that an adaptive waiter spins. A wake-up takes 35 to 85 us on a virtual machine.
pub(crate) const MAX_SPIN_LIMIT: Duration = Duration::from_micros(100);

/// Part of its estimate of a wake-up that a waiter forgets with each faster wake-up, as a divisor.
/// No measurement chose the value: one slow wake-up counts for about as many waits.
pub(crate) const WAKE_COST_DECAY: u32 = 16;

/// Longest time that an adaptive waiter yields before it blocks, if there are more endpoints than
/// cores. The clock bounds it, since one yield may take a scheduling quantum.
pub(crate) const SPIN_LIMIT_OVERSUBSCRIBED: Duration = Duration::from_millis(1);

/// Polls between two reads of the clock. The read takes about 25 ns, as long as one poll.
pub(crate) const SPINS_PER_CLOCK_READ: u32 = 64;

/// Assumed duration of [`SPINS_PER_CLOCK_READ`] polls, for rounds that end with a yield.
pub(crate) const SPIN_ROUND_ESTIMATE: Duration = Duration::from_micros(1);

/// Longest time between two liveness checks of an endpoint that is used and does not block. After a
/// pause of this length, the next call checks.
///
/// A check is one system call, so an endpoint in use makes at most 50 of them per second.
pub(crate) const ACTIVE_LIVENESS_INTERVAL: Duration = Duration::from_millis(20);

/// Stores of a [`latest`](super::latest) channel between two updates of the writer's CPU.
pub(crate) const STORES_PER_CPU_UPDATE: u32 = 64;

/// Messages that a new sender sends before its first check. Opening it checks, too.
pub(crate) const FIRST_UNTIMED_CALLS: u32 = 2;

/// Most calls that succeed between two reads of the clock, or most polls that find nothing.
///
/// If an endpoint was fast and pauses, this many calls may pass before the next liveness check. The
/// clock is `CLOCK_MONOTONIC_COARSE`, whose reading takes half as long as `RDTSC`.
pub(crate) const MAX_UNTIMED_CALLS: u32 = 7;

/// Notifications without a waiter after which a doorbell is disarmed. Notifying a disarmed doorbell
/// needs no fence.
pub(crate) const DISARM_AFTER: u32 = if cfg!(all(test, loom)) { 2 } else { 64 };

/// Longest first wait on a disarmed doorbell. A store becomes visible to all cores within a
/// microsecond, and the shortest useful timer is far longer.
pub(crate) const BOUNDED_WAIT: Duration = Duration::from_millis(1);

/// Longest pause of [`PollBackoff`](super::ring::backoff::PollBackoff), in `PAUSE` instructions:
/// between 0.1 and 0.5 us. Pausing raises the rate of 8-byte messages by a fifth to a third.
pub(crate) const MAX_SPINS: u8 = 8;

/// Increment of the pause, in `PAUSE` instructions.
pub(crate) const SPINS_STEP: u8 = 4;

/// Messages (or free slots) found by one poll from which on the pause does not grow.
pub(crate) const BATCH_WORTHWHILE: u64 = 32;

/// Upper bound of a reader's batch score. A reader requests inline delivery after this many single
/// messages in a row. No measurement chose the value: a stream must not reach it by chance.
pub(crate) const BATCH_SCORE_MAX: u8 = 64;

/// Increment of the batch score if one poll finds several messages. No measurement chose the value:
/// two such polls end inline delivery for long enough.
pub(crate) const BATCH_SCORE_STEP: u8 = 32;

/// Positions between two updates of a shared position hint of a work queue. No measurement chose
/// the value: an endpoint that joins or lags passes at most this many slots more.
pub(crate) const HINT_INTERVAL: u64 = 32;

/// Slots that an endpoint of a work queue passes before it reads the shared hint again. No
/// measurement chose the value: the hint is in another cache line than the slots.
pub(crate) const STEPS_PER_HINT_CHECK: u64 = 8;

/// Lost races that an endpoint of a work queue tolerates in one call, in addition to two rounds of
/// the ring. No measurement chose the value: it bounds a call in corrupted memory.
pub(crate) const MAX_RETRIES: u64 = 1000;

/// Attempts to copy the newest value while the writer keeps overwriting it.
pub(crate) const MAX_LOAD_RETRIES: u32 = 64;

/// Messages that a drain takes before it frees their slots.
pub(crate) const DRAIN_BATCH: u32 = 64;

/// Words (16 KiB) of records that a drain takes before it frees them.
pub(crate) const DRAIN_BATCH_WORDS: u64 = 2048;

/// Retries of an endpoint that needs its lease exclusively, while a liveness check still shares it.
pub(crate) const MAX_UNIQUE_ATTEMPTS: u32 = 2000;

/// Pause between two of these retries. A liveness check takes a few microseconds.
pub(crate) const UNIQUE_RETRY_INTERVAL: Duration = Duration::from_micros(50);

/// Attempts of a new subscriber to get a lease while all seem taken. The publisher holds the lease
/// of a dead subscriber briefly during recovery.
pub(crate) const MAX_JOIN_ATTEMPTS: u32 = 3;

/// Pause between two of these attempts.
pub(crate) const JOIN_RETRY_INTERVAL: Duration = Duration::from_millis(1);

/// Largest value in bytes that is copied word by word. Above it, `memcpy(3)` is faster.
pub(crate) const MAX_WORDWISE_VALUE: usize = 128;

/// Largest record in bytes that is copied word by word. The length is known only at run time, so
/// `memcpy(3)` is faster from a smaller length on than for a value.
pub(crate) const MAX_WORDWISE_RECORD: usize = 64;

/// Longest record in bytes that need not start at a cache line. Longer ones do, since `memcpy(3)`
/// is fastest there.
pub(crate) const MIN_LINE_ALIGNED_RECORD: usize = 256;

/// Longest time that a server waits for space for a reply.
///
/// A client sends a request only while it has space for the reply. It discards the replies to its
/// predecessor before its first request, which takes microseconds.
pub(crate) const MAX_REPLY_WAIT: Duration = Duration::from_secs(1);
