use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::futex::pi::{self, PreviousOwner};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::SHORT_TIMEOUT;
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use super::super::page;
use super::{BLOCKING, FORMS, lock, owner};

#[serial_test]
fn lock_after_owner_was_killed_returns_died_until_unlocked() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    for form in FORMS {
        Peer::start(|| lock(word)).join();
        assert_eq!(form(word).unwrap(), PreviousOwner::Died);
        pi::unlock(word).unwrap();
        assert_eq!(word.load(Relaxed), 0);
        assert_eq!(form(word).unwrap(), PreviousOwner::Unlocked);
        pi::unlock(word).unwrap();
    }
}

#[serial_test]
fn lock_while_owner_is_a_zombie_returns_died() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    for form in FORMS {
        let zombie = Peer::start(|| lock(word));
        waitid(Id::Pid(zombie.pid()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        assert_eq!(form(word).unwrap(), PreviousOwner::Died);
        pi::unlock(word).unwrap();
        zombie.join();
    }
}

#[serial_test]
fn lock_after_owner_thread_ended_returns_died() {
    let word = AtomicU32::new(0);
    for form in FORMS {
        std::thread::scope(|scope| scope.spawn(|| lock(&word)).join().unwrap());
        assert_eq!(form(&word).unwrap(), PreviousOwner::Died);
        pi::unlock(&word).unwrap();
    }
}

#[serial_test]
fn kill_of_owner_with_waiters_reports_the_death_to_one_of_them() {
    const WAITERS: u32 = 5;
    let page = page();
    let (word, died) = (page.atomic_u32(0).unwrap(), page.atomic_u32(64).unwrap());
    for form in BLOCKING {
        died.store(0, Relaxed);
        let owner = Peer::start(|| {
            lock(word);
            std::thread::sleep(Duration::from_secs(60));
        });
        owner.wait_asleep();
        let waiters: Vec<Peer> = (0..WAITERS)
            .map(|_| {
                Peer::start(|| {
                    if form(word).unwrap() == PreviousOwner::Died {
                        died.fetch_add(1, Relaxed);
                    }
                    pi::unlock(word).unwrap();
                })
            })
            .collect();
        waiters.iter().for_each(Peer::wait_asleep);
        owner.kill();
        waiters.into_iter().for_each(Peer::join);
        assert_eq!(died.load(Relaxed), 1);
        assert_eq!(word.load(Relaxed), 0);
    }
}

#[serial_test]
fn kill_of_each_heir_in_turn_reports_each_death() {
    const HEIRS: usize = 10;
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    // Each waits for the lock, and dies with it.
    let heirs: Vec<Peer> = {
        lock(word);
        let die = || assert!(pi::lock(word).is_ok());
        (0..HEIRS).map(|_| Peer::start(die)).collect()
    };
    heirs.iter().for_each(Peer::wait_asleep);
    pi::unlock(word).unwrap();
    heirs.into_iter().for_each(Peer::join);
    assert_eq!(pi::lock(word).unwrap(), PreviousOwner::Died);
    pi::unlock(word).unwrap();
}

#[serial_test]
fn lock_taken_over_by_many_processes_has_one_owner_at_a_time() {
    const ROUNDS: u32 = 200;
    let page = page();
    let (word, inside) = (page.atomic_u32(0).unwrap(), page.atomic_u32(64).unwrap());
    // Each process dies with the lock as often as it unlocks, so takeovers meet handovers.
    let work = || {
        for _ in 0..ROUNDS {
            let _ = pi::lock(word).unwrap();
            assert_eq!(inside.swap(1, Relaxed), 0, "two owners");
            inside.store(0, Relaxed);
            pi::unlock(word).unwrap();
        }
        let _ = pi::lock(word).unwrap();
    };
    for _ in 0..20 {
        let peers = [0; 6].map(|_| Peer::start(work));
        peers.into_iter().for_each(Peer::join);
    }
    assert_eq!(pi::lock(word).unwrap(), PreviousOwner::Died);
}

/// The part of this program that another process becomes, and that only ends when it is killed.
const SLEEP: [&str; 2] = ["sleep", "60"];

#[serial_test]
fn exec_of_owner_gives_the_lock_to_a_waiter_and_keeps_it_from_later_ones() {
    let page = page();
    let (word, go) = (page.atomic_u32(0).unwrap(), page.atomic_u32(64).unwrap());
    let start_owner = || {
        go.store(0, Relaxed);
        let peer = Peer::start(|| {
            lock(word);
            while go.load(Relaxed) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = Command::new(SLEEP[0]).arg(SLEEP[1]).exec();
        });
        while owner(word) != peer.pid().as_raw() as u32 {
            std::thread::sleep(Duration::from_millis(1));
        }
        peer
    };
    let has_become = |peer: &Peer| {
        let program = env::current_exe().unwrap();
        while std::fs::read_link(format!("/proc/{}/exe", peer.pid())).unwrap() == program {
            std::thread::sleep(Duration::from_millis(1));
        }
    };

    let owner = start_owner();
    let waiter = Peer::start(|| {
        assert_eq!(pi::lock(word).unwrap(), PreviousOwner::Died);
        pi::unlock(word).unwrap();
    });
    waiter.wait_asleep();
    go.store(1, Relaxed);
    waiter.join();
    owner.kill();

    let owner = start_owner();
    go.store(1, Relaxed);
    has_become(&owner);
    assert_eq!(pi::lock_timeout(word, SHORT_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
    owner.kill();
    assert_eq!(pi::lock(word).unwrap(), PreviousOwner::Died);
    pi::unlock(word).unwrap();
}
