//! Every constant that trades time for time, with its unit and the measurement behind it.
//!
//! None of them affects correctness. Figures are from `docs/decisions` and `docs/benchmarks.md`,
//! measured on a virtual machine with two cores.

use std::time::Duration;

/// Upper bound of the time between two checks whether the peers of a blocked endpoint are alive.
///
/// A check is one system call (`F_OFD_GETLK`), so a blocked endpoint costs four calls a second.
pub(crate) const LIVENESS_INTERVAL: Duration = Duration::from_millis(250);

/// How long an adaptive waiter spins before it blocks, when its peer runs on another core.
///
/// Waking a blocked thread on another core takes about as long, so spinning for longer cannot win.
pub(crate) const SPIN_LIMIT: Duration = Duration::from_micros(20);

/// Upper bound of the time that an adaptive waiter yields to others, when there are more endpoints
/// than cores. It bounds the wait by the clock, since a yield may take a scheduling quantum.
pub(crate) const SPIN_LIMIT_OVERSUBSCRIBED: Duration = Duration::from_millis(1);

/// Polls between two reads of the clock: the read takes some 25 ns, one poll about as long.
pub(crate) const SPINS_PER_CLOCK_READ: u32 = 64;

/// Assumed duration of [`SPINS_PER_CLOCK_READ`] polls, for rounds that end with a yield.
pub(crate) const SPIN_ROUND_ESTIMATE: Duration = Duration::from_micros(1);

/// After this long since the last liveness check, checking before every message is cheap
/// relative to the send rate: at most one system call for each of 50 messages a second.
pub(crate) const IDLE_THRESHOLD: Duration = Duration::from_millis(20);

/// Messages between two liveness checks of a sender that never waits.
pub(crate) const CHECK_EVERY: u32 = 64;

/// The same for a sender whose last two checks were within one [`COARSE_CLOCK_TICK`]. At this
/// rate, 256 messages take less than the liveness interval.
pub(crate) const CHECK_EVERY_BUSY: u32 = 256;

/// About one tick of `CLOCK_MONOTONIC_COARSE` (4 ms with `CONFIG_HZ=250`).
pub(crate) const COARSE_CLOCK_TICK: Duration = Duration::from_millis(4);

/// Notifications without a waiter after which a doorbell is disarmed, and notifying needs no fence.
pub(crate) const DISARM_AFTER: u32 = if cfg!(all(test, loom)) { 2 } else { 64 };

/// Upper bound of the first wait on a disarmed doorbell. A store becomes visible to all cores
/// within a microsecond, and the shortest useful timer is far longer.
pub(crate) const BOUNDED_WAIT: Duration = Duration::from_millis(1);

/// Longest pause of [`PollBackoff`](super::ring::backoff::PollBackoff), in `PAUSE` instructions:
/// between 0.1 and 0.5 us. Pausing is worth a fifth to a third of the rate of 8-byte messages.
pub(crate) const MAX_SPINS: u8 = 8;

/// By how many `PAUSE` instructions the pause grows.
pub(crate) const SPINS_STEP: u8 = 4;

/// Number of messages (or free slots) that is worth a poll in any case, so the pause does not
/// grow.
pub(crate) const BATCH_WORTHWHILE: u64 = 32;

/// Upper bound of a reader's batch score. After this many single messages in a row, a reader
/// requests inline delivery.
pub(crate) const BATCH_SCORE_MAX: u8 = 64;

/// By how much the batch score grows when several messages are found together.
pub(crate) const BATCH_SCORE_STEP: u8 = 32;

/// Positions between two updates of a shared position hint of a work queue.
pub(crate) const HINT_INTERVAL: u64 = 32;

/// Slots that an endpoint of a work queue passes before it reads the shared hint again.
pub(crate) const STEPS_PER_HINT_CHECK: u64 = 8;

/// Lost races that an endpoint of a work queue tolerates in one call, in addition to two rounds
/// of the ring.
pub(crate) const MAX_RETRIES: u64 = 1000;

/// Retries of a reader of the newest value that was overwritten while being copied.
pub(crate) const MAX_LOAD_RETRIES: u32 = 64;

/// Upper bound of the messages that a drain holds before it frees their slots.
pub(crate) const DRAIN_BATCH: u32 = 64;

/// Upper bound of the words that a drain of records holds before it frees them (16 KiB).
pub(crate) const DRAIN_BATCH_WORDS: u64 = 2048;

/// Attempts of an endpoint to become the only holder of its lease, which a liveness check shares
/// for a moment.
pub(crate) const MAX_UNIQUE_ATTEMPTS: u32 = 2000;

/// Pause between two such retries: a liveness check takes a few microseconds.
pub(crate) const UNIQUE_RETRY_INTERVAL: Duration = Duration::from_micros(50);

/// How often a new subscriber retries while all leases seem taken: the publisher takes that of a
/// dead subscriber for a moment.
pub(crate) const MAX_JOIN_ATTEMPTS: u32 = 3;

/// Pause between two such retries.
pub(crate) const JOIN_RETRY_INTERVAL: Duration = Duration::from_millis(1);

/// Largest value in bytes that is copied word by word; beyond it, `memcpy(3)` is faster.
pub(crate) const MAX_WORDWISE_VALUE: usize = 128;

/// Largest record in bytes that is copied word by word. The length is known at run time only, so
/// `memcpy(3)` is faster earlier than for a value.
pub(crate) const MAX_WORDWISE_RECORD: usize = 64;

/// Records longer than this start at a cache line, where `memcpy(3)` is fastest.
pub(crate) const MIN_LINE_ALIGNED_RECORD: usize = 256;

/// How long a server waits for space for a reply.
///
/// A client sends a request only while it has space for the reply. It discards the replies to
/// its predecessor before its first request, which takes microseconds.
pub(crate) const MAX_REPLY_WAIT: Duration = Duration::from_secs(1);
