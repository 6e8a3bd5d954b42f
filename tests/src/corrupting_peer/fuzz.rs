//! The target of a fuzzer.

use std::time::Duration;

use super::{Clock, KINDS, map};

/// The bytes that choose operations; the rest is written to the memory.
const SCRIPT_LEN: usize = 24;

/// The bytes at the start of the memory that identify a channel.
///
/// Most other values there are refused immediately, so half of the inputs leave them as they are.
const IDENTITY_LEN: usize = 64;

/// Makes a channel, takes its endpoints, writes the bytes to its memory and uses the endpoints.
///
/// The first byte chooses the kind of channel and where in the memory the bytes go. The next ones
/// choose the operations, of which the first half come before the bytes are written.
///
/// # Panics
///
/// If a call does not return in time, or panics itself.
pub fn fuzz(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let (script, content) = data.split_at(data.len().min(SCRIPT_LEN));
    let mut target = (KINDS[usize::from(first) % KINDS.len()].make)();
    let memory = map(&target.descriptor());
    let mut clock = Clock::new(Duration::ZERO);
    let (before, after) = script.split_at(script.len() / 2);
    before.iter().for_each(|&choice| target.operate(choice, &mut clock));

    let at = if (usize::from(first) / KINDS.len()).is_multiple_of(2) { IDENTITY_LEN } else { 0 };
    let content = &content[..content.len().min(memory.len() - at)];
    memory.write_at(at, content).expect("within the memory");
    after.iter().for_each(|&choice| target.operate(choice, &mut clock));
}
