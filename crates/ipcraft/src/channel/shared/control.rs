//! The words in shared memory by which the two sides of one ring know of each other.

use crate::channel::shared::atomic::{AtomicU32, AtomicU64};
use crate::channel::shared::doorbell::Doorbell;

/// What one direction needs besides its slots. Zero bytes are a flow that nobody has used yet.
///
/// Nothing here is believed: a position is checked against the reader's own before it is used, and the rest are hints of
/// which a wrong one costs time.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct RingControl {
    /// Written by senders.
    pub(crate) senders: SideState,
    /// Written by receivers.
    pub(crate) receivers: SideState,
    /// Receivers sleep here until there is something to receive.
    pub(crate) items: Doorbell,
    /// Senders sleep here until there is room.
    pub(crate) space: Doorbell,
}

/// How many words of a small message go beside the position.
pub(crate) const INLINE_WORDS: usize = 6;

/// What the ends of one side write. The first line is what the other side polls.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(crate) struct SideState {
    /// How many messages have been sent or received, from the start of the channel on; wraps.
    pub(crate) position: AtomicU64,
    /// Which message `inline` is a copy of, where a ring has such copies.
    pub(crate) inline_tag: AtomicU64,
    /// The last message, if it is small: so one line brings the news and the message.
    pub(crate) inline: [AtomicU64; INLINE_WORDS],
    /// One more than the number of the processor that an end ran on when it last said so.
    pub(crate) cpu: AtomicU32,
    /// How many ends have come; wraps.
    pub(crate) registrations: AtomicU32,
    /// How often something was taken out of the hands of a dead end, where a ring has such; wraps.
    pub(crate) recovery_epoch: AtomicU32,
}
