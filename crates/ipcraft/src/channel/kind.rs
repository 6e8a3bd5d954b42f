//! The kinds of channels.

use crate::channel::shared::header::{Config, KindInfo};
use crate::channel::shared::region::DataArea;
use crate::error::Result;
use crate::shm::SharedLayout;

/// A kind of channel, of messages of one type. This library has all there are; the parameter of
/// [`Channel`](super::Channel) and [`Options`](super::Options) names one.
#[allow(
    private_interfaces,
    private_bounds,
    reason = "others cannot add kinds, and need not know what one is made of"
)]
pub trait Kind: Sealed + Sized + 'static {
    /// The number of the kind in the header.
    #[doc(hidden)]
    const KIND_ID: u64;

    /// The layout of the messages.
    #[doc(hidden)]
    const LAYOUT: SharedLayout;

    /// How many bytes a message has; 0 where that differs.
    #[doc(hidden)]
    const SIZE: usize;

    /// The smallest capacity.
    #[doc(hidden)]
    const MIN_CAPACITY: u64 = 2;

    /// The default capacity.
    #[doc(hidden)]
    const DEFAULT_CAPACITY: u64 = 1024;

    /// The variant that is made if nothing else is asked for; zero if there is but one.
    #[doc(hidden)]
    const DEFAULT_FLAGS: u64 = 0;

    /// Completes requested flags, which may leave parts open, by those of the second argument.
    #[doc(hidden)]
    fn merge_flags(asked: u64, _usual: u64) -> u64 {
        asked
    }

    /// Returns the length in bytes of the data after the header; `None` if no channel has this
    /// configuration.
    #[doc(hidden)]
    fn data_len(config: Config) -> Option<usize>;

    /// Writes what is not zero in a new channel.
    #[doc(hidden)]
    fn initialize(_data: &DataArea<'_>) -> Result<()> {
        Ok(())
    }
}

/// Keeps the kinds those of this library.
pub trait Sealed {}

/// Returns what the header of a channel of this kind contains.
pub(crate) fn info<K: Kind>() -> KindInfo {
    KindInfo {
        id: K::KIND_ID,
        layout: K::LAYOUT.number(),
        message_len: K::SIZE as u64,
        default_flags: K::DEFAULT_FLAGS,
        merge_flags: K::merge_flags,
        data_len: K::data_len,
    }
}
