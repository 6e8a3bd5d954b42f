//! Competitors that fail in various ways, to test that a run survives them. Their scenario is
//! measured only if it is named in full.

use std::process;
use std::thread;
use std::time::Duration;

use super::{Bytes, pipe};
use crate::harness::Harness;
use crate::message::{Result, Words};
use crate::work::Take;

/// The messages before the failure.
const MESSAGES_BEFORE_FAILURE: u32 = 10;

/// Stops replying in the middle of its work.
pub(crate) fn silent(harness: &mut Harness) -> Result<()> {
    fail_later(harness, || thread::sleep(Duration::MAX))
}

/// Exits in the middle of its work.
pub(crate) fn exiting(harness: &mut Harness) -> Result<()> {
    fail_later(harness, || process::exit(7))
}

/// Panics in the middle of its work.
pub(crate) fn panicking(harness: &mut Harness) -> Result<()> {
    fail_later(harness, || std::panic::panic_any("on purpose"))
}

/// Changes a message.
pub(crate) fn corrupting(harness: &mut Harness) -> Result<()> {
    let (reader, writer) = pipe::duplex(harness)?;
    let reader = Failing {
        endpoint: Bytes(reader),
        left: MESSAGES_BEFORE_FAILURE,
        fail: |message: &mut Words<1>| message[0] ^= 1,
    };
    harness.round_trips::<1>(Bytes(writer), reader)
}

/// Never connects, and does not notice the end of the session.
pub(crate) fn unresponsive(_stage: &mut Harness) -> Result<()> {
    thread::sleep(Duration::MAX);
    Ok(())
}

fn fail_later(harness: &mut Harness, failure: impl Fn()) -> Result<()> {
    let (reader, writer) = pipe::duplex(harness)?;
    let reader = Failing {
        endpoint: Bytes(reader),
        left: MESSAGES_BEFORE_FAILURE,
        fail: |_: &mut Words<1>| failure(),
    };
    harness.round_trips::<1>(Bytes(writer), reader)
}

struct Failing<E, F> {
    endpoint: E,
    left: u32,
    fail: F,
}

impl<E: Take<1>, F: FnMut(&mut Words<1>)> Take<1> for Failing<E, F> {
    fn take(&mut self) -> Result<Words<1>> {
        let mut message = self.endpoint.take()?;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => (self.fail)(&mut message),
        }
        Ok(message)
    }
}
