//! What a reactor has to do at which time, by one timer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timer::TimerSetTimeFlags;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags};

use crate::error::{Error, Result};
use crate::support::limits;

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Be readable.
    Wake,
    /// End the bounded wait of the endpoint of this token.
    Bound(u64),
    /// Report the endpoints of this watch again after a close. With the number of the repetition.
    Closed(i32, usize),
    /// Check all armed endpoints.
    Backstop,
}

#[derive(Debug)]
pub(super) struct Timer(TimerFd);

impl Timer {
    pub(super) fn new() -> Result<Timer> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags);
        timer
            .map(Timer)
            .map_err(|e| Error::from_errno("timerfd_create", e).with_limit(limits::descriptors(e)))
    }

    /// Makes it readable at this time and not before.
    fn set(&self, at: Option<Duration>) -> Result<()> {
        let done = match at {
            // A time of zero would disarm it.
            Some(at) => self.0.set(
                Expiration::OneShot(TimeSpec::from_duration(at.max(Duration::from_nanos(1)))),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            ),
            None => self.0.unset(),
        };
        done.map_err(|e| Error::from_errno("timerfd_settime", e))
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[derive(Debug, Default)]
pub(super) struct Schedule {
    tasks: BinaryHeap<Reverse<(Duration, Task)>>,
    /// What the timer is set to.
    set: Option<Duration>,
}

impl Schedule {
    pub(super) fn add(&mut self, timer: &Timer, at: Duration, task: Task) -> Result<()> {
        self.tasks.push(Reverse((at, task)));
        if self.set.is_none_or(|set| at < set) {
            timer.set(Some(at))?;
            self.set = Some(at);
        }
        Ok(())
    }

    /// Returns whether the timer has expired.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.set.is_some_and(|set| set <= now)
    }

    /// Takes the next task that is due.
    pub(super) fn next(&mut self, now: Duration) -> Option<Task> {
        let Reverse((at, _)) = self.tasks.peek()?;
        if *at > now {
            return None;
        }
        self.tasks.pop().map(|Reverse((_, task))| task)
    }

    /// Sets the timer for the next task.
    pub(super) fn reset(&mut self, timer: &Timer) -> Result<()> {
        self.set = self.tasks.peek().map(|Reverse((at, _))| *at);
        timer.set(self.set)
    }

    /// Sets the timer if a task was deferred that is due before the timer expires.
    pub(super) fn set_if_earlier(&mut self, timer: &Timer) -> Result<()> {
        let next = self.tasks.peek().map(|Reverse((at, _))| *at);
        if next.is_some_and(|next| self.set.is_none_or(|set| next < set)) {
            self.reset(timer)
        } else {
            Ok(())
        }
    }

    /// Adds a task after which [`reset`](Schedule::reset) follows.
    pub(super) fn defer(&mut self, at: Duration, task: Task) {
        self.tasks.push(Reverse((at, task)));
    }
}
