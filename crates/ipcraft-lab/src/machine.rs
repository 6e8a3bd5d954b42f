//! What this machine permits, tried and not guessed.

use std::sync::atomic::Ordering::Relaxed;

use ipcraft_bench::Cores;
use ipcraft_step::{Child, REFUSED, Shared, overhead};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::sys::LinuxPolicy;

/// One facility that some experiments need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// What it is.
    pub name: String,
    /// Whether this process has it.
    pub permitted: bool,
    /// What was found: a number, or the error.
    pub found: String,
    /// What gives it, if it is missing.
    pub needs: String,
    /// The experiments that are left out without it.
    pub used_by: String,
}

/// Tries every facility in a child.
///
/// # Errors
///
/// [`Error::Failed`] if no child can be started.
pub fn facilities() -> Result<Vec<Facility>, Error> {
    Ok(vec![two_cores(), stepping(), realtime()?])
}

fn two_cores() -> Facility {
    let cores = Cores::of_this_process();
    let count = cores.allowed().len();
    Facility {
        name: "two cores".into(),
        permitted: count > 1,
        found: format!("{count} allowed"),
        needs: "a second core in the affinity mask (taskset, cpuset)".into(),
        used_by: "race, exclusion, peterson on two cores".into(),
    }
}

fn stepping() -> Facility {
    let found = overhead();
    Facility {
        name: "stepping own children".into(),
        permitted: found.is_ok(),
        found: found.map_or_else(
            |error| if error == REFUSED { "ptrace(2): EPERM".into() } else { format!("ptrace(2): {error}") },
            |_| "ptrace(2)".into(),
        ),
        needs: "kernel.yama.ptrace_scope below 3, and a seccomp filter that allows ptrace".into(),
        used_by: "explore, run, play".into(),
    }
}

fn realtime() -> Result<Facility, Error> {
    let shared = Shared::new()?;
    let child = Child::try_start(|| {
        let errno = LinuxPolicy::Fifo { priority: 1 }.set_own().err().map_or(0, |error| error.errno() as u64);
        shared.words()[0].store(errno + 1, Relaxed);
    })?;
    while !child.has_ended() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let errno = shared.words()[0].load(Relaxed);
    let found = match errno {
        0 => "the child has died".into(),
        1 => "SCHED_FIFO".into(),
        errno => format!("sched_setattr(2): {}", nix::Error::from_raw(errno as i32 - 1)),
    };
    Ok(Facility {
        name: "real-time priority".into(),
        permitted: errno == 1,
        found,
        needs: "CAP_SYS_NICE or RLIMIT_RTPRIO, and the root CPU group under CONFIG_RT_GROUP_SCHED".into(),
        used_by: "interrupts: SCHED_FIFO".into(),
    })
}
