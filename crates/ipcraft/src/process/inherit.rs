//! What a child is given: the list, checked and arranged before the fork.

#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit};

use super::manifest::{self, Identity};
use crate::error::{Error, ErrorKind, Result};
use crate::support::limits;

const SPAWN: &str = "spawn";

/// The descriptors that a child inherits besides its standard streams.
///
/// ```
/// use ipcraft::process::Inherit;
/// use ipcraft::pipe;
///
/// let (requests, _) = pipe::pipe()?;
/// let (_, log) = pipe::pipe()?;
/// let inherit = Inherit::new().named("requests", requests).numbered(7, log);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Inherit {
    named: Vec<(String, OwnedFd)>,
    numbered: Vec<(RawFd, OwnedFd)>,
}

impl Inherit {
    /// Nothing yet.
    pub fn new() -> Self {
        Inherit::default()
    }

    /// Gives a descriptor that the child [takes](super::take_inherited_fd) by this name: letters, digits, `-`, `_`, `.`.
    pub fn named(mut self, name: impl Into<String>, descriptor: impl Into<OwnedFd>) -> Self {
        self.named.push((name.into(), descriptor.into()));
        self
    }

    /// Gives a descriptor that the child finds open under this number, from 3 up, whether or not it uses this library.
    pub fn numbered(mut self, number: RawFd, descriptor: impl Into<OwnedFd>) -> Self {
        self.numbered.push((number, descriptor.into()));
        self
    }

    /// Checks the list and moves every descriptor off the numbers that the child wants for others.
    pub(super) fn arrange(self) -> Result<Arranged> {
        self.check()?;
        let targets: BTreeSet<RawFd> = self.numbered.iter().map(|(number, _)| *number).collect();
        let named = moved_off(self.named, &targets)?;
        let numbered = moved_off(self.numbered, &targets)?;
        Ok(Arranged { named, numbered })
    }

    fn check(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        if let Some((bad, _)) =
            self.named.iter().find(|(name, _)| !manifest::is_name(name) || !names.insert(name))
        {
            return Err(Error::new(SPAWN, ErrorKind::InvalidName)
                .with_name(bad.as_str())
                .with_hint("names of descriptors are unique and made of letters, digits, '-', '_', '.'"));
        }
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let mut numbers = BTreeSet::new();
        let fits = |number: RawFd| number > 2 && (number as u64) < limit;
        if let Some((bad, _)) =
            self.numbered.iter().find(|(number, _)| !fits(*number) || !numbers.insert(number))
        {
            return Err(Error::new(SPAWN, ErrorKind::Invalid)
                .with_name(format!("descriptor number {bad}"))
                .with_hint("numbers are unique, above 2 and below RLIMIT_NOFILE"));
        }
        Ok(())
    }
}

/// Descriptors ready for the fork.
#[derive(Debug)]
pub(super) struct Arranged {
    /// These keep the number that they have in the parent; none of them is a target of `numbered`.
    named: Vec<(String, OwnedFd)>,
    /// Target number and descriptor; no descriptor has any target's number.
    numbered: Vec<(RawFd, OwnedFd)>,
}

impl Arranged {
    /// The value of the environment variable that tells the child.
    pub(super) fn manifest(&self) -> Result<String> {
        let named = self.named.iter().map(|(name, fd)| (name.as_str(), fd.as_raw_fd(), fd));
        let numbered = self.numbered.iter().map(|(number, fd)| ("", *number, fd));
        let entries = named.chain(numbered).map(|(name, number, fd)| {
            Identity::of(fd.as_fd())
                .map(|identity| manifest::entry(name, number, identity))
                .map_err(|e| Error::from_errno("fstat", e))
        });
        Ok(entries.collect::<Result<Vec<_>>>()?.join(manifest::SEPARATOR))
    }

    /// The numbers that the child has only to keep open over its exec.
    pub(super) fn kept(&self) -> Vec<RawFd> {
        self.named.iter().map(|(_, fd)| fd.as_raw_fd()).collect()
    }

    /// Whether the child has to put anything in place.
    pub(super) fn has_numbers(&self) -> bool {
        !self.numbered.is_empty()
    }

    /// What the child has to put in place; to be held until it has.
    pub(super) fn placed(&self) -> Result<Vec<Placement>> {
        self.numbered.iter().map(|(target, fd)| Placement::new(fd.as_fd(), *target)).collect()
    }
}

/// A descriptor that the child finds under another number.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) step: Step,
    /// Occupies a target that was free, so that nothing that std opens while it forks lands there.
    _placeholder: Option<OwnedFd>,
}

impl Placement {
    fn new(fd: BorrowedFd<'_>, target: RawFd) -> Result<Self> {
        let placeholder = occupy(target, fd)?;
        let occupant = Identity::of_number(target).ok();
        Ok(Placement { step: Step { source: fd.as_raw_fd(), target, occupant }, _placeholder: placeholder })
    }
}

/// The child's part of a placement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) source: RawFd,
    pub(super) target: RawFd,
    /// What was at the target before the fork.
    pub(super) occupant: Option<Identity>,
}

fn moved_off<K>(list: Vec<(K, OwnedFd)>, targets: &BTreeSet<RawFd>) -> Result<Vec<(K, OwnedFd)>> {
    let above = targets.last().map_or(3, |last| last + 1);
    let moved = list.into_iter().map(|(key, fd)| {
        if !targets.contains(&fd.as_raw_fd()) {
            return Ok((key, fd));
        }
        Ok((key, duplicate_from(fd.as_fd(), above)?))
    });
    moved.collect()
}

/// Something under `number`, if that was free.
fn occupy(number: RawFd, by: BorrowedFd<'_>) -> Result<Option<OwnedFd>> {
    let placeholder = duplicate_from(by, number)?;
    Ok((placeholder.as_raw_fd() == number).then_some(placeholder))
}

/// A close-on-exec duplicate under the lowest free number from `lowest` up.
fn duplicate_from(fd: BorrowedFd<'_>, lowest: RawFd) -> Result<OwnedFd> {
    match fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(lowest)) {
        // SAFETY: because F_DUPFD_CLOEXEC returns a new descriptor that nobody else owns (fcntl(2)).
        Ok(number) => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        // The lowest number is itself beyond the limit.
        Err(Errno::EINVAL) => Err(full(Errno::EMFILE)),
        Err(errno) => Err(full(errno)),
    }
}

fn full(errno: Errno) -> Error {
    Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno).with_limit(limits::descriptors(errno))
}
