//! What stands before a value, so that nobody takes it for something else.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::ProcessShared;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::Mapping;

/// Bytes before a value that needs no larger alignment: one cache line, and none of it changes after the start.
const HEADER: usize = 64;

// Where each field is; all are eight bytes.
const STATE: usize = 0;
const FORMAT: usize = 8;
const SIZE: usize = 16;
const ALIGN: usize = 24;
const LAYOUT: usize = 32;

// The states: new memory, being written by somebody, and "ipcraft" for a value that is there.
const EMPTY: u64 = 0;
const UNDER_WAY: u64 = 1;
const THERE: u64 = u64::from_le_bytes(*b"ipcraft\x01");

/// Counts the meanings that the bytes of a header have had.
const VERSION: u64 = 1;

pub(super) const ATTACH: &str = "Shared::attach";
const INITIALIZE: &str = "Shared::initialize";

/// How far from the start of the memory a value of the type is.
pub(super) const fn offset<T>() -> usize {
    if align_of::<T>() > HEADER { align_of::<T>() } else { HEADER }
}

/// Lets exactly one process initialise the value in this memory.
pub(super) fn claim(mapping: &Mapping) -> Result<()> {
    match mapping.atomic_u64(STATE)?.compare_exchange(EMPTY, UNDER_WAY, AcqRel, Acquire) {
        Ok(_) => Ok(()),
        Err(THERE) => Err(Error::new(INITIALIZE, ErrorKind::AlreadyExists)),
        Err(UNDER_WAY) => Err(unfinished(INITIALIZE)),
        Err(_) => Err(foreign(INITIALIZE)),
    }
}

/// Makes the memory uninitialized again after [`claim`], when the value could not be initialized.
pub(super) fn release(mapping: &Mapping) -> Result<()> {
    mapping.atomic_u64(STATE)?.store(EMPTY, Release);
    Ok(())
}

/// Tells everybody that the value is there.
pub(super) fn complete<T: ProcessShared>(mapping: &Mapping) -> Result<()> {
    for (field, value) in fields::<T>() {
        mapping.atomic_u64(field)?.store(value, Relaxed);
    }
    mapping.atomic_u64(STATE)?.store(THERE, Release);
    Ok(())
}

/// Makes sure that a value of this very type is there.
pub(super) fn check<T: ProcessShared>(mapping: &Mapping) -> Result<()> {
    match mapping.atomic_u64(STATE)?.load(Acquire) {
        THERE => fields::<T>().into_iter().try_for_each(|field| check_field(mapping, field)),
        EMPTY | UNDER_WAY => Err(unfinished(ATTACH)),
        _ => Err(foreign(ATTACH)),
    }
}

fn check_field(mapping: &Mapping, (field, wanted): (usize, u64)) -> Result<()> {
    let found = mapping.atomic_u64(field)?.load(Relaxed);
    if found == wanted {
        return Ok(());
    }
    let name = match field {
        FORMAT => "the version of its header",
        SIZE => "the size of its value",
        ALIGN => "the alignment of its value",
        _ => "the layout of its value",
    };
    let limit = Limit { name, value: found, requested: Some(wanted) };
    Err(Error::new(ATTACH, ErrorKind::WrongType).with_limit(Some(limit)))
}

fn fields<T: ProcessShared>() -> [(usize, u64); 4] {
    [
        (FORMAT, VERSION),
        (SIZE, size_of::<T>() as u64),
        (ALIGN, align_of::<T>() as u64),
        (LAYOUT, T::LAYOUT.number()),
    ]
}

fn unfinished(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::InUse).with_hint("its creator has not finished, or died before it had")
}

fn foreign(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("the memory holds something else")
}
