//! The descriptors that a child inherits, checked and prepared before the fork.

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
    /// Creates an empty list.
    pub fn new() -> Self {
        Inherit::default()
    }

    /// Adds a descriptor that the child [takes](super::take_inherited_fd) by this name. A name
    /// consists of letters, digits, `-`, `_` and `.`.
    pub fn named(mut self, name: impl Into<String>, descriptor: impl Into<OwnedFd>) -> Self {
        self.named.push((name.into(), descriptor.into()));
        self
    }

    /// Adds a descriptor that is open in the child under this number, which is at least 3. The
    /// child need not use this library.
    pub fn numbered(mut self, number: RawFd, descriptor: impl Into<OwnedFd>) -> Self {
        self.numbered.push((number, descriptor.into()));
        self
    }

    /// Checks the list, and moves each descriptor away from the numbers that the child needs for
    /// others.
    pub(super) fn prepare(self) -> Result<Prepared> {
        self.check()?;
        let targets: BTreeSet<RawFd> = self.numbered.iter().map(|(number, _)| *number).collect();
        let named = move_off(self.named, &targets)?;
        let numbered = move_off(self.numbered, &targets)?;
        Ok(Prepared { named, numbered })
    }

    fn check(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        if let Some((bad, _)) =
            self.named.iter().find(|(name, _)| !manifest::is_name(name) || !names.insert(name))
        {
            return Err(Error::new(SPAWN, ErrorKind::InvalidName)
                .with_name(bad.as_str())
                .with_hint("use unique names of letters, digits, '-', '_' and '.'"));
        }
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let mut numbers = BTreeSet::new();
        let fits = |number: RawFd| number > 2 && (number as u64) < limit;
        if let Some((bad, _)) =
            self.numbered.iter().find(|(number, _)| !fits(*number) || !numbers.insert(number))
        {
            return Err(Error::new(SPAWN, ErrorKind::Invalid)
                .with_name(format!("descriptor number {bad}"))
                .with_hint("use unique numbers above 2 and below RLIMIT_NOFILE"));
        }
        Ok(())
    }
}

/// Descriptors that are ready for the fork.
#[derive(Debug)]
pub(super) struct Prepared {
    /// These keep their number of the parent, which is not a target of `numbered`.
    named: Vec<(String, OwnedFd)>,
    /// Target number and descriptor. No descriptor has the number of a target.
    numbered: Vec<(RawFd, OwnedFd)>,
}

impl Prepared {
    /// Returns the value of the environment variable for the child.
    pub(super) fn manifest(&self) -> Result<String> {
        let named = self.named.iter().map(|(name, fd)| (name.as_str(), fd.as_raw_fd(), fd));
        let numbered = self.numbered.iter().map(|(number, fd)| ("", *number, fd));
        let entries = named.chain(numbered).map(|(name, number, fd)| {
            Identity::for_fd(fd.as_fd())
                .map(|identity| manifest::entry(name, number, identity))
                .map_err(|e| Error::from_errno("fstat", e))
        });
        Ok(entries.collect::<Result<Vec<_>>>()?.join(manifest::SEPARATOR))
    }

    /// Returns the numbers that the child keeps open over exec unchanged.
    pub(super) fn kept_fds(&self) -> Vec<RawFd> {
        self.named.iter().map(|(_, fd)| fd.as_raw_fd()).collect()
    }

    /// Returns whether the child moves any descriptor to another number.
    pub(super) fn has_numbers(&self) -> bool {
        !self.numbered.is_empty()
    }

    /// Returns the descriptors that the child moves. The caller holds them until exec.
    pub(super) fn placements(&self) -> Result<Vec<Placement>> {
        self.numbered.iter().map(|(target, fd)| Placement::new(fd.as_fd(), *target)).collect()
    }
}

/// A descriptor that the child moves to another number.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) step: Step,
    /// Occupies a free target, so that std opens no descriptor there while it forks.
    _placeholder: Option<OwnedFd>,
}

impl Placement {
    fn new(fd: BorrowedFd<'_>, target: RawFd) -> Result<Self> {
        let placeholder = reserve(target, fd)?;
        let occupant = Identity::for_number(target).ok();
        Ok(Placement { step: Step { source: fd.as_raw_fd(), target, occupant }, _placeholder: placeholder })
    }
}

/// The part of a placement that runs in the child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) source: RawFd,
    pub(super) target: RawFd,
    /// The descriptor at the target before the fork.
    pub(super) occupant: Option<Identity>,
}

fn move_off<K>(list: Vec<(K, OwnedFd)>, targets: &BTreeSet<RawFd>) -> Result<Vec<(K, OwnedFd)>> {
    let above = targets.last().map_or(3, |last| last + 1);
    let moved = list.into_iter().map(|(key, fd)| {
        if !targets.contains(&fd.as_raw_fd()) {
            return Ok((key, fd));
        }
        Ok((key, duplicate_from(fd.as_fd(), above)?))
    });
    moved.collect()
}

/// Occupies `number` if it is free.
fn reserve(number: RawFd, by: BorrowedFd<'_>) -> Result<Option<OwnedFd>> {
    let placeholder = duplicate_from(by, number)?;
    Ok((placeholder.as_raw_fd() == number).then_some(placeholder))
}

/// Duplicates to the lowest free number from `lowest` up, close-on-exec.
fn duplicate_from(fd: BorrowedFd<'_>, lowest: RawFd) -> Result<OwnedFd> {
    match fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(lowest)) {
        // SAFETY: because F_DUPFD_CLOEXEC returns a new descriptor without another owner
        // (fcntl(2)).
        Ok(number) => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        // `lowest` itself exceeds the limit.
        Err(Errno::EINVAL) => Err(dup_error(Errno::EMFILE)),
        Err(errno) => Err(dup_error(errno)),
    }
}

fn dup_error(errno: Errno) -> Error {
    Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno).with_limit(limits::descriptors(errno))
}
