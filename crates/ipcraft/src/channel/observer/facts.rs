//! What the header of a channel states, from a private copy.

use std::mem::offset_of;
use std::ops::Range;

use super::{ChannelKind, OBSERVE};
use crate::channel::broadcast::flags as broadcast_flags;
use crate::channel::kind::Kind;
use crate::channel::ring::cursors;
use crate::channel::ring::record;
use crate::channel::shared::control::{RingControl, SideState};
use crate::channel::shared::counters::Counters;
use crate::channel::shared::description::{Description, StoredDescription};
use crate::channel::shared::header::{HEADER_LEN, Header, MAX_ENDPOINTS, VERSION};
use crate::channel::shared::sequenced_slots::SlotLayout;
use crate::channel::shared::slot_array;
use crate::channel::spsc::bytes::Bytes;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::header::{self, Identity};

/// A private copy of the header.
pub(crate) struct HeaderCopy(Box<[u8]>);

impl HeaderCopy {
    pub(crate) fn new(read: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<HeaderCopy> {
        let mut bytes = vec![0; HEADER_LEN].into_boxed_slice();
        read(&mut bytes)?;
        Ok(HeaderCopy(bytes))
    }

    pub(crate) fn word(&self, at: usize) -> u64 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_ne_bytes(*word))
    }

    fn half_word(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_ne_bytes(*word))
    }

    fn identity(&self) -> Result<Identity> {
        header::interpret(OBSERVE, std::array::from_fn(|index| self.word(index * size_of::<u64>())))
    }

    fn description(&self, layout: u64) -> Description {
        let at = offset_of!(Header, description);
        let text = &self.0[at + offset_of!(StoredDescription, text)..];
        Description::new(text, self.word(at + offset_of!(StoredDescription, len)), layout)
    }

    pub(crate) fn pid(&self, lease_id: u32) -> u32 {
        let index = lease_id as usize % MAX_ENDPOINTS;
        self.half_word(offset_of!(Header, used) + index * size_of::<u32>())
    }

    /// In microseconds since boot.
    pub(crate) fn registered_at(&self, lease_id: u32) -> u64 {
        let index = lease_id as usize % MAX_ENDPOINTS;
        self.word(offset_of!(Header, registered_at) + index * size_of::<u64>())
    }

    pub(crate) fn sender_position(&self, direction: usize) -> u64 {
        self.word(sender_position(direction))
    }

    pub(crate) fn receiver_position(&self, direction: usize) -> u64 {
        self.word(receiver_position(direction))
    }

    /// The counters of the senders, or of the receivers, in the order of their declaration.
    pub(crate) fn counters(&self, direction: usize, of_senders: bool) -> [u64; 5] {
        let side = match of_senders {
            true => offset_of!(RingControl, sender_counters),
            false => offset_of!(RingControl, receiver_counters),
        };
        [
            offset_of!(Counters, waits),
            offset_of!(Counters, sleeps),
            offset_of!(Counters, wakes),
            offset_of!(Counters, lagged),
            offset_of!(Counters, recoveries),
        ]
        .map(|at| self.word(control(direction) + side + at))
    }
}

fn control(direction: usize) -> usize {
    offset_of!(Header, controls) + direction * size_of::<RingControl>()
}

pub(crate) fn sender_position(direction: usize) -> usize {
    control(direction) + offset_of!(RingControl, senders) + offset_of!(SideState, position)
}

pub(crate) fn receiver_position(direction: usize) -> usize {
    control(direction) + offset_of!(RingControl, receivers) + offset_of!(SideState, position)
}

/// Where the slots of one ring are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    /// From the start of the memory.
    pub(crate) offset: usize,
    pub(crate) count: u64,
    pub(crate) stride: usize,
    /// From the start of a slot; the word of the slot is before it, if it has one.
    pub(crate) message: usize,
    /// In bytes.
    pub(crate) size: usize,
}

impl Slots {
    /// The offset of the slot for this position.
    pub(crate) fn slot(&self, position: u64) -> usize {
        self.offset + (position & (self.count - 1)) as usize * self.stride
    }
}

/// What is fixed from the creation of a channel on.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) kind: ChannelKind,
    pub(crate) description: Description,
    pub(crate) capacity: u64,
    pub(crate) flags: u64,
    pub(crate) initial_position: u64,
    pub(crate) message_len: u64,
    /// Of each direction.
    pub(crate) rings: Vec<Slots>,
}

impl Facts {
    /// Fails unless the header is that of a channel that fits into `available` bytes.
    pub(crate) fn of(header: &HeaderCopy, available: usize) -> Result<Facts> {
        let identity = header.identity()?;
        let (version, id) = (identity.kind >> 32, identity.kind & u64::from(u32::MAX));
        let Some(kind) = ChannelKind::of(id).filter(|_| version == VERSION) else {
            let limit = Limit { name: "the version of its layout", value: version, requested: Some(VERSION) };
            let error = Error::new(OBSERVE, ErrorKind::WrongType);
            return Err(match identity.kind {
                0 => error.with_hint("it is a shared value, not a channel"),
                _ => error.with_limit(Some(limit)).with_hint("use the command of the same version"),
            });
        };
        let [capacity, flags, initial_position] = identity.details;
        let rings = rings(kind, capacity, flags, identity.size);
        let rings = rings.filter(|rings| rings.iter().all(|ring| fits(ring, available)));
        let Some(rings) = rings else {
            let limit = Limit { name: "its size", value: available as u64, requested: None };
            return Err(Error::new(OBSERVE, ErrorKind::Corrupted)
                .with_limit(Some(limit))
                .with_hint("its header is invalid; remove and recreate it"));
        };
        let description = header.description(identity.layout);
        let message_len = identity.size;
        Ok(Facts { kind, description, capacity, flags, initial_position, message_len, rings })
    }

    /// The leases of the senders, and of the receivers.
    pub(crate) fn leases(&self) -> (Range<u32>, Range<u32>) {
        match self.kind {
            ChannelKind::Spsc | ChannelKind::Bytes | ChannelKind::Request => (0..1, 1..2),
            ChannelKind::Mpmc => (0..64, 64..128),
            ChannelKind::Broadcast => (0..1, 1..1 + broadcast_flags::subscribers(self.flags).unwrap_or(1)),
            ChannelKind::Latest => (0..1, 1..MAX_ENDPOINTS as u32),
        }
    }
}

/// Returns where the slots of each direction are; `None` if no channel can be like that.
fn rings(kind: ChannelKind, capacity: u64, flags: u64, size: u64) -> Option<Vec<Slots>> {
    if !capacity.is_power_of_two() {
        return None;
    }
    let size = usize::try_from(size).ok().filter(|size| *size <= isize::MAX as usize)?;
    let dense = |offset: usize, size: usize| {
        Some(Slots { offset, count: capacity, stride: slot_array::stride(size)?, message: 0, size })
    };
    let sequenced = |offset: usize| {
        let layout = SlotLayout::new(size)?;
        Some(Slots { offset, count: capacity, stride: layout.stride, message: layout.message, size })
    };
    match kind {
        ChannelKind::Spsc => Some(vec![dense(HEADER_LEN, size)?]),
        ChannelKind::Mpmc | ChannelKind::Latest => Some(vec![sequenced(HEADER_LEN)?]),
        ChannelKind::Broadcast => {
            broadcast_flags::overflow(flags)?;
            let cursors = cursors::bytes_for(broadcast_flags::subscribers(flags)?.into());
            Some(vec![sequenced(HEADER_LEN + cursors)?])
        }
        ChannelKind::Bytes => {
            if capacity < Bytes::MIN_CAPACITY {
                return None;
            }
            let count = capacity / record::WORD as u64;
            Some(vec![Slots { offset: HEADER_LEN, count, stride: record::WORD, message: 0, size: 0 }])
        }
        ChannelKind::Request => {
            let request = usize::try_from(flags).ok()?;
            let reply = size.checked_sub(request)?.checked_add(size_of::<u64>())?;
            let requests = dense(HEADER_LEN, request)?;
            let after = end(&requests)?.checked_next_multiple_of(128)?;
            Some(vec![requests, dense(after, reply)?])
        }
    }
}

fn end(slots: &Slots) -> Option<usize> {
    slots.stride.checked_mul(usize::try_from(slots.count).ok()?)?.checked_add(slots.offset)
}

fn fits(slots: &Slots, available: usize) -> bool {
    end(slots).is_some_and(|end| end <= available)
}
