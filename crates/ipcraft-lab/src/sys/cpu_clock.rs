//! The CPU time of a process in nanoseconds.

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// The clock that advances while a process runs (`clock_getcpuclockid(3)`).
///
/// It needs no right, also for the process of another user. It is exact while the process runs.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock(ClockId);

impl CpuClock {
    /// The clock of the calling process.
    pub const OWN: CpuClock = CpuClock(ClockId::CLOCK_PROCESS_CPUTIME_ID);

    /// Returns the clock of another process.
    ///
    /// # Errors
    ///
    /// `ESRCH` if no process has this id.
    pub fn of(pid: Pid) -> nix::Result<CpuClock> {
        Ok(CpuClock(clock_getcpuclockid(pid)?))
    }

    /// Returns the CPU time of all threads so far, in nanoseconds. It still counts for a zombie.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the process was reaped.
    pub fn ns(self) -> nix::Result<u64> {
        let time = clock_gettime(self.0)?;
        Ok(time.tv_sec().unsigned_abs() * 1_000_000_000 + time.tv_nsec().unsigned_abs())
    }
}

/// Returns the CPU time of a process in nanoseconds.
///
/// # Errors
///
/// `ESRCH` or `EINVAL` if there is no such process.
pub fn cpu_time(pid: Pid) -> nix::Result<u64> {
    CpuClock::of(pid)?.ns()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ipcraft_step::Child;

    use super::*;

    /// CPU time that a child spends; far above the cost of its start.
    const SPENT: u64 = 20_000_000;

    #[test]
    fn cpu_time_of_child_that_computes_grows_and_of_stopped_child_stands() {
        let child = Child::start(|| while CpuClock::OWN.ns().unwrap() < 50 * SPENT {});
        let clock = CpuClock::of(child.pid()).unwrap();
        while clock.ns().unwrap() < SPENT {
            std::thread::sleep(Duration::from_millis(1));
        }
        nix::sys::signal::kill(child.pid(), nix::sys::signal::Signal::SIGSTOP).unwrap();
        assert!(child.wait_stopped());
        // The kernel reports the stop shortly before the process leaves its core.
        while !stands(clock) {}
        let stopped = clock.ns().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(clock.ns().unwrap(), stopped);
        assert_eq!(cpu_time(child.pid()).unwrap(), stopped);
    }

    fn stands(clock: CpuClock) -> bool {
        let before = clock.ns().unwrap();
        std::thread::sleep(Duration::from_millis(1));
        clock.ns().unwrap() == before
    }

    #[test]
    fn cpu_time_of_reaped_process_fails() {
        let child = Child::start(|| ());
        let pid = child.pid();
        let clock = CpuClock::of(pid).unwrap();
        child.join();
        assert_eq!(clock.ns(), Err(nix::Error::EINVAL));
        assert!(cpu_time(pid).is_err());
    }
}
