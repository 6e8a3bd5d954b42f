//! A traced child that goes to sleep in a system call.

use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::peer::Peer;

/// How long a system call may take before one looks whether the child sleeps.
const PROMPT: Duration = Duration::from_micros(300);

/// Returns when the child has stopped or ended; tells `asleep` each time it is found asleep instead.
pub(super) fn wake_or_stop(child: &Peer, asleep: &mut impl FnMut(Pid)) -> nix::Result<()> {
    loop {
        let start = Instant::now();
        while start.elapsed() < PROMPT {
            if child.has_status_change()? {
                return Ok(());
            }
            thread::yield_now();
        }
        // Still in the call at two looks in a row, with nothing to report between and after.
        if sleeps(child)? && sleeps(child)? {
            asleep(child.pid());
        }
    }
}

fn sleeps(child: &Peer) -> nix::Result<bool> {
    thread::sleep(PROMPT);
    Ok(!child.has_status_change()? && child.state() == Some('S'))
}
