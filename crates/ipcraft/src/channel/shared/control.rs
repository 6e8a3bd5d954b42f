//! The control words that the two sides of one ring share.

use crate::channel::shared::atomic::{AtomicU32, AtomicU64};
use crate::channel::shared::counters::Counters;
use crate::channel::shared::doorbell::Doorbell;

/// The control words of one direction. Zero bytes are an unused direction.
///
/// No value is trusted. A position is checked against the reader's own before use, and the others
/// are hints: a wrong one costs time only.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct RingControl {
    /// Written by senders.
    pub(crate) senders: SideState,
    /// Written by receivers.
    pub(crate) receivers: SideState,
    /// Receivers wait here for messages.
    pub(crate) items: Doorbell,
    /// Senders wait here for room.
    pub(crate) space: Doorbell,
    /// Of senders and of receivers. No fast path touches them.
    pub(crate) sender_counters: Counters,
    pub(crate) receiver_counters: Counters,
}

/// Words of a message that fit beside the position, for inline delivery.
pub(crate) const INLINE_WORDS: usize = 6;

/// The words that the endpoints of one side write. The other side polls the first cache line.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(crate) struct SideState {
    /// Messages sent or received since the creation of the channel; wraps.
    pub(crate) position: AtomicU64,
    /// The position of the message in `inline`, if the kind has inline delivery.
    pub(crate) inline_tag: AtomicU64,
    /// The last message, if it is short: one cache line then carries position and message.
    pub(crate) inline: [AtomicU64; INLINE_WORDS],
    /// One more than the number of the CPU that an endpoint last published.
    pub(crate) cpu: AtomicU32,
    /// Registrations of endpoints; wraps.
    pub(crate) registrations: AtomicU32,
    /// Recoveries of slots of dead endpoints, if the kind has them; wraps.
    pub(crate) recovery_epoch: AtomicU32,
}
