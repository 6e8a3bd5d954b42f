//! Contestants that fail in every way there is, which shows that a run survives them. They have a row of their own, which is
//! measured only if it is named in full.

use std::process;
use std::thread;
use std::time::Duration;

use super::{Bytes, pipe};
use crate::message::{Result, Words};
use crate::stage::Stage;
use crate::work::Take;

/// How many messages go well before something happens.
const GOOD: u32 = 10;

/// Goes silent in the middle of its work.
pub(crate) fn silent(stage: &mut Stage) -> Result<()> {
    after_good_ones(stage, || thread::sleep(Duration::MAX))
}

/// Ends its process in the middle of its work.
pub(crate) fn dying(stage: &mut Stage) -> Result<()> {
    after_good_ones(stage, || process::exit(7))
}

/// Panics in the middle of its work.
pub(crate) fn panicking(stage: &mut Stage) -> Result<()> {
    after_good_ones(stage, || std::panic::panic_any("on purpose"))
}

/// Delivers something else than what was sent.
pub(crate) fn lying(stage: &mut Stage) -> Result<()> {
    let (reader, writer) = pipe::duplex(stage)?;
    let reader = Failing { end: Bytes(reader), left: GOOD, fail: |message: &mut Words<1>| message[0] ^= 1 };
    stage.round_trips::<1>(Bytes(writer), reader)
}

/// Never makes a connection, and does not hear that nobody wants one any more.
pub(crate) fn deaf(_stage: &mut Stage) -> Result<()> {
    thread::sleep(Duration::MAX);
    Ok(())
}

fn after_good_ones(stage: &mut Stage, happens: impl Fn()) -> Result<()> {
    let (reader, writer) = pipe::duplex(stage)?;
    let reader = Failing { end: Bytes(reader), left: GOOD, fail: |_: &mut Words<1>| happens() };
    stage.round_trips::<1>(Bytes(writer), reader)
}

struct Failing<E, F> {
    end: E,
    left: u32,
    fail: F,
}

impl<E: Take<1>, F: FnMut(&mut Words<1>)> Take<1> for Failing<E, F> {
    fn take(&mut self) -> Result<Words<1>> {
        let mut message = self.end.take()?;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => (self.fail)(&mut message),
        }
        Ok(message)
    }
}
