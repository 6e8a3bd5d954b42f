//! Control over own children.

use std::fs;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_bench::{Cores, pin};
use ipcraft_step::{Child, REFUSED, Shared, overhead};
use nix::sched::sched_getcpu;
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::getppid;

use super::trial::{Found, Trial, failed, in_child, io_failed};
use crate::Error;
use crate::sys::cpu_clock::cpu_time;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        name: "two cores",
        needs: "a second core in the affinity mask (taskset, cpuset)",
        used_by: "race, exclusion, peterson on two cores",
        run: two_cores,
    },
    Trial {
        name: "stop and continue a child",
        needs: "the same user",
        used_by: "exclusion, wakeup, schedule",
        run: stop_and_continue,
    },
    Trial {
        name: "pin a process to a core",
        needs: "a seccomp filter that allows sched_setaffinity",
        used_by: "race, exclusion, peterson, schedule, threads",
        run: pin_to_a_core,
    },
    Trial {
        name: "CPU clock of another process",
        needs: "a seccomp filter that allows clock_gettime",
        used_by: "exclusion, schedule, wakeup",
        run: other_cpu_clock,
    },
    Trial {
        name: "/proc/PID/schedstat",
        needs: "CONFIG_SCHED_INFO, and a mounted /proc",
        used_by: "schedule",
        run: schedstat,
    },
    Trial {
        name: "step own children (ptrace)",
        needs: "kernel.yama.ptrace_scope below 3, and a seccomp filter that allows ptrace",
        used_by: "explore, run, play",
        run: stepping,
    },
];

fn two_cores() -> Result<Found, Error> {
    let count = Cores::of_this_process().allowed().len();
    let found = format!("{count} allowed");
    Ok(if count > 1 { Ok(found) } else { Err(found) })
}

fn stop_and_continue() -> Result<Found, Error> {
    const MAX_TIME: Duration = Duration::from_secs(10);
    let shared = Shared::new()?;
    let continued = &shared.words()[0];
    let child = Child::try_start(|| {
        let _ = raise(Signal::SIGSTOP);
        continued.store(1, Release);
    })?;
    if !child.wait_stopped() {
        return Ok(Err("SIGSTOP: the child has not stopped".into()));
    }
    if let Err(errno) = kill(child.pid(), Signal::SIGCONT) {
        return Ok(Err(failed("kill(2): SIGCONT", errno)));
    }
    let deadline = Instant::now() + MAX_TIME;
    while !child.has_ended() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let has_continued = continued.load(Acquire) == 1;
    Ok(if has_continued {
        Ok("SIGSTOP, SIGCONT".into())
    } else {
        Err("SIGCONT: the child has not continued".into())
    })
}

pub(super) fn pin_to_a_core() -> Result<Found, Error> {
    in_child(|| {
        let Some(&core) = Cores::of_this_process().allowed().last() else {
            return Err("sched_getaffinity(2): no core".into());
        };
        if !pin(core) {
            return Err(failed("sched_setaffinity(2)", nix::Error::last()));
        }
        match sched_getcpu() {
            Ok(found) if found == core => Ok(format!("core {core}")),
            Ok(found) => Err(format!("runs on core {found} instead of {core}")),
            Err(errno) => Err(failed("getcpu(2)", errno)),
        }
    })
}

fn other_cpu_clock() -> Result<Found, Error> {
    in_child(|| match cpu_time(getppid()) {
        Ok(ns) => Ok(format!("{ns} ns")),
        Err(errno) => Err(failed("clock_getcpuclockid(3)", errno)),
    })
}

fn schedstat() -> Result<Found, Error> {
    in_child(|| {
        let path = format!("/proc/{}/schedstat", getppid());
        let text = fs::read_to_string(&path).map_err(|error| io_failed(&path, &error))?;
        let mut figures = text.split_whitespace();
        match (figures.next(), figures.next()) {
            (Some(ran), Some(waited)) => Ok(format!("ran {ran} ns, waited {waited} ns")),
            _ => Err(format!("{path}: {text:?}")),
        }
    })
}

fn stepping() -> Result<Found, Error> {
    Ok(match overhead() {
        Ok(instructions) => Ok(format!("ptrace(2), {instructions} instructions of the harness")),
        Err(REFUSED) => Err("ptrace(2): EPERM".into()),
        Err(errno) => Err(failed("ptrace(2)", errno)),
    })
}
