//! The memory of a channel: what stands at its beginning, and where the rest is.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::atomic::AtomicU64;
use super::dense::Dense;
use super::flow::Flow;
use super::kind::Kind;
use super::slots::{Geometry, Slots};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::memfd::Memfd;
use crate::shm::posix::SharedMemory;
use crate::shm::{Mapping, Plain};

pub(super) const ATTACH: &str = "open channel";

/// How many seats a channel can have.
pub(super) const SEATS: usize = 128;

/// Flows there is room for: those of a channel, and of the one in the other direction that a pair has.
const FLOWS: usize = 2;

/// What is at the start of the memory of every channel. Zero bytes are the header of none.
#[repr(C, align(128))]
struct Header {
    /// [`THERE`], once the rest has been written; nothing of it changes after.
    state: AtomicU64,
    version: AtomicU64,
    kind: AtomicU64,
    layout: AtomicU64,
    size: AtomicU64,
    capacity: AtomicU64,
    variant: AtomicU64,
    start: AtomicU64,
    flows: [Flow; FLOWS],
    /// Which seats have ever been taken, one word each.
    used: [AtomicU32; SEATS],
}

/// "ipcraft" and that it is a channel.
const THERE: u64 = u64::from_le_bytes(*b"ipcraft\x02");

/// Counts the meanings that the bytes of a channel have had.
const VERSION: u64 = 1;

/// Bytes before the parts that the kind of channel asks for.
pub(super) const HEADER: usize = 2048;

#[cfg(not(all(test, loom)))]
const _: () = assert!(size_of::<Header>() <= HEADER);

/// What the creator of a channel decides, within what its kind allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Messages or bytes that there is room for: a power of two.
    pub(super) capacity: u64,
    /// What else there is to decide, as the kind means it.
    pub(super) variant: u64,
    /// The first position. Zero, but in tests of what happens when it wraps.
    pub(super) start: u64,
}

/// What a channel that is opened has to be like; anything goes where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub(super) capacity: Option<u64>,
    pub(super) variant: Option<u64>,
}

impl Wanted {
    /// The shape that a channel should have of which the header says `found`.
    fn of<K: Kind>(self, found: Shape) -> Shape {
        Shape {
            capacity: self.capacity.unwrap_or(found.capacity),
            variant: match self.variant {
                Some(asked) => K::complete(asked, found.variant),
                None if K::VARIANT == 0 => 0,
                None => found.variant,
            },
            start: found.start,
        }
    }
}

/// What keeps the memory, and leads to it.
#[derive(Debug)]
pub(super) enum File {
    Named(SharedMemory),
    Anonymous(Memfd),
}

/// The memory of one channel, whose header says that it is one of the expected kind.
#[derive(Debug)]
pub(super) struct Region {
    mapping: Mapping,
    file: File,
    name: Option<Arc<str>>,
    /// What the header said when it was checked; never read again.
    shape: Shape,
}

impl Region {
    /// Writes the header of a new channel to memory that nobody else has yet.
    pub(super) fn fill<K: Kind>(mapping: &Mapping, shape: Shape) -> Result<()> {
        let header = header(mapping)?;
        for (field, value) in header.fields(Identity::of::<K>(shape)) {
            field.store(value, Relaxed);
        }
        for flow in &header.flows {
            flow.senders.position.store(shape.start, Relaxed);
            flow.receivers.position.store(shape.start, Relaxed);
        }
        K::fill(&Parts { mapping, shape })?;
        header.state.store(THERE, Release);
        Ok(())
    }

    /// Takes the memory, if it is a channel of this kind, and of the wanted capacity and variant.
    pub(super) fn attach<K: Kind>(file: File, wanted: Wanted) -> Result<Region> {
        let name = file.name();
        let named = |e: Error| match &name {
            Some(name) => e.with_object(Some(name)),
            None => e,
        };
        let mapping = file.map()?;
        let shape = check::<K>(&mapping, wanted).map_err(named)?;
        Ok(Region { mapping, file, name, shape })
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        match &self.file {
            File::Named(memory) => memory.as_fd(),
            File::Anonymous(memory) => memory.as_fd(),
        }
    }

    /// The object that has the name.
    pub(super) fn memory(&self) -> Option<&SharedMemory> {
        match &self.file {
            File::Named(memory) => Some(memory),
            File::Anonymous(_) => None,
        }
    }

    /// The words of one direction. They stay where they are for as long as the region is kept.
    pub(super) fn flow(&self, number: usize) -> NonNull<Flow> {
        // The header was found to be within the mapping when it was checked.
        header(&self.mapping).map_or(NonNull::dangling(), |header| NonNull::from(&header.flows[number]))
    }

    /// Whether a seat has ever been taken.
    pub(super) fn used(&self, seat: u32) -> Result<&AtomicU32> {
        Ok(&header(&self.mapping)?.used[seat as usize % SEATS])
    }

    /// What comes after the header.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts { mapping: &self.mapping, shape: self.shape }
    }
}

/// The memory after the header, as the kind of channel divides it.
pub(super) struct Parts<'a> {
    mapping: &'a Mapping,
    pub(super) shape: Shape,
}

impl Parts<'_> {
    /// `length` bytes, `offset` after the header; aligned to a line if the offset is.
    pub(super) fn at(&self, offset: usize, length: usize) -> Result<NonNull<u8>> {
        self.mapping.pointer(HEADER + offset, length, 1)
    }

    /// Slots without words, `offset` bytes after the header, a multiple of a line.
    pub(super) fn dense<T: Plain>(&self, offset: usize, count: u64) -> Result<Dense<T>> {
        let room = Dense::<T>::room(count).ok_or_else(|| too_large(size_of::<T>()))?;
        let start = self.at(offset, room)?;
        // SAFETY: because of the same as in `slots`.
        Ok(unsafe { Dense::new(start, count) })
    }

    /// Slots for messages of `size` bytes, `offset` bytes after the header, a multiple of a line.
    pub(super) fn slots(&self, offset: usize, count: u64, size: usize) -> Result<Slots> {
        let geometry = Geometry::new(size).ok_or_else(|| too_large(size))?;
        let room = geometry.room(count).ok_or_else(|| too_large(size))?;
        let start = self.at(offset, room)?;
        // SAFETY: because the range is within the mapping and starts at a line, as the mapping does at a page; the count
        // of a shape was found to be a power of two; and nothing but these slots leads to the bytes.
        Ok(unsafe { Slots::new(start, count, geometry, size) })
    }
}

impl File {
    fn name(&self) -> Option<Arc<str>> {
        match self {
            File::Named(memory) => Some(memory.name().into()),
            File::Anonymous(_) => None,
        }
    }

    fn map(&self) -> Result<Mapping> {
        match self {
            File::Named(memory) => memory.map(),
            File::Anonymous(memory) => memory.map(),
        }
    }
}

/// What the header of a channel says.
struct Identity {
    kind: u64,
    layout: u64,
    size: u64,
    shape: Shape,
}

impl Identity {
    fn of<K: Kind>(shape: Shape) -> Identity {
        Identity { kind: K::NUMBER, layout: K::LAYOUT.number(), size: K::SIZE as u64, shape }
    }
}

impl Header {
    fn fields(&self, identity: Identity) -> [(&AtomicU64, u64); 7] {
        [
            (&self.version, VERSION),
            (&self.kind, identity.kind),
            (&self.layout, identity.layout),
            (&self.size, identity.size),
            (&self.capacity, identity.shape.capacity),
            (&self.variant, identity.shape.variant),
            (&self.start, identity.shape.start),
        ]
    }
}

fn header(mapping: &Mapping) -> Result<&Header> {
    let at = mapping.pointer(0, HEADER, align_of::<Header>())?;
    // SAFETY: because the bytes are mapped and aligned for as long as the mapping is borrowed, and a header is nothing but
    // atomics, of which any bytes are values.
    Ok(unsafe { at.cast().as_ref() })
}

/// Reads the header once, and makes sure that it is that of a channel of this kind which fits into its memory.
fn check<K: Kind>(mapping: &Mapping, wanted: Wanted) -> Result<Shape> {
    if mapping.len() < HEADER {
        return Err(differs("its size", mapping.len() as u64, HEADER as u64));
    }
    let header = header(mapping)?;
    if header.state.load(Acquire) != THERE {
        return Err(Error::new(ATTACH, ErrorKind::WrongType).with_hint("the memory holds no channel"));
    }
    let shape = Shape {
        capacity: header.capacity.load(Relaxed),
        variant: header.variant.load(Relaxed),
        start: header.start.load(Relaxed),
    };
    let names = [
        "the version of its header",
        "its kind",
        "the layout of its messages",
        "the size of its messages",
        "its capacity",
        "its variant",
        "its start",
    ];
    let wanted = Identity::of::<K>(wanted.of::<K>(shape));
    for ((field, wanted), name) in header.fields(wanted).into_iter().zip(names) {
        let found = field.load(Relaxed);
        if found != wanted {
            return Err(differs(name, found, wanted));
        }
    }
    let room = if shape.capacity.is_power_of_two() { K::room(shape) } else { None };
    match room.and_then(|room| room.checked_add(HEADER)) {
        Some(size) if size <= mapping.len() => Ok(shape),
        Some(size) => Err(differs("its size", mapping.len() as u64, size as u64)),
        None => Err(differs("its capacity", shape.capacity, 0)),
    }
}

fn differs(name: &'static str, value: u64, wanted: u64) -> Error {
    let limit = Limit { name, value, requested: Some(wanted) };
    Error::new(ATTACH, ErrorKind::WrongType).with_limit(Some(limit))
}

pub(super) fn too_large(size: usize) -> Error {
    let limit = Limit { name: "the largest message", value: isize::MAX as u64, requested: Some(size as u64) };
    Error::new("create channel", ErrorKind::TooLarge).with_limit(Some(limit))
}
