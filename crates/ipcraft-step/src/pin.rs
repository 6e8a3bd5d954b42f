//! Staying on one core.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread and its later children run on one core until this is dropped, or wherever
/// they like if the system refuses: that only costs time.
#[derive(Debug)]
pub(crate) struct Pin {
    previous: Option<CpuSet>,
}

/// sched_setaffinity(2): the calling thread.
const SELF: Pid = Pid::from_raw(0);

impl Pin {
    pub(crate) fn here() -> Self {
        Pin { previous: pin_here().ok() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(previous) = &self.previous {
            let _ = sched_setaffinity(SELF, previous);
        }
    }
}

fn pin_here() -> nix::Result<CpuSet> {
    let previous = sched_getaffinity(SELF)?;
    let mut one = CpuSet::new();
    one.set(sched_getcpu()?)?;
    sched_setaffinity(SELF, &one)?;
    Ok(previous)
}
