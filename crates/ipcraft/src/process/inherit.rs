//! What a child inherits, checked and prepared before the fork.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};

use super::child::ChildSignals;
use super::manifest::{self, Identity};
use super::streams::{FIRST_FD, duplicate_from};
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::signal::Signal;
use crate::support::limits;
use crate::sys::signal;

const SPAWN: &str = "spawn";

/// What a child inherits besides its standard streams: the listed descriptors, and the signal
/// settings.
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
    reset_signals: bool,
    death_signal: Option<Signal>,
}

impl Inherit {
    /// Creates an empty list, with the signal settings as they are.
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

    /// Starts the child with no signal blocked, and with the default action of each signal.
    ///
    /// Otherwise, as with [`Command::spawn`](std::process::Command::spawn), the child inherits the
    /// signals that this thread blocks and the signals that this process ignores. A blocked
    /// `SIGTERM` does not end a child that does not know of it.
    #[doc(alias = "sigprocmask")]
    pub fn reset_signals(mut self, yes: bool) -> Self {
        self.reset_signals = yes;
        self
    }

    /// `prctl(2)` with `PR_SET_PDEATHSIG`: the kernel sends the child this signal when this process
    /// ends, however that happens. A parent that ended before the call counts too.
    ///
    /// The kernel means the thread that forked the child. So a call from another thread than the
    /// first forks on a thread that the library keeps until the process ends. That thread has the
    /// scheduling and the capabilities of the thread that made the first such call.
    ///
    /// The child's own children do not get the signal. The setting survives exec, unless the
    /// program is set-user-ID, set-group-ID or has capabilities. It ends if the child changes its
    /// user or group. The child can block or ignore the signal: pass
    /// [`Signal::KILL`] to end it in any case.
    #[doc(alias = "PR_SET_PDEATHSIG")]
    pub fn death_signal(mut self, signal: Signal) -> Self {
        self.death_signal = Some(signal);
        self
    }

    /// Checks the list, and moves each descriptor away from the numbers that the child needs for
    /// others.
    pub(super) fn prepare(self) -> Result<Prepared> {
        self.check()?;
        let signals = self.signals()?;
        let targets: BTreeSet<RawFd> = self.numbered.iter().map(|(number, _)| *number).collect();
        let named = move_off(self.named, &targets)?;
        let numbered = move_off(self.numbered, &targets)?;
        Ok(Prepared { named, numbered, signals })
    }

    fn signals(&self) -> Result<ChildSignals> {
        let mask = match (self.reset_signals, self.death_signal) {
            (true, _) => Some(0),
            // The thread that forks may not be this one, and has another mask.
            (false, Some(_)) => Some(signal::block(0).map_err(|e| Error::from_errno("pthread_sigmask", e))?),
            (false, None) => None,
        };
        let death = self.death_signal.map(|signal| (signal, Pid::current()));
        Ok(ChildSignals { reset: self.reset_signals, mask, death })
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
        let fits = |number: RawFd| number >= FIRST_FD && (number as u64) < limit;
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
    /// These keep their number of the parent, which is neither a target of `numbered` nor that of a
    /// standard stream.
    named: Vec<(String, OwnedFd)>,
    /// Target number and descriptor. No descriptor has the number of a target or of a standard
    /// stream.
    numbered: Vec<(RawFd, OwnedFd)>,
    signals: ChildSignals,
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

    pub(super) fn signals(&self) -> ChildSignals {
        self.signals
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
    let above = targets.last().map_or(FIRST_FD, |last| last + 1);
    let moved = list.into_iter().map(|(key, fd)| {
        if fd.as_raw_fd() >= FIRST_FD && !targets.contains(&fd.as_raw_fd()) {
            return Ok((key, fd));
        }
        Ok((key, duplicate_from(fd.as_fd(), above).map_err(dup_error)?))
    });
    moved.collect()
}

/// Occupies `number` if it is free.
fn reserve(number: RawFd, by: BorrowedFd<'_>) -> Result<Option<OwnedFd>> {
    let placeholder = duplicate_from(by, number).map_err(dup_error)?;
    Ok((placeholder.as_raw_fd() == number).then_some(placeholder))
}

fn dup_error(errno: Errno) -> Error {
    Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno).with_limit(limits::descriptors(errno))
}
