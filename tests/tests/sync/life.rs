use ipcraft_tests::peer::Peer;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::pause;

use super::held::{KINDS, Kind};
use super::zone::Zone;

/// Whoever is stopped is not dead, however long it takes.
pub(super) fn of_a_stopped_owner_goes_on() {
    for Kind { name, take, is_taken, succeed } in KINDS {
        println!("{name}");
        let zone = Zone::new();
        let owner = Peer::start(|| {
            take(&zone);
            pause();
        });
        owner.wait_asleep();
        kill(owner.pid(), Signal::SIGSTOP).unwrap();
        let stopped = waitpid(owner.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert_eq!(stopped, WaitStatus::Stopped(owner.pid(), Signal::SIGSTOP));
        is_taken(&zone);
        kill(owner.pid(), Signal::SIGCONT).unwrap();
        is_taken(&zone);
        owner.kill();
        succeed(&zone);
    }
}

/// The owner has forked: neither the child's end nor its life changes anything.
pub(super) fn of_a_lock_is_not_that_of_a_child() {
    for Kind { name, take, is_taken, succeed } in KINDS {
        println!("{name}");
        let zone = Zone::new();
        let owner = Peer::start(|| {
            take(&zone);
            Peer::start(|| is_taken(&zone)).join();
            let child = Peer::start(pause);
            child.wait_asleep();
            child.kill();
            zone.ready.set().unwrap();
            let _remains = Peer::start(pause);
            pause();
        });
        zone.ready.wait().unwrap();
        is_taken(&zone);
        owner.kill();
        succeed(&zone);
    }
}
