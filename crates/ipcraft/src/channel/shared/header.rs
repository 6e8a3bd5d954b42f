//! The header of a channel's memory, and its validation.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::control::RingControl;
use crate::channel::kind;
use crate::channel::shared::description::{Description, StoredDescription, first_difference};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::SharedLayout;
use crate::shm::header::{self, Identity};

pub(crate) const ATTACH: &str = "open channel";

/// Most endpoints that a channel can have at a time: one byte of lease for each.
pub(crate) const MAX_ENDPOINTS: usize = 128;

/// Rings of a channel: one in each direction.
const RINGS: usize = 2;

/// Version of the layout of a channel's memory, in the upper half of the kind in the header.
pub(crate) const VERSION: u64 = 3;

/// Length of the header in bytes; the kind's own data follows.
pub(crate) const HEADER_LEN: usize = 3968;

#[cfg(not(all(test, loom)))]
const _: () = assert!(size_of::<Header>() == HEADER_LEN);

/// The start of the memory of every channel. Zero bytes are the header of no channel.
#[repr(C, align(128))]
pub(crate) struct Header {
    /// The words of [`shm::header`](crate::shm::header), accessed through the mapping only.
    _common: [AtomicU64; header::SIZE / size_of::<u64>()],
    pub(crate) controls: [RingControl; RINGS],
    /// For each lease, the id of the process that has used it, in its own namespace; 0 after it was
    /// reclaimed.
    pub(crate) used: [AtomicU32; MAX_ENDPOINTS],
    /// For each lease, when that process registered, in microseconds of `CLOCK_BOOTTIME`. A process
    /// that started later only has the same id. For observers only.
    pub(crate) registered_at: [AtomicU64; MAX_ENDPOINTS],
    /// The description of the messages, for errors and observers only.
    pub(crate) description: StoredDescription,
}

/// What the creator of a channel decides, within what its kind allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Capacity in messages or bytes: a power of two.
    pub(crate) capacity: u64,
    /// Other choices, encoded as the kind defines.
    pub(crate) flags: u64,
    /// The first position: zero, except in tests of wrapping positions.
    pub(crate) initial_position: u64,
}

/// What an opened channel must match; `None` matches anything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) capacity: Option<u64>,
    pub(crate) flags: Option<u64>,
}

/// What the header contains about the kind of a channel, and how sizes follow from its
/// configuration.
pub(crate) struct KindInfo {
    pub(crate) id: u64,
    pub(crate) layout: SharedLayout,
    pub(crate) message_len: u64,
    pub(crate) default_flags: u64,
    /// Completes requested flags by those of the second argument.
    pub(crate) merge_flags: fn(u64, u64) -> u64,
    pub(crate) describe_flags: fn(u64) -> String,
    /// Length in bytes of the data after the header; `None` if no channel has this configuration.
    pub(crate) data_len: fn(Config) -> Option<usize>,
}

impl KindInfo {
    /// Returns the configuration that a channel must have whose header contains `found`.
    fn expect(&self, expected: Expected, found: Config) -> Config {
        Config {
            capacity: expected.capacity.unwrap_or(found.capacity),
            flags: match expected.flags {
                Some(asked) => (self.merge_flags)(asked, found.flags),
                None if self.default_flags == 0 => 0,
                None => found.flags,
            },
            initial_position: found.initial_position,
        }
    }

    /// Returns both descriptions, and their first difference.
    fn layout_mismatch(&self, found: &Description, found_size: u64) -> LayoutMismatch {
        let own = self.layout.to_string();
        let text = |description: &str, size: u64| format!("{description} ({size} bytes)");
        let (theirs, ours) = first_difference(found.as_str(), &own);
        let or_end = |part: &str| if part.is_empty() { "its end".to_owned() } else { part.to_owned() };
        let difference = format!("; first difference: {}, not {}", or_end(theirs), or_end(ours));
        LayoutMismatch {
            found: text(found.as_str(), found_size) + &difference,
            needed: text(&own, self.message_len),
        }
    }

    /// What the header of such a channel states.
    pub(crate) fn identity(&self, config: Config) -> Identity {
        Identity {
            kind: VERSION << 32 | self.id,
            layout: self.layout.number(),
            size: self.message_len,
            details: [config.capacity, config.flags, config.initial_position],
        }
    }

    /// Fails unless a header describes a channel of this kind that fits into `available` bytes.
    /// `description` returns that of its messages, and `object` is that of errors.
    pub(crate) fn check(
        &self,
        object: Option<&Arc<str>>,
        found: Identity,
        description: impl Fn() -> Description,
        expected: Expected,
        available: usize,
    ) -> Result<Config> {
        let [capacity, flags, initial_position] = found.details;
        let config = Config { capacity, flags, initial_position };
        let wanted = self.identity(self.expect(expected, config));
        let differs = |name: &str, found: &str, needed: &str| {
            Err(Error::new(ATTACH, ErrorKind::WrongType).with_mismatch(object, (name, found, needed)))
        };
        if found.kind != wanted.kind {
            return differs("its kind", &kind_text(found.kind), &kind_text(wanted.kind));
        }
        if found.layout != wanted.layout {
            return Err(Error::new(ATTACH, ErrorKind::WrongType)
                .with_mismatch(object, self.layout_mismatch(&description(), found.size).parts()));
        }
        header::check(
            ATTACH,
            [
                ("the size of its messages", found.size, wanted.size),
                ("its capacity", capacity, wanted.details[0]),
            ],
        )
        .map_err(|e| e.with_object(object))?;
        if flags != wanted.details[1] {
            let describe = self.describe_flags;
            return differs("its variant", &describe(flags), &describe(wanted.details[1]));
        }
        let len = if capacity.is_power_of_two() { (self.data_len)(config) } else { None };
        match len.and_then(|len| len.checked_add(HEADER_LEN)) {
            Some(len) if len <= available => Ok(config),
            Some(len) => Err(mismatch("its size", available as u64, len as u64).with_object(object)),
            None => Err(mismatch("its capacity", capacity, 0).with_object(object)),
        }
    }
}

/// The texts of an error for messages of another layout.
struct LayoutMismatch {
    found: String,
    needed: String,
}

impl LayoutMismatch {
    fn parts(&self) -> (&str, &str, &str) {
        ("the layout of its messages", &self.found, &self.needed)
    }
}

/// Returns the text for the kind in a header, which contains the version of the layout, too.
fn kind_text(kind: u64) -> String {
    let (version, id) = (kind >> 32, kind & u64::from(u32::MAX));
    match kind::name(id) {
        Some(name) if version == VERSION => name.to_owned(),
        _ if kind == 0 => "a shared value".to_owned(),
        _ => format!("number {id} of version {version}"),
    }
}

impl Header {
    /// Sets the positions of all rings to the first one.
    pub(crate) fn initialize_positions(&self, config: Config) {
        for control in &self.controls {
            control.senders.position.store(config.initial_position, Relaxed);
            control.receivers.position.store(config.initial_position, Relaxed);
        }
    }
}

pub(crate) fn mismatch(name: &'static str, value: u64, expected: u64) -> Error {
    let limit = Limit { name, value, requested: Some(expected) };
    Error::new(ATTACH, ErrorKind::WrongType).with_limit(Some(limit))
}

pub(crate) fn too_large(size: usize) -> Error {
    let limit = Limit { name: "the largest message", value: isize::MAX as u64, requested: Some(size as u64) };
    Error::new("create channel", ErrorKind::TooLarge).with_limit(Some(limit))
}
