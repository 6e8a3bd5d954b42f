//! The header of structured shared memory: what the memory holds, and whether its creator has
//! finished.
//!
//! The first 64 bytes are eight words. The first word is a state machine: [`EMPTY`] (new memory),
//! [`INITIALIZING`] (one process has claimed it), [`MAGIC`] (complete). A process that finds the
//! magic number sees everything that the creator wrote before. Nothing in a complete header
//! changes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::Mapping;
use crate::error::{Error, ErrorKind, Limit, Result};

/// Bytes that a header takes: one cache line.
pub(crate) const SIZE: usize = 64;

/// The state of new memory.
const EMPTY: u64 = 0;
/// The state from [`Header::claim`] to [`Header::publish`].
const INITIALIZING: u64 = 1;
/// The state of complete memory.
const MAGIC: u64 = u64::from_le_bytes(*b"ipcraft\x01");

/// Format of the header: incremented whenever its words change their meaning.
const VERSION: u64 = 2;

/// What a header states about the contents of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Which structure follows: 0 for a [`Shared`](super::Shared) value, else the number of a
    /// channel kind.
    pub(crate) kind: u64,
    /// Layout hash of the value or message type.
    pub(crate) layout: u64,
    /// Size of the value or message type in bytes; 0 if it varies.
    pub(crate) size: u64,
    /// Words whose meaning depends on the kind.
    pub(crate) details: [u64; 3],
}

impl Identity {
    fn words(self) -> [u64; 6] {
        let [first, second, third] = self.details;
        [self.kind, self.layout, self.size, first, second, third]
    }
}

/// The advice if two programs disagree about a type.
pub(crate) const OTHER_DEFINITION: &str = "build both programs from the same definition of the type";

/// Compares words of a header, each with its name, what was found and what is expected.
///
/// Fails with [`WrongType`](ErrorKind::WrongType) and the name of the first word that differs.
pub(crate) fn check<const N: usize>(
    operation: &'static str,
    words: [(&'static str, u64, u64); N],
) -> Result<()> {
    match words.into_iter().find(|(_, found, expected)| found != expected) {
        None => Ok(()),
        Some((name, value, expected)) => {
            let limit = Limit { name, value, requested: Some(expected) };
            Err(Error::new(operation, ErrorKind::WrongType)
                .with_limit(Some(limit))
                .with_hint(OTHER_DEFINITION))
        }
    }
}

/// The header of a mapping.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    state: &'a AtomicU64,
    version: &'a AtomicU64,
    /// In the order of [`Identity::words`].
    identity: [&'a AtomicU64; 6],
}

impl<'a> Header<'a> {
    /// The header at the start of a mapping; fails if the mapping is shorter than a header or
    /// read-only.
    pub(crate) fn of(mapping: &'a Mapping) -> Result<Header<'a>> {
        let word = |index: usize| mapping.atomic_u64(index * size_of::<u64>());
        Ok(Header {
            state: word(0)?,
            version: word(1)?,
            identity: [word(2)?, word(3)?, word(4)?, word(5)?, word(6)?, word(7)?],
        })
    }

    /// Claims new memory for this process; exactly one of several concurrent claims succeeds.
    pub(crate) fn claim(&self, operation: &'static str) -> Result<()> {
        match self.state.compare_exchange(EMPTY, INITIALIZING, AcqRel, Acquire) {
            Ok(_) => Ok(()),
            Err(MAGIC) => Err(Error::new(operation, ErrorKind::AlreadyExists)),
            Err(INITIALIZING) => Err(unfinished(operation)),
            Err(_) => Err(foreign(operation)),
        }
    }

    /// Returns claimed memory to the state of new memory, after initialization failed.
    pub(crate) fn release(&self) {
        self.state.store(EMPTY, Release);
    }

    /// Completes memory that this process has claimed, or that no other process can reach yet.
    pub(crate) fn publish(&self, identity: Identity) {
        self.version.store(VERSION, Relaxed);
        for (word, value) in self.identity.into_iter().zip(identity.words()) {
            word.store(value, Relaxed);
        }
        self.state.store(MAGIC, Release);
    }

    /// Reads each word of a complete header once, and [interprets](interpret) them.
    pub(crate) fn read(&self, operation: &'static str) -> Result<Identity> {
        let state = self.state.load(Acquire);
        let [kind, layout, size, first, second, third] = self.identity.map(|word| word.load(Relaxed));
        let version = self.version.load(Relaxed);
        interpret(operation, [state, version, kind, layout, size, first, second, third])
    }
}

/// Returns what the words of a header state.
///
/// Fails with [`InUse`](ErrorKind::InUse) if the creator has not finished, and with
/// [`WrongType`](ErrorKind::WrongType) if the memory has no header of this version.
pub(crate) fn interpret(operation: &'static str, words: [u64; SIZE / size_of::<u64>()]) -> Result<Identity> {
    let [state, version, kind, layout, size, first, second, third] = words;
    match state {
        MAGIC => {}
        EMPTY | INITIALIZING => return Err(unfinished(operation)),
        _ => return Err(foreign(operation)),
    }
    check(operation, [("the version of its header", version, VERSION)])?;
    Ok(Identity { kind, layout, size, details: [first, second, third] })
}

fn unfinished(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::InUse)
        .with_hint("wait for its creator; if that died, remove and recreate the memory")
}

fn foreign(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::WrongType).with_hint("check which program wrote this memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::memfd::Memfd;

    const IDENTITY: Identity = Identity { kind: 9, layout: 8, size: 7, details: [6, 5, 4] };

    fn mapping() -> Mapping {
        Memfd::create("header", SIZE).unwrap().map().unwrap()
    }

    #[test]
    fn claim_succeeds_once_until_released_or_published() {
        let mapping = mapping();
        let header = Header::of(&mapping).unwrap();
        assert_eq!(header.read("read").unwrap_err().kind(), ErrorKind::InUse);
        header.claim("claim").unwrap();
        header.release();
        header.claim("claim").unwrap();
        assert_eq!(header.claim("claim").unwrap_err().kind(), ErrorKind::InUse);
        assert_eq!(header.read("read").unwrap_err().kind(), ErrorKind::InUse);
        header.publish(IDENTITY);
        assert_eq!(header.claim("claim").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(header.read("read").unwrap(), IDENTITY);
    }

    #[test]
    fn check_names_the_first_word_that_differs() {
        check("check", [("kind", 1, 1), ("size", 8, 8)]).unwrap();
        let error = check("check", [("kind", 1, 1), ("size", 8, 4), ("layout", 3, 2)]).unwrap_err();
        let limit = error.limit().unwrap();
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert_eq!((limit.name(), limit.value(), limit.requested()), ("size", 8, Some(4)));
    }

    #[test]
    fn read_rejects_other_contents_and_other_versions() {
        let mapping = mapping();
        let header = Header::of(&mapping).unwrap();
        header.publish(IDENTITY);
        header.version.store(VERSION + 1, Relaxed);
        let error = header.read("read").unwrap_err();
        assert_eq!(error.limit().unwrap().name(), "the version of its header");
        header.state.store(MAGIC + 1, Relaxed);
        assert_eq!(header.read("read").unwrap_err().kind(), ErrorKind::WrongType);
        assert_eq!(header.claim("claim").unwrap_err().kind(), ErrorKind::WrongType);
    }
}
