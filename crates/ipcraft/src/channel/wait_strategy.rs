//! How an endpoint waits.

/// What an endpoint does while it waits for a message or for space.
///
/// Each endpoint has a strategy of its own, which can be changed at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Spins, and keeps one core busy. It has the lowest latency if each side has a core of its
    /// own, and is by far the slowest if both share one.
    Spin,
    /// Blocks in `futex(2)` without spinning. The peer has to wake it by a system call.
    Block,
    /// Spins for a few microseconds, then blocks.
    ///
    /// It blocks without spinning if both sides share a core, or if recent waits were long. If the
    /// channel has more endpoints than the machine has cores, it yields between polls
    /// (`sched_yield(2)`).
    #[default]
    Adaptive,
}
