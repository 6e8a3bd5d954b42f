//! One facility and how it is tried.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_step::{Child, Shared};

use super::Facility;
use crate::Error;

/// What a trial found, or the error.
pub(super) type Found = Result<String, String>;

/// One facility and how it is tried.
pub(super) struct Trial {
    pub(super) name: &'static str,
    pub(super) needs: &'static str,
    pub(super) used_by: &'static str,
    pub(super) run: fn() -> Result<Found, Error>,
}

impl Trial {
    pub(super) fn facility(&self) -> Result<Facility, Error> {
        let found = (self.run)()?;
        Ok(Facility {
            name: self.name.into(),
            permitted: found.is_ok(),
            found: found.unwrap_or_else(|error| error),
            needs: self.needs.into(),
            used_by: self.used_by.into(),
        })
    }
}

/// A trial takes milliseconds; a machine may be busy.
const MAX_TIME: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_micros(200);

/// What a child reports.
const STATE: usize = 0;
const LENGTH: usize = 1;
const TEXT: usize = 2;
const PERMITTED: u64 = 1;
const REFUSED: u64 = 2;

/// Runs a trial in a child.
pub(super) fn in_child(trial: impl FnOnce() -> Found) -> Result<Found, Error> {
    let shared = Shared::new()?;
    let child = Child::try_start(|| report(&shared, &trial()))?;
    let deadline = Instant::now() + MAX_TIME;
    while !child.has_ended() {
        if Instant::now() > deadline {
            return Ok(Err(format!("no result in {} s", MAX_TIME.as_secs())));
        }
        thread::sleep(POLL);
    }
    Ok(reported(&shared))
}

/// Writes a short text into the shared words, each of which holds a byte.
fn report(shared: &Shared, found: &Found) {
    let (state, text) = match found {
        Ok(text) => (PERMITTED, text),
        Err(text) => (REFUSED, text),
    };
    let words = &shared.words()[TEXT..];
    for (word, byte) in words.iter().zip(text.bytes()) {
        word.store(byte.into(), Relaxed);
    }
    shared.words()[LENGTH].store(text.len().min(words.len()) as u64, Relaxed);
    shared.words()[STATE].store(state, Release);
}

fn reported(shared: &Shared) -> Found {
    let state = shared.words()[STATE].load(Acquire);
    let length = shared.words()[LENGTH].load(Relaxed) as usize;
    let bytes: Vec<u8> =
        shared.words()[TEXT..].iter().take(length).map(|word| word.load(Relaxed) as u8).collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match state {
        PERMITTED => Ok(text),
        REFUSED => Err(text),
        _ => Err("the child died in the trial".into()),
    }
}

/// Returns how an operation failed, as `operation: ERRNO`.
pub(crate) fn failed(operation: &str, errno: nix::Error) -> String {
    format!("{operation}: {errno:?}")
}

/// Returns what a system call or an input/output operation on a file failed with.
pub(crate) fn io_failed(operation: &str, error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => failed(operation, nix::Error::from_raw(errno)),
        None => format!("{operation}: {error}"),
    }
}
