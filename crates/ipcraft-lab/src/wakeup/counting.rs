//! Two wake-ups for one process that is awake: a bit keeps one of them, a counter both.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{Result, futex};
use ipcraft_step::Child;
use serde::{Deserialize, Serialize};

use super::Method;
use super::wait_point::WaitPoint;
use crate::Error;
use crate::watch::{POLL, all_sleep, is_asleep};

/// A run takes milliseconds; a machine may be busy.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What two wake-ups did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// How the process sleeps and is woken.
    pub method: Method,
    /// The wake-ups that were sent by two other processes.
    pub sent: u32,
    /// How often the process has returned from its sleep.
    pub returned: u32,
}

ipcraft::shared_struct! {
    struct Shelf {
        /// 1 once the process is prepared, and 2 once it may sleep.
        phase: AtomicU32,
        returned: AtomicU32,
    }
}

const PREPARED: u32 = 1;
const MAY_SLEEP: u32 = 2;

/// Lets two processes each wake a third one while it is awake. It then sleeps twice.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn two_wakeups(method: Method) -> std::result::Result<Counting, Error> {
    let point = WaitPoint::new(method, 0)?;
    let memory = Memfd::create("ipcraft-lab", Shared::<Shelf>::SIZE)?;
    let shelf = Shared::initialize(memory.map()?, |_: &Shelf| Ok(()))?;
    let sleeper = Child::try_start(|| {
        // If it fails, it ends without having returned.
        let _ = sleep_twice(&point, &shelf);
    })?;
    let start = Instant::now();
    let is_late = || start.elapsed() > MAX_TIME;
    while !(shelf.phase.load(SeqCst) == PREPARED && is_asleep(&sleeper)) {
        if sleeper.has_ended() || is_late() {
            return Err(Error::Failed(nix::Error::ECHILD));
        }
        sleep(POLL / 10);
    }
    let id = sleeper.id();
    for _ in 0..2 {
        let worker = Child::try_start(|| point.wake(Some(id)).unwrap_or(()))?;
        while !worker.has_ended() {
            if is_late() {
                return Err(Error::Failed(nix::Error::ETIME));
            }
            sleep(POLL / 10);
        }
    }
    shelf.phase.store(MAY_SLEEP, SeqCst);
    futex::wake(&shelf.phase, 1)?;
    let returned = || u64::from(shelf.returned.load(SeqCst));
    while !sleeper.has_ended() && !all_sleep(&[&sleeper], returned) {
        if is_late() {
            return Err(Error::Failed(nix::Error::ETIME));
        }
        sleep(POLL / 10);
    }
    Ok(Counting { method, sent: 2, returned: shelf.returned.load(SeqCst) })
}

fn sleep_twice(point: &WaitPoint, shelf: &Shelf) -> Result<()> {
    let prepared = point.prepare()?;
    shelf.phase.store(PREPARED, SeqCst);
    // Awake, as far as the wake-ups are concerned: another call is what it waits in.
    while shelf.phase.load(SeqCst) == PREPARED {
        futex::wait(&shelf.phase, PREPARED)?;
    }
    for _ in 0..2 {
        point.sleep(&prepared)?;
        shelf.returned.fetch_add(1, SeqCst);
    }
    Ok(())
}
