//! A traced child that blocks in a system call.

use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::child::Child;

/// The time after which a system call may be blocked, so that the state of the child is checked.
const CHECK_AFTER: Duration = Duration::from_micros(300);

/// Blocks until the child has stopped or ended, and calls `asleep` each time the child is blocked
/// instead.
pub(crate) fn wake_or_stop(child: &Child, asleep: &mut impl FnMut(Pid)) -> nix::Result<()> {
    loop {
        let start = Instant::now();
        while start.elapsed() < CHECK_AFTER {
            if child.has_status_change()? {
                return Ok(());
            }
            thread::yield_now();
        }
        // Still in the call at two checks in a row, without a change of status in between and
        // after.
        if sleeps(child)? && sleeps(child)? {
            asleep(child.pid());
        }
    }
}

fn sleeps(child: &Child) -> nix::Result<bool> {
    thread::sleep(CHECK_AFTER);
    Ok(!child.has_status_change()? && child.state() == Some('S'))
}
