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

/// What the ends of one side write, on a line (or two, which processors fetch in pairs) of its own.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(super) struct Side {
    /// How many messages have been sent or received, from the start of the channel on; wraps.
    pub(super) position: AtomicU64,
    /// One more than the number of the processor that an end ran on when it last said so.
    pub(super) processor: AtomicU32,
    /// How many ends have come; wraps.
    pub(super) arrivals: AtomicU32,
}
