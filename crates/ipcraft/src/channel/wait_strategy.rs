//! How endpoints wait.

/// How an endpoint waits for messages or space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Busy-waits. Lowest latency when each side has its own core; very slow when both share one.
    Spin,
    /// Blocks immediately.
    Block,
    /// Spins briefly, then blocks. Skips spinning when both sides share a core, or when recent
    /// waits were long.
    ///
    /// If a channel has more endpoints than the machine has cores, it yields between polls
    /// (`sched_yield(2)`).
    #[default]
    Adaptive,
}
