//! What the kernel knows about processes that may sleep forever.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::process::{State, state};
use ipcraft_step::Child;

/// Between two checks.
pub(crate) const POLL: Duration = Duration::from_millis(1);

/// A process that is found asleep in this many checks, and did nothing between them, sleeps.
const CHECKS: usize = 3;

/// Returns whether all processes sleep in the kernel, with no signal pending, and `progress` stands
/// still.
pub(crate) fn all_sleep(children: &[&Child], progress: impl Fn() -> u64) -> bool {
    let before = progress();
    (0..CHECKS).all(|check| {
        if check > 0 {
            sleep(POLL);
        }
        children.iter().all(|child| is_asleep(child) && !has_pending_signal(child)) && progress() == before
    })
}

/// Returns whether the kernel reports the process as sleeping.
pub(crate) fn is_asleep(child: &Child) -> bool {
    state(child.id()).is_ok_and(|state| state == State::Sleeping)
}

/// Returns whether a signal is pending for the process or its thread (proc_pid_status(5)).
pub(crate) fn has_pending_signal(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.pid())).unwrap_or_default();
    let sets = status.lines().filter(|line| line.starts_with("SigPnd:") || line.starts_with("ShdPnd:"));
    sets.filter_map(|line| line.split_whitespace().nth(1)).any(|set| set.chars().any(|digit| digit != '0'))
}
