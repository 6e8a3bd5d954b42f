//! Blocking operations with a timeout, built from a non-blocking attempt and a wait between
//! attempts.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;

use crate::sys::poll;
use crate::time::Deadline;

/// Repeats a non-blocking `attempt` until it proceeds, and blocks between attempts until all of
/// `ready` are ready.
#[inline]
pub(crate) fn attempt_until<T>(
    timeout: Duration,
    ready: &[(BorrowedFd<'_>, PollFlags)],
    attempt: impl FnMut() -> nix::Result<T>,
) -> nix::Result<T> {
    attempt_between(timeout, attempt, |deadline| wait_all(ready, deadline))
}

/// Repeats a non-blocking `attempt` until it proceeds, with a `pause` between attempts that returns
/// false if the deadline passed.
///
/// The first attempt precedes any reading of the clock. An operation that can proceed therefore
/// succeeds even with no time left, and costs no more than the attempt.
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
        if !poll::wait_ready(fd, interest, deadline)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn attempt_until_with_no_time_succeeds_if_the_attempt_does() {
        assert_eq!(attempt_until(Duration::ZERO, &[], || Ok(7)), Ok(7));
        let (reader, _writer) = std::io::pipe().unwrap();
        let ready = [(reader.as_fd(), PollFlags::POLLIN)];
        let blocked = || Err::<(), _>(Errno::EAGAIN);
        assert_eq!(attempt_until(Duration::ZERO, &ready, blocked), Err(Errno::ETIMEDOUT));
    }
}
