//! The memory of a channel, and where its parts are.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::control::RingControl;
use super::doorbell::{Doorbell, ZERO_OFFSET};
use super::header::{
    ATTACH, Config, Expected, HEADER_LEN, Header, KindInfo, MAX_ENDPOINTS, mismatch, too_large,
};
use super::sequenced_slots::{SequencedSlots, SlotLayout};
use super::slot_array::{ByteSlots, SlotArray};
use crate::error::{ErrorKind, Result};
use crate::shm::header::Header as CommonHeader;
use crate::shm::memfd::Memfd;
use crate::shm::posix::SharedMemory;
use crate::shm::{Mapping, Plain};
use crate::support::proc_fd;
use crate::sys::pread;

/// What keeps the memory, and leads to it.
#[derive(Debug)]
pub(crate) enum Backing {
    Named(SharedMemory),
    Anonymous(Memfd),
}

/// By which event of the channel's file the endpoints at a doorbell are rung.
///
/// The two sides of a channel have different events. So an endpoint that rings its peer is not
/// woken by its own event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileEvent {
    /// `IN_ACCESS`: of the receivers of the first ring, and the senders of the second.
    Access,
    /// `IN_MODIFY`: of the senders of the first ring, and the receivers of the second.
    Modify,
}

impl FileEvent {
    /// The event of the other side.
    pub(crate) fn other(self) -> FileEvent {
        match self {
            FileEvent::Access => FileEvent::Modify,
            FileEvent::Modify => FileEvent::Access,
        }
    }

    /// The bit of inotify(7).
    pub(crate) fn mask(self) -> u32 {
        match self {
            FileEvent::Access => libc::IN_ACCESS,
            FileEvent::Modify => libc::IN_MODIFY,
        }
    }
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
        header.description.store(kind.layout);
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

    /// Takes the memory of a channel of any kind and message type, if `check` accepts it. Returns
    /// what `check` found besides.
    pub(crate) fn attach_untyped<F>(
        backing: Backing,
        check: impl FnOnce(&Mapping) -> Result<(Config, F)>,
    ) -> Result<(SharedRegion, F)> {
        let name = backing.name();
        let mapping = backing.map()?;
        let (config, found) = check(&mapping).map_err(|e| e.with_object(name.as_ref()))?;
        Ok((SharedRegion { mapping, backing, name, config }, found))
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

    /// Makes the kernel report this event of the file to every process that watches it, if an
    /// endpoint requested that at this doorbell. Must be called after the notification.
    pub(crate) fn ring(&self, doorbell: &Doorbell, event: FileEvent) {
        if doorbell.has_listeners() {
            let _ = self.ring_now(doorbell, event);
        }
    }

    /// One system call clears the byte and reports the event. So a notifier that is killed has
    /// rung, or its byte is still set. If the call fails, the next notifier repeats it.
    fn ring_now(&self, doorbell: &Doorbell, event: FileEvent) -> nix::Result<usize> {
        let byte = doorbell.listeners();
        let start = self.mapping.pointer(0, HEADER_LEN, 1).map_err(|_| Errno::EFAULT)?.addr().get();
        let offset = |address: usize| (address - start) as libc::off_t;
        match event {
            // SAFETY: because the byte is an atomic of the mapping.
            FileEvent::Access => unsafe {
                pread::read_byte(self.fd(), byte, offset(ptr::from_ref(doorbell).addr() + ZERO_OFFSET))
            },
            FileEvent::Modify => pread::write_zero(self.fd(), offset(byte.addr())),
        }
    }

    /// Records the process that uses a lease from now on, and the time since boot.
    pub(crate) fn register(&self, lease_id: u32, pid: u32, now: Duration) -> Result<()> {
        let header = header(&self.mapping)?;
        let index = lease_id as usize % MAX_ENDPOINTS;
        header.registered_at[index].store(now.as_micros() as u64, Relaxed);
        header.used[index].store(pid, Relaxed);
        Ok(())
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

    /// Slots without words, of `stride` bytes each, at the start of the data.
    pub(crate) fn byte_slots(&self, count: u64, stride: usize) -> Result<ByteSlots> {
        let room = usize::try_from(count).ok().and_then(|count| count.checked_mul(stride));
        let start = self.at(0, room.ok_or_else(|| too_large(stride))?)?;
        // SAFETY: because of the same as in `sequenced_slots`.
        Ok(unsafe { ByteSlots::new(start, count, stride) })
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
    /// Returns the backing of a memfd, by a description of its own: the kernel reports no events
    /// for that of memfd_create(2). Without /proc, no endpoint can be opened either.
    pub(crate) fn anonymous(memory: Memfd) -> Backing {
        let fd = proc_fd::reopen(memory.as_fd(), OFlag::O_RDWR | OFlag::O_NONBLOCK);
        let reopened = fd.ok().and_then(|fd| Memfd::try_from(fd).ok());
        Backing::Anonymous(reopened.unwrap_or(memory))
    }

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
    kind.check(object, found, || header.description.load(found.layout), expected, mapping.len())
}
