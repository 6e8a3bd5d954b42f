//! Priority inversion: three processes on one core, and one lock.
//!
//! The process of low priority holds the lock. The urgent one waits for it, and one of middle
//! priority, which does not need the lock, keeps the first from running. So the urgent process
//! waits for all the work of the one in the middle, unless the owner of the lock inherits its
//! priority.

mod cast;
mod lock;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use lock::Lock;

use crate::sys::LinuxPolicy;
use crate::{Error, Skipped};

/// The CPU time of the critical section.
pub const CRITICAL_SECTION: Duration = Duration::from_millis(10);

/// The CPU time of the process in the middle.
pub const HOG: Duration = Duration::from_millis(200);

/// The time for which the urgent process spins at most. The kernel lets real-time processes have
/// 95 % of each second, so that a longer time would let the owner run.
pub const SPIN_LIMIT: Duration = Duration::from_millis(400);

/// The same where the owner is an ordinary process: several times that until the kernel helps.
const LONG_SPIN_LIMIT: Duration = Duration::from_secs(3);

/// The repetitions of a case, of which the median counts.
const RUNS: usize = 3;

/// The pause after a run with real-time priorities, for all other processes.
const PAUSE: Duration = Duration::from_millis(300);

/// The priorities of the three processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ranks {
    /// `SCHED_FIFO`: priorities 1, 2 and 3. Needs a right.
    Realtime,
    /// The urgent process is `SCHED_FIFO`, the others are ordinary processes, for which the kernel
    /// keeps a little time. Needs a right, and is none of [`Case::ALL`].
    Mixed,
    /// The owner is `SCHED_IDLE`, the others are ordinary processes. Needs no right.
    Ordinary,
}

impl Ranks {
    /// Returns the policies of the owner, the process in the middle, and the urgent one.
    pub fn policies(self) -> [LinuxPolicy; 3] {
        match self {
            Ranks::Realtime => [1, 2, 3].map(|priority| LinuxPolicy::Fifo { priority }),
            Ranks::Mixed => [LinuxPolicy::DEFAULT, LinuxPolicy::DEFAULT, LinuxPolicy::Fifo { priority: 1 }],
            Ranks::Ordinary => [LinuxPolicy::Idle, LinuxPolicy::DEFAULT, LinuxPolicy::DEFAULT],
        }
    }

    /// The time for which the urgent process spins at most.
    pub fn spin_limit(self) -> Duration {
        if self == Ranks::Mixed { LONG_SPIN_LIMIT } else { SPIN_LIMIT }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The priorities.
    pub ranks: Ranks,
    /// How the urgent process waits.
    pub lock: Lock,
    /// Whether there is a process in the middle.
    pub has_hog: bool,
}

impl Case {
    /// All cases.
    pub const ALL: [Case; 7] = [
        Case { ranks: Ranks::Realtime, lock: Lock::Spinning, has_hog: false },
        Case { ranks: Ranks::Realtime, lock: Lock::Sleeping, has_hog: false },
        Case { ranks: Ranks::Realtime, lock: Lock::Sleeping, has_hog: true },
        Case { ranks: Ranks::Realtime, lock: Lock::Inheriting, has_hog: true },
        Case { ranks: Ranks::Ordinary, lock: Lock::Sleeping, has_hog: false },
        Case { ranks: Ranks::Ordinary, lock: Lock::Sleeping, has_hog: true },
        Case { ranks: Ranks::Ordinary, lock: Lock::Inheriting, has_hog: true },
    ];
}

/// How long the urgent process waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inversion {
    /// The case.
    pub case: Case,
    /// The median of the times from asking for the lock until having it. `None` if it did not get
    /// the lock within [`Ranks::spin_limit`].
    pub waited_ns: Option<u64>,
    /// Whether the processes were bound to one core.
    pub is_pinned: bool,
}

/// Measures all cases that this machine permits.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, fails, or takes half a minute.
pub fn inversions() -> Result<(Vec<Inversion>, Vec<Skipped>), Error> {
    let (mut measured, mut skipped) = (Vec::new(), Vec::new());
    for case in Case::ALL {
        match inversion(case)? {
            Ok(inversion) => measured.push(inversion),
            Err(refused) => {
                let missing = Skipped::new("inversion with SCHED_FIFO", refused);
                if !skipped.contains(&missing) {
                    skipped.push(missing);
                }
            }
        }
    }
    Ok((measured, skipped))
}

/// Measures one case. The inner error is what it needs.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, fails, or takes half a minute.
pub fn inversion(case: Case) -> Result<Result<Inversion, String>, Error> {
    let (mut waits, mut is_pinned) = (Vec::new(), true);
    // A run of this kind takes a second.
    let runs = if case.ranks == Ranks::Mixed { 1 } else { RUNS };
    for _ in 0..runs {
        match cast::play(case)? {
            Ok(run) => {
                waits.push(run.waited_ns.unwrap_or(u64::MAX));
                is_pinned &= run.is_pinned;
            }
            Err(refused) => return Ok(Err(refused)),
        }
        if case.ranks == Ranks::Realtime {
            std::thread::sleep(PAUSE);
        }
    }
    waits.sort_unstable();
    let waited_ns = Some(waits[runs / 2]).filter(|&ns| ns != u64::MAX);
    Ok(Ok(Inversion { case, waited_ns, is_pinned }))
}
