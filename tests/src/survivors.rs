//! Those who are left: real processes that sleep in an operation when another is killed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::peer::Peer;

/// A wait that takes so long is one for ever.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(20);

/// How often one looks whether they sleep or have ended.
const LOOK: Duration = Duration::from_micros(100);

/// A process with this role.
pub fn start(role: impl FnOnce()) -> Peer {
    Peer::start(|| {
        run_anywhere();
        role();
    })
}

/// Processes with this role, each of which has gone to sleep in it.
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

/// On any core, and not only on the one that this process and the one that is killed share.
fn run_anywhere() {
    let mut all = CpuSet::new();
    let set = (0..CpuSet::count()).try_for_each(|core| all.set(core));
    // Where it is refused it only takes longer.
    let _ = set.and_then(|()| sched_setaffinity(Pid::from_raw(0), &all));
}

fn sleeps(peer: &Peer) -> bool {
    sleep(LOOK);
    peer.is_asleep()
}

/// Whether all come to the end of their role; those who do not are killed.
///
/// # Panics
///
/// If the role of one does.
pub fn finish(peers: impl IntoIterator<Item = Peer>) -> bool {
    finish_within(HANG_TIMEOUT, peers)
}

/// [`finish`] with less patience, each.
///
/// # Panics
///
/// As [`finish`].
pub fn finish_within(patience: Duration, peers: impl IntoIterator<Item = Peer>) -> bool {
    // All are started before the first is waited for.
    let peers: Vec<Peer> = peers.into_iter().collect();
    let ended: Vec<bool> = peers.into_iter().map(|peer| ends_within(patience, peer)).collect();
    !ended.contains(&false)
}

fn ends_within(patience: Duration, peer: Peer) -> bool {
    let start = Instant::now();
    while !peer.has_status_change().expect("a child that was not waited for") {
        if start.elapsed() > patience {
            return false;
        }
        sleep(LOOK);
    }
    peer.join();
    true
}
