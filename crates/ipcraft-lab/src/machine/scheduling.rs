//! Scheduling policies and priorities.

use std::fs;
use std::time::Duration;

use nix::unistd::getpid;

use super::trial::{Found, Trial, in_child, io_failed};
use crate::Error;
use crate::sys::LinuxPolicy;
use crate::sys::policy::round_robin_interval;

const NICE: &str = "CAP_SYS_NICE or RLIMIT_NICE";
const REALTIME: &str = "CAP_SYS_NICE or RLIMIT_RTPRIO, and the root CPU group under CONFIG_RT_GROUP_SCHED";
const ALLOWED: &str = "a seccomp filter that allows sched_setattr";
const OWN_SLICE: Duration = Duration::from_millis(3);

pub(super) const TRIALS: &[Trial] = &[
    Trial { name: "nice up", needs: ALLOWED, used_by: "schedule", run: nice_up },
    Trial { name: "nice down", needs: NICE, used_by: "schedule", run: nice_down },
    Trial { name: "SCHED_BATCH and back", needs: ALLOWED, used_by: "schedule", run: batch },
    Trial { name: "SCHED_IDLE", needs: ALLOWED, used_by: "schedule, inversion", run: idle },
    Trial { name: "SCHED_IDLE and back", needs: NICE, used_by: "schedule", run: idle_and_back },
    Trial {
        name: "own slice length",
        needs: "Linux 6.12 or later, and a seccomp filter that allows sched_setattr",
        used_by: "schedule",
        run: own_slice,
    },
    Trial { name: "SCHED_FIFO", needs: REALTIME, used_by: "race, inversion, schedule, realtime", run: fifo },
    Trial { name: "SCHED_RR", needs: REALTIME, used_by: "schedule", run: round_robin },
    Trial {
        name: "SCHED_DEADLINE",
        needs: "CAP_SYS_NICE, and an affinity mask of all CPUs",
        used_by: "schedule, realtime",
        run: deadline,
    },
    Trial {
        name: "real-time processes are throttled",
        needs: "a mounted /proc, and kernel.sched_rt_runtime_us other than -1",
        used_by: "inversion",
        run: throttling,
    },
];

/// Gives the child these policies one after the other.
fn policies(policies: &[LinuxPolicy]) -> Found {
    for policy in policies {
        policy
            .set_own()
            .map_err(|error| format!("sched_setattr(2): {}: {:?}", policy.name(), error.errno()))?;
    }
    LinuxPolicy::own().map(described).map_err(|errno| format!("sched_getattr(2): {errno:?}"))
}

fn described(policy: LinuxPolicy) -> String {
    match policy {
        LinuxPolicy::Other { nice, .. } | LinuxPolicy::Batch { nice, .. } => {
            format!("{}, nice {nice}", policy.name())
        }
        _ => policy.name().into(),
    }
}

/// The nice value that this process has.
fn own_nice() -> i32 {
    match LinuxPolicy::own() {
        Ok(LinuxPolicy::Other { nice, .. } | LinuxPolicy::Batch { nice, .. }) => nice,
        _ => 0,
    }
}

fn other(nice: i32) -> LinuxPolicy {
    LinuxPolicy::Other { nice, slice: None }
}

fn nice_up() -> Result<Found, Error> {
    in_child(|| policies(&[other((own_nice() + 1).min(19))]))
}

fn nice_down() -> Result<Found, Error> {
    in_child(|| policies(&[other((own_nice() - 1).max(-20))]))
}

fn batch() -> Result<Found, Error> {
    in_child(|| {
        let nice = own_nice();
        policies(&[LinuxPolicy::Batch { nice, slice: None }, other(nice)])
    })
}

fn idle() -> Result<Found, Error> {
    in_child(|| policies(&[LinuxPolicy::Idle]))
}

fn idle_and_back() -> Result<Found, Error> {
    in_child(|| {
        let nice = own_nice();
        policies(&[LinuxPolicy::Idle, other(nice)])
    })
}

fn own_slice() -> Result<Found, Error> {
    in_child(|| {
        policies(&[LinuxPolicy::Other { nice: own_nice(), slice: Some(OWN_SLICE) }])?;
        Ok(format!("{} ms", OWN_SLICE.as_millis()))
    })
}

fn fifo() -> Result<Found, Error> {
    in_child(|| policies(&[LinuxPolicy::Fifo { priority: 1 }]))
}

fn round_robin() -> Result<Found, Error> {
    in_child(|| {
        let found = policies(&[LinuxPolicy::RoundRobin { priority: 1 }])?;
        let quantum =
            round_robin_interval(getpid()).map_err(|errno| format!("sched_rr_get_interval(2): {errno:?}"))?;
        Ok(format!("{found}, quantum {} ms", quantum.as_millis()))
    })
}

fn deadline() -> Result<Found, Error> {
    let [runtime, deadline, period] = [1, 100, 100].map(Duration::from_millis);
    in_child(|| policies(&[LinuxPolicy::Deadline { runtime, deadline, period }]))
}

/// The time that real-time processes may run in each period, after which others get a turn.
fn throttling() -> Result<Found, Error> {
    in_child(|| {
        let [runtime, period] = ["runtime", "period"].map(|name| {
            let path = format!("/proc/sys/kernel/sched_rt_{name}_us");
            fs::read_to_string(&path).map_err(|error| io_failed(&path, &error))
        });
        let ms = |text: String| text.trim().parse::<i64>().map(|us| us / 1000).unwrap_or(-1);
        match (ms(runtime?), ms(period?)) {
            (runtime, period) if runtime >= 0 => Ok(format!("{runtime} ms of {period} ms")),
            _ => Err("a real-time process may keep its core forever".into()),
        }
    })
}
