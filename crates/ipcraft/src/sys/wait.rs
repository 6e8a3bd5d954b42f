//! Waiting for a descriptor, with a deadline that signals and clock steps do not move.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::time::Deadline;

/// Waits until `fd` is ready for `interest`, or broken in a way that the next call will report.
///
/// Says false if the deadline passed first.
pub(crate) fn wait(fd: BorrowedFd<'_>, interest: PollFlags, deadline: Deadline) -> nix::Result<bool> {
    loop {
        let timeout = deadline.remaining().map(timespec);
        match ppoll(&mut [PollFd::new(fd, interest)], timeout, None) {
            Err(Errno::EINTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Repeats a non-blocking `attempt` until it proceeds, waiting in between until all of `ready` are.
#[inline]
pub(crate) fn attempt_until<T>(
    timeout: Duration,
    ready: &[(BorrowedFd<'_>, PollFlags)],
    attempt: impl FnMut() -> nix::Result<T>,
) -> nix::Result<T> {
    attempt_between(timeout, attempt, |deadline| wait_all(ready, deadline))
}

/// Repeats a non-blocking `attempt` until it proceeds, with a `pause` in between that says false if the deadline
/// passed.
///
/// The first attempt comes before any look at the clock: an operation that can proceed succeeds even with no time left,
/// and costs no more than the attempt.
#[inline]
pub(crate) fn attempt_between<T>(
    timeout: Duration,
    mut attempt: impl FnMut() -> nix::Result<T>,
    pause: impl FnMut(Deadline) -> nix::Result<bool>,
) -> nix::Result<T> {
    match attempt() {
        Err(Errno::EAGAIN) => attempt_again(Deadline::after(timeout), attempt, pause),
        other => other,
    }
}

#[cold]
fn attempt_again<T>(
    deadline: Deadline,
    mut attempt: impl FnMut() -> nix::Result<T>,
    mut pause: impl FnMut(Deadline) -> nix::Result<bool>,
) -> nix::Result<T> {
    while pause(deadline)? {
        match attempt() {
            Err(Errno::EAGAIN) if deadline.has_passed() => break,
            Err(Errno::EAGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::ETIMEDOUT)
}

fn wait_all(ready: &[(BorrowedFd<'_>, PollFlags)], deadline: Deadline) -> nix::Result<bool> {
    for &(fd, interest) in ready {
        if !wait(fd, interest, deadline)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A relative timeout for the kernel.
pub(crate) fn timespec(duration: Duration) -> TimeSpec {
    // A duration beyond the kernel's range is centuries: the caller looks at the deadline again when it passes.
    let seconds = duration.as_secs().min(i32::MAX as u64) as libc::time_t;
    TimeSpec::new(seconds, duration.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn times_out_and_then_sees_readiness() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let soon = Deadline::after(Duration::from_millis(1));
        assert_eq!(wait(reader.as_fd(), PollFlags::POLLIN, soon), Ok(false));
        writer.write_all(b"x").unwrap();
        assert_eq!(wait(reader.as_fd(), PollFlags::POLLIN, Deadline::after(Duration::ZERO)), Ok(true));
        assert_eq!(wait(reader.as_fd(), PollFlags::POLLIN, Deadline::NEVER), Ok(true));
    }

    #[test]
    fn an_attempt_that_can_proceed_needs_no_time() {
        assert_eq!(attempt_until(Duration::ZERO, &[], || Ok(7)), Ok(7));
        let (reader, _writer) = std::io::pipe().unwrap();
        let ready = [(reader.as_fd(), PollFlags::POLLIN)];
        let blocked = || Err::<(), _>(Errno::EAGAIN);
        assert_eq!(attempt_until(Duration::ZERO, &ready, blocked), Err(Errno::ETIMEDOUT));
    }
}
