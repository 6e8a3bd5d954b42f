use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::pause;

use super::fixture::Fixture;
use super::held_locks::{HELD_LOCKS, HeldLock};

#[serial_test]
fn owner_stopped_keeps_its_locks() {
    for HeldLock { name, take, assert_taken, assert_recovers } in HELD_LOCKS {
        println!("{name}");
        let fixture = Fixture::new();
        let owner = Peer::start(|| {
            take(&fixture);
            pause();
        });
        owner.wait_asleep();
        kill(owner.pid(), Signal::SIGSTOP).unwrap();
        let stopped = waitpid(owner.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert_eq!(stopped, WaitStatus::Stopped(owner.pid(), Signal::SIGSTOP));
        assert_taken(&fixture);
        kill(owner.pid(), Signal::SIGCONT).unwrap();
        assert_taken(&fixture);
        owner.kill();
        assert_recovers(&fixture);
    }
}

/// Neither a dead nor a live child of the owner changes the lock.
#[serial_test]
fn owner_whose_child_is_killed_keeps_its_locks() {
    for HeldLock { name, take, assert_taken, assert_recovers } in HELD_LOCKS {
        println!("{name}");
        let fixture = Fixture::new();
        let owner = Peer::start(|| {
            take(&fixture);
            Peer::start(|| assert_taken(&fixture)).join();
            let child = Peer::start(pause);
            child.wait_asleep();
            child.kill();
            fixture.ready.set().unwrap();
            let _remains = Peer::start(pause);
            pause();
        });
        fixture.ready.wait().unwrap();
        assert_taken(&fixture);
        owner.kill();
        assert_recovers(&fixture);
    }
}
