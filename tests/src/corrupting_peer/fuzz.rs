//! What a fuzzer drives.

use std::time::Duration;

use super::{Clock, KINDS, map};

/// Bytes that say what is to be done; the rest is what is in the memory.
const SCRIPT: usize = 24;

/// Words at the start that say what a channel is, and are left as they are if the first byte asks for it: most other
/// values are refused at once.
const IDENTITY: usize = 64;

/// Makes a channel, takes its ends, writes these bytes to its memory and uses the ends: everything returns, whatever
/// the bytes are.
///
/// The first byte says which kind of channel, and where in the memory the bytes go; the next ones what is done, half of
/// it before.
///
/// # Panics
///
/// If a call takes for ever, or panics itself.
pub fn fuzz(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let (script, content) = data.split_at(data.len().min(SCRIPT));
    let mut target = (KINDS[usize::from(first) % KINDS.len()].make)();
    let memory = map(&target.descriptor());
    let mut clock = Clock::new(Duration::ZERO);
    let (before, after) = script.split_at(script.len() / 2);
    before.iter().for_each(|&choice| target.operate(choice, &mut clock));

    let at = if (usize::from(first) / KINDS.len()).is_multiple_of(2) { IDENTITY } else { 0 };
    let content = &content[..content.len().min(memory.len() - at)];
    memory.write_at(at, content).expect("within the memory");
    after.iter().for_each(|&choice| target.operate(choice, &mut clock));
}
