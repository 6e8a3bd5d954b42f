//! How an end waits.

/// What an end does while it has to wait: for a message, or for room.
///
/// Each end decides for itself, and may change its mind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Looks again and again, and takes a whole processor for it: the fastest where both sides have one each, and by far
    /// the slowest where they share one.
    Spin,
    /// Sleeps at once (futex(2)), and has to be woken by the other side's system call.
    Block,
    /// Looks again for some microseconds while the other side runs on another processor, and sleeps then; at once if both
    /// share a processor, or if what it waited for has taken long of late. Where a channel has more ends than there are
    /// processors, it lets others run between two looks (sched_yield(2)).
    #[default]
    Adaptive,
}
