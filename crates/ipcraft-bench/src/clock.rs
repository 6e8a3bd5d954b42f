//! The monotonic clock in integer nanoseconds. All processes of a machine share it.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Returns nanoseconds on `CLOCK_MONOTONIC`.
pub(crate) fn now() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// Returns the CPU time of this process so far, in nanoseconds.
pub(crate) fn cpu_time() -> u64 {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// Sleeps until the monotonic clock shows `deadline`. Returns immediately if it has passed.
pub(crate) fn sleep_until(deadline: u64) -> io::Result<()> {
    let time = TimeSpec::from(Duration::from_nanos(deadline));
    loop {
        let flags = ClockNanosleepFlags::TIMER_ABSTIME;
        match clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &time) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop).map_err(io::Error::from),
        }
    }
}

/// Returns the cost of reading the clock once, in nanoseconds.
pub(crate) fn cost() -> f64 {
    const READINGS: u32 = 10_000;
    let start = now();
    for _ in 0..READINGS {
        std::hint::black_box(now());
    }
    (now() - start) as f64 / f64::from(READINGS)
}

/// Both clocks exist on every Linux. If a read failed, it would return 0.
fn read(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |time| Duration::from(time).as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_until_reaches_the_deadline() {
        let before = now();
        sleep_until(before + 1_000_000).unwrap();
        assert!(now() >= before + 1_000_000);
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let before = cpu_time();
        assert!(before > 0);
        cost();
        assert!(cpu_time() > before);
    }
}
