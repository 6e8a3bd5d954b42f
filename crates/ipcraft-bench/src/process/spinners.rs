//! Idle-priority processes that keep cores awake.
#![allow(unsafe_code)]

use std::io;

use super::child::Process;
use crate::placement::{CpuPair, pin};

/// A process per core that runs only while the core is idle, and so keeps it out of its sleep
/// states.
pub(crate) struct Spinners {
    _processes: Vec<Process>,
}

impl Spinners {
    /// Starts a spinner on each core of the pair.
    pub(crate) fn start(cpus: CpuPair) -> io::Result<Spinners> {
        let mut cores: Vec<usize> = [cpus.client, cpus.server].into_iter().flatten().collect();
        cores.dedup();
        let processes =
            cores.into_iter().map(|core| Process::fork(|| spin(core))).collect::<io::Result<_>>()?;
        Ok(Spinners { _processes: processes })
    }
}

fn spin(core: usize) -> io::Result<()> {
    set_idle_priority()?;
    if !pin(core) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    loop {
        std::hint::spin_loop();
    }
}

/// Gives this process the lowest priority (`SCHED_IDLE`): it runs only on an otherwise idle core.
fn set_idle_priority() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: because sched_setscheduler(2) reads one structure of the right type.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::kill;

    use super::*;
    use crate::alone::alone;
    use crate::placement::{Cores, Placement};

    #[test]
    fn spinners_end_when_dropped() {
        let _alone = alone();
        let cpus = Cores::of_this_process().cpu_pair(Placement::SameCore).unwrap();
        let spinners = Spinners::start(cpus).unwrap();
        let ids: Vec<_> = spinners._processes.iter().map(Process::id).collect();
        drop(spinners);
        assert!(ids.iter().all(|&id| kill(id, None).is_err()));
    }
}
