//! Survivors: processes that are blocked in an operation when another process is killed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::peer::Peer;

/// A wait of this length is taken to last forever.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(20);

/// The interval between checks of whether a survivor is blocked or has ended.
const POLL_INTERVAL: Duration = Duration::from_micros(100);

/// Starts a process with this role.
pub fn start(role: impl FnOnce()) -> Peer {
    Peer::start(|| {
        run_anywhere();
        role();
    })
}

/// Starts processes with this role, and waits until each is blocked in it.
///
/// # Panics
///
/// If one ends instead.
pub fn asleep(count: usize, role: impl Fn()) -> Vec<Peer> {
    let peers: Vec<Peer> = (0..count).map(|_| start(&role)).collect();
    for peer in &peers {
        while !(sleeps(peer) && sleeps(peer)) {}
    }
    peers
}

/// Runs this process on any core, and not only on the core of the killed process.
fn run_anywhere() {
    let mut all = CpuSet::new();
    let set = (0..CpuSet::count()).try_for_each(|core| all.set(core));
    // If this is refused, the test only takes longer.
    let _ = set.and_then(|()| sched_setaffinity(Pid::from_raw(0), &all));
}

fn sleeps(peer: &Peer) -> bool {
    sleep(POLL_INTERVAL);
    peer.is_asleep()
}

/// Whether all processes come to the end of their role; the others are killed.
///
/// # Panics
///
/// If the role of one does.
pub fn finish(peers: impl IntoIterator<Item = Peer>) -> bool {
    finish_within(HANG_TIMEOUT, peers)
}

/// [`finish`] with another time limit for each process.
///
/// # Panics
///
/// As [`finish`].
pub fn finish_within(timeout: Duration, peers: impl IntoIterator<Item = Peer>) -> bool {
    // All are started before the first is waited for.
    let peers: Vec<Peer> = peers.into_iter().collect();
    let ended: Vec<bool> = peers.into_iter().map(|peer| ends_within(timeout, peer)).collect();
    !ended.contains(&false)
}

fn ends_within(timeout: Duration, peer: Peer) -> bool {
    let start = Instant::now();
    while !peer.has_status_change().expect("a child that was not waited for") {
        if start.elapsed() > timeout {
            return false;
        }
        sleep(POLL_INTERVAL);
    }
    peer.join();
    true
}
