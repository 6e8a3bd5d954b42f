//! The kinds of channels, as a sealed trait.

use crate::channel::shared::header::{Config, KindInfo};
use crate::channel::shared::region::DataArea;
use crate::error::Result;
use crate::shm::SharedLayout;

/// A kind of channel, with the type of its messages.
///
/// It is the parameter of [`Channel`](super::Channel) and [`Options`](super::Options). The trait is
/// sealed: only this library defines kinds.
#[allow(
    private_interfaces,
    private_bounds,
    reason = "other crates cannot add kinds, and need not see their parts"
)]
pub trait Kind: Sealed + Sized + 'static {
    /// The number of this kind in the header of a channel.
    #[doc(hidden)]
    const KIND_ID: u64;

    /// The layout of a message in shared memory.
    #[doc(hidden)]
    const LAYOUT: SharedLayout;

    /// Message size in bytes; 0 for records of variable length.
    #[doc(hidden)]
    const SIZE: usize;

    /// The smallest capacity. Smaller requests are rounded up to it.
    #[doc(hidden)]
    const MIN_CAPACITY: u64 = 2;

    /// The capacity of a new channel if the options set none.
    #[doc(hidden)]
    const DEFAULT_CAPACITY: u64 = 1024;

    /// The variant of a new channel if the options set none; zero if the kind has only one.
    #[doc(hidden)]
    const DEFAULT_FLAGS: u64 = 0;

    /// Returns the variant that a request means. What the request leaves open comes from the second
    /// argument.
    #[doc(hidden)]
    fn merge_flags(asked: u64, _usual: u64) -> u64 {
        asked
    }

    /// Describes a variant, for errors.
    #[doc(hidden)]
    fn describe_flags(flags: u64) -> String {
        flags.to_string()
    }

    /// Fails for a requested variant that no channel can have.
    #[doc(hidden)]
    fn check_flags(_asked: u64) -> Result<()> {
        Ok(())
    }

    /// Returns the bytes after the header that a channel of this configuration needs; `None` if no
    /// channel can have it.
    #[doc(hidden)]
    fn data_len(config: Config) -> Option<usize>;

    /// Writes the data of a new channel that does not start as zeros.
    #[doc(hidden)]
    fn initialize(_data: &DataArea<'_>) -> Result<()> {
        Ok(())
    }
}

/// Seals [`Kind`].
pub trait Sealed {}

/// Returns what the header of a channel of this kind contains.
pub(crate) fn info<K: Kind>() -> KindInfo {
    KindInfo {
        id: K::KIND_ID,
        layout: K::LAYOUT,
        message_len: K::SIZE as u64,
        default_flags: K::DEFAULT_FLAGS,
        merge_flags: K::merge_flags,
        describe_flags: K::describe_flags,
        data_len: K::data_len,
    }
}

/// The names of the kinds, by their numbers less one.
const NAMES: [&str; 6] = ["spsc", "mpmc", "broadcast", "latest", "spsc::bytes", "request"];

/// Returns the name of the kind with this number.
pub(crate) fn name(id: u64) -> Option<&'static str> {
    NAMES.get(usize::try_from(id).ok()?.checked_sub(1)?).copied()
}
