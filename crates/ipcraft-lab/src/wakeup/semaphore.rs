//! Two sentences about semaphores, checked: an up with a sleeper leaves zero, and an up never
//! blocks.

use std::sync::Arc;
use std::thread::sleep;

use ipcraft::semaphore::posix::Semaphore;
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_step::Child;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::watch::{POLL, all_sleep};

/// The ups without a sleeper.
const UPS: u32 = 1_000_000;

/// What a semaphore does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SemaphoreFacts {
    /// The value after one up while a process slept in a down, once that process has ended.
    pub value_after_up_with_sleeper: u32,
    /// Whether the sleeper returned from its down.
    pub sleeper_returned: bool,
    /// The ups without any sleeper. Each returned.
    pub ups: u32,
    /// The value after these.
    pub value_after_ups: u32,
    /// The error of an up at the largest value (`SEM_VALUE_MAX`): it does not block either.
    pub up_at_the_largest_value: String,
}

/// Checks both sentences.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started.
pub fn semaphore_facts() -> Result<SemaphoreFacts, Error> {
    let memory: Arc<Mapping> = Memfd::create("ipcraft-lab", 192)?.map()?.into();
    let semaphore = Semaphore::init_in(&memory, 0, 0)?;
    let sleeper = Child::try_start(|| semaphore.wait().unwrap_or(()))?;
    while !sleeper.has_ended() && !all_sleep(&[&sleeper], || 0) {
        sleep(POLL);
    }
    semaphore.post()?;
    // The sleeper has been woken, so it ends. It is killed when dropped if not.
    let sleeper_returned = (0..10_000).any(|_| {
        sleep(POLL);
        sleeper.has_ended()
    });
    let value_after_up_with_sleeper = semaphore.value()?;
    let counted = Semaphore::init_in(&memory, 64, 0)?;
    for _ in 0..UPS {
        counted.post()?;
    }
    let full = Semaphore::init_in(&memory, 128, i32::MAX.unsigned_abs())?;
    Ok(SemaphoreFacts {
        value_after_up_with_sleeper,
        sleeper_returned,
        ups: UPS,
        value_after_ups: counted.value()?,
        up_at_the_largest_value: full.post().err().map_or_else(String::new, |error| error.to_string()),
    })
}
