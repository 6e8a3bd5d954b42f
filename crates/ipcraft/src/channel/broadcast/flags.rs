//! The options of a broadcast, encoded in the header of the channel.

use super::Overflow;
use crate::channel::shared::header::MAX_ENDPOINTS;

/// Lowest bit of the [`Overflow`] in the flags. Below it is the maximum number of subscribers.
const OVERFLOW: u32 = 8;

/// Bits of the maximum number of subscribers in the flags.
pub(crate) const SUBSCRIBERS: u64 = (1 << OVERFLOW) - 1;

/// Upper limit of that number: the endpoints of a channel without the publisher.
pub(crate) const MOST: u64 = MAX_ENDPOINTS as u64 - 1;

impl Overflow {
    /// Encodes the choice as flags. Zero means that none was made.
    pub(crate) const fn bits(self) -> u64 {
        match self {
            Overflow::Block => 1 << OVERFLOW,
            Overflow::Overwrite => 2 << OVERFLOW,
        }
    }
}

/// Returns the choice; `None` if no channel has such flags.
pub(crate) fn overflow(flags: u64) -> Option<Overflow> {
    [Overflow::Block, Overflow::Overwrite].into_iter().find(|o| o.bits() == flags & !SUBSCRIBERS)
}

/// Returns the maximum number of subscribers; `None` if no channel has such flags.
pub(crate) fn subscribers(flags: u64) -> Option<u32> {
    let number = flags & SUBSCRIBERS;
    (1..=MOST).contains(&number).then_some(number as u32)
}
