//! A process for one experiment.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_step::{Child, Shared};
use nix::sys::wait::WaitStatus;

use crate::Error;

const MAX_TIME: Duration = Duration::from_secs(20);

/// The figures of a child.
pub(super) type Figures = Vec<u64>;

/// Runs the work in a child, on any core, and returns the figures that it computes.
pub(super) fn figures(work: impl Fn() -> Figures) -> Result<Figures, Error> {
    let shared = Shared::new()?;
    let words = shared.words();
    let mut child = Child::try_start(|| {
        let figures = work();
        for (word, figure) in words[1..].iter().zip(&figures) {
            word.store(*figure, Release);
        }
        words[0].store(1 + figures.len() as u64, Release);
    })?;
    let end = ended(&mut child)?;
    match words[0].load(Acquire) {
        0 => Err(failed(&format!("a child ended by {end:?}"))),
        count => Ok(words[1..count as usize].iter().map(|word| word.load(Acquire)).collect()),
    }
}

/// Runs the work in a child, and returns how the child ended.
pub(super) fn end_of(work: impl FnOnce()) -> Result<WaitStatus, Error> {
    ended(&mut Child::try_start(work)?)
}

/// Blocks until the child has ended. Fails if that takes too long.
pub(super) fn ended(child: &mut Child) -> Result<WaitStatus, Error> {
    let deadline = Instant::now() + MAX_TIME;
    while !child.has_ended() {
        if Instant::now() > deadline {
            return Err(Error::Failed(nix::Error::ETIME));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(child.wait()?)
}

/// Blocks until the condition holds. Fails if that takes too long.
pub(super) fn until(condition: impl Fn() -> bool) -> Result<(), Error> {
    let deadline = Instant::now() + MAX_TIME;
    while !condition() {
        if Instant::now() > deadline {
            return Err(Error::Failed(nix::Error::ETIME));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// An error of an experiment.
pub(super) fn failed(reason: &str) -> Error {
    Error::Memory(reason.into())
}

/// The error of a failed call of the standard library.
pub(super) fn io(error: std::io::Error) -> Error {
    Error::Failed(nix::Error::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}

/// Returns a figure of `/proc/self/status`.
pub(super) fn status(pid: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
