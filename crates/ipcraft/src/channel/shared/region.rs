//! The memory of a channel, and where its parts are.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::control::RingControl;
use super::header::{
    ATTACH, Config, Expected, HEADER_LEN, Header, KindInfo, MAX_ENDPOINTS, mismatch, too_large,
};
use super::sequenced_slots::{SequencedSlots, SlotLayout};
use super::slot_array::SlotArray;
use crate::error::{ErrorKind, Result};
use crate::shm::header::Header as CommonHeader;
use crate::shm::memfd::Memfd;
use crate::shm::posix::SharedMemory;
use crate::shm::{Mapping, Plain};

/// What keeps the memory, and leads to it.
#[derive(Debug)]
pub(crate) enum Backing {
    Named(SharedMemory),
    Anonymous(Memfd),
}

/// The memory of one channel, whose header was validated.
#[derive(Debug)]
pub(crate) struct SharedRegion {
    mapping: Mapping,
    backing: Backing,
    name: Option<Arc<str>>,
    /// What the header contained when it was checked; it is never read again.
    config: Config,
}

impl SharedRegion {
    /// Writes the header of a new channel to memory that no other process has.
    pub(crate) fn initialize(
        mapping: &Mapping,
        kind: &KindInfo,
        config: Config,
        initialize_data: impl FnOnce(&DataArea<'_>) -> Result<()>,
    ) -> Result<()> {
        let header = header(mapping)?;
        header.initialize_positions(config);
        header.set_message_name(kind.message_name);
        initialize_data(&DataArea { mapping, config })?;
        CommonHeader::of(mapping)?.publish(kind.identity(config));
        Ok(())
    }

    /// Takes the memory, if it is a channel of this kind, and of the wanted capacity and variant.
    pub(crate) fn attach(backing: Backing, kind: &KindInfo, expected: Expected) -> Result<SharedRegion> {
        let name = backing.name();
        let mapping = backing.map()?;
        let config = check(&mapping, name.as_ref(), kind, expected)?;
        Ok(SharedRegion { mapping, backing, name, config })
    }

    pub(crate) fn config(&self) -> Config {
        self.config
    }

    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        match &self.backing {
            Backing::Named(memory) => memory.as_fd(),
            Backing::Anonymous(memory) => memory.as_fd(),
        }
    }

    /// The object that has the name.
    pub(crate) fn memory(&self) -> Option<&SharedMemory> {
        match &self.backing {
            Backing::Named(memory) => Some(memory),
            Backing::Anonymous(_) => None,
        }
    }

    /// The words of one direction. They stay where they are for as long as the region is kept.
    pub(crate) fn control(&self, index: usize) -> NonNull<RingControl> {
        // The header was found to be within the mapping when it was checked.
        header(&self.mapping).map_or(NonNull::dangling(), |header| NonNull::from(&header.controls[index]))
    }

    /// Returns the word that records which process has used a lease; 0 if none has.
    pub(crate) fn used(&self, lease_id: u32) -> Result<&AtomicU32> {
        Ok(&header(&self.mapping)?.used[lease_id as usize % MAX_ENDPOINTS])
    }

    /// What comes after the header.
    pub(crate) fn data_area(&self) -> DataArea<'_> {
        DataArea { mapping: &self.mapping, config: self.config }
    }
}

/// The memory after the header, as the kind of channel divides it.
pub(crate) struct DataArea<'a> {
    mapping: &'a Mapping,
    pub(crate) config: Config,
}

impl DataArea<'_> {
    /// `length` bytes, `offset` after the header; aligned to a line if the offset is.
    pub(crate) fn at(&self, offset: usize, length: usize) -> Result<NonNull<u8>> {
        self.mapping.pointer(HEADER_LEN + offset, length, 1)
    }

    /// Slots without words, `offset` bytes after the header, a multiple of a line.
    pub(crate) fn slot_array<T: Plain>(&self, offset: usize, count: u64) -> Result<SlotArray<T>> {
        let room = SlotArray::<T>::bytes_for(count).ok_or_else(|| too_large(size_of::<T>()))?;
        let start = self.at(offset, room)?;
        // SAFETY: because of the same as in `sequenced_slots`.
        Ok(unsafe { SlotArray::new(start, count) })
    }

    /// Slots for messages of `size` bytes, `offset` bytes after the header, a multiple of a line.
    pub(crate) fn sequenced_slots(&self, offset: usize, count: u64, size: usize) -> Result<SequencedSlots> {
        let layout = SlotLayout::new(size).ok_or_else(|| too_large(size))?;
        let room = layout.bytes_for(count).ok_or_else(|| too_large(size))?;
        let start = self.at(offset, room)?;
        // SAFETY: because the range is within the mapping and starts at a cache line, as the
        // mapping does at a page. The count was found to be a power of two, and only these slots
        // lead to the bytes.
        Ok(unsafe { SequencedSlots::new(start, count, layout, size) })
    }
}

impl Backing {
    fn name(&self) -> Option<Arc<str>> {
        match self {
            Backing::Named(memory) => Some(memory.label().clone()),
            Backing::Anonymous(_) => None,
        }
    }

    fn map(&self) -> Result<Mapping> {
        match self {
            Backing::Named(memory) => memory.map(),
            Backing::Anonymous(memory) => memory.map(),
        }
    }
}

fn header(mapping: &Mapping) -> Result<&Header> {
    let at = mapping.pointer(0, HEADER_LEN, align_of::<Header>())?;
    // SAFETY: because the bytes are mapped and aligned while the mapping is borrowed, and a
    // header consists of atomics, for which any bytes are valid.
    Ok(unsafe { at.cast().as_ref() })
}

fn check(
    mapping: &Mapping,
    object: Option<&Arc<str>>,
    kind: &KindInfo,
    expected: Expected,
) -> Result<Config> {
    if mapping.len() < HEADER_LEN {
        return Err(mismatch("its size", mapping.len() as u64, HEADER_LEN as u64).with_object(object));
    }
    // A channel is complete before any other process can reach its memory.
    let found = CommonHeader::of(mapping)?.read(ATTACH).map_err(|e| match e.limit() {
        Some(_) => e.with_object(object),
        None => {
            e.with_object(object).with_kind(ErrorKind::WrongType).with_hint("the memory holds no channel")
        }
    })?;
    let header = header(mapping)?;
    kind.check(object, found, || header.message_name(), expected, mapping.len())
}
