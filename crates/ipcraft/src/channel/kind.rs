//! What tells the kinds of channels apart.

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
    /// What a header says.
    #[doc(hidden)]
    const KIND_ID: u64;

    /// What the messages look like.
    #[doc(hidden)]
    const LAYOUT: SharedLayout;

    /// How many bytes a message has; 0 where that differs.
    #[doc(hidden)]
    const SIZE: usize;

    /// The smallest capacity.
    #[doc(hidden)]
    const MIN_CAPACITY: u64 = 2;

    /// What capacity is made if nobody says otherwise.
    #[doc(hidden)]
    const DEFAULT_CAPACITY: u64 = 1024;

    /// The variant that is made if nothing else is asked for; zero if there is but one.
    #[doc(hidden)]
    const DEFAULT_FLAGS: u64 = 0;

    /// The variant that is meant by one which may leave something open; `usual` has what is meant then.
    #[doc(hidden)]
    fn merge_flags(asked: u64, _usual: u64) -> u64 {
        asked
    }

    /// How many bytes a channel of this shape needs after its header; `None` if there is no such channel.
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

/// What the header of a channel of this kind says.
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
