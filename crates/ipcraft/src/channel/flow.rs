//! The words in shared memory by which the two sides of one ring know of each other.

use super::atomic::{AtomicU32, AtomicU64};
use super::bell::Bell;

/// What one direction needs besides its slots. Zero bytes are a flow that nobody has used yet.
///
/// Nothing here is believed: a position is checked against the reader's own before it is used, and the rest are hints of
/// which a wrong one costs time.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Flow {
    /// Written by senders.
    pub(super) senders: Side,
    /// Written by receivers.
    pub(super) receivers: Side,
    /// Receivers sleep here until there is something to receive.
    pub(super) items: Bell,
    /// Senders sleep here until there is room.
    pub(super) room: Bell,
}

/// How many words of a small message go beside the position.
pub(super) const INLINE: usize = 6;

/// What the ends of one side write. The first line is what the other side polls.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(super) struct Side {
    /// How many messages have been sent or received, from the start of the channel on; wraps.
    pub(super) position: AtomicU64,
    /// Which message `inline` is a copy of, where a ring has such copies.
    pub(super) copied: AtomicU64,
    /// The last message, if it is small: so one line brings the news and the message.
    pub(super) inline: [AtomicU64; INLINE],
    /// One more than the number of the processor that an end ran on when it last said so.
    pub(super) processor: AtomicU32,
    /// How many ends have come; wraps.
    pub(super) arrivals: AtomicU32,
    /// How often something was taken out of the hands of a dead end, where a ring has such; wraps.
    pub(super) burials: AtomicU32,
}
