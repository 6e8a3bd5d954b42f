use std::ffi::CStr;
use std::fs;
use std::mem::forget;
use std::thread;

use ipcraft::sync::{Cause, LockError, Mutex};
use ipcraft_tests::peer::Peer;
use nix::sys::signal::kill;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{execv, pause};

use super::LONG;
use super::held::{KINDS, Kind};
use super::zone::{Zone, shared};

/// Dies with what `take` takes. The process that comes back is what is left of the owner.
type Way = fn(&Zone, fn(&Zone)) -> Option<Peer>;

/// All of them.
const WAYS: [(&str, Way); 5] = [
    ("killed", killed),
    ("exited", exited),
    ("a zombie", zombie),
    ("thread ended", thread_ended),
    ("exec", replaced_by_exec),
];

fn killed(zone: &Zone, take: fn(&Zone)) -> Option<Peer> {
    let owner = Peer::start(|| {
        take(zone);
        pause();
    });
    owner.wait_asleep();
    owner.kill();
    None
}

fn exited(zone: &Zone, take: fn(&Zone)) -> Option<Peer> {
    Peer::start(|| take(zone)).join();
    None
}

/// It has exited, and nobody has waited for it.
fn zombie(zone: &Zone, take: fn(&Zone)) -> Option<Peer> {
    let owner = Peer::start(|| take(zone));
    waitid(Id::Pid(owner.pid()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    assert_eq!(kill(owner.pid(), None), Ok(()), "it is still there");
    Some(owner)
}

/// The process lives on.
fn thread_ended(zone: &Zone, take: fn(&Zone)) -> Option<Peer> {
    let owner = Peer::start(|| {
        thread::scope(|scope| scope.spawn(|| take(zone)).join()).unwrap();
        zone.ready.set().unwrap();
        pause();
    });
    zone.ready.wait().unwrap();
    zone.ready.reset();
    Some(owner)
}

/// The process lives on as another program.
fn replaced_by_exec(zone: &Zone, take: fn(&Zone)) -> Option<Peer> {
    const PROGRAM: &CStr = c"/bin/sleep";
    let owner = Peer::start(|| {
        take(zone);
        panic!("{:?}", execv(PROGRAM, &[c"sleep", c"60"]));
    });
    while fs::read_to_string(format!("/proc/{}/comm", owner.pid())).unwrap() != "sleep\n" {
        assert!(!owner.has_status_change().unwrap(), "it has ended");
        thread::yield_now();
    }
    Some(owner)
}

pub(super) fn is_told_of_however_it_comes() {
    for (way, die) in WAYS {
        for Kind { name, take, succeed, .. } in KINDS {
            println!("{name}, {way}");
            let zone = Zone::new();
            let left = die(&zone, take);
            succeed(&zone);
            drop(left);
            // What is left of the owner, if anything, had nothing more.
            die(&zone, take);
            succeed(&zone);
        }
    }
}

pub(super) fn is_told_to_one_who_waits() {
    for Kind { name, take, succeed, .. } in
        KINDS.into_iter().filter(|kind| kind.name != "a place at a barrier")
    {
        println!("{name}");
        let zone = Zone::new();
        let owner = Peer::start(|| {
            take(&zone);
            pause();
        });
        owner.wait_asleep();
        let next = Peer::start(|| succeed(&zone));
        next.wait_asleep();
        owner.kill();
        next.join();
    }
}

/// Each owner dies before it could repair what the first one did.
pub(super) fn of_one_owner_after_another_is_told_to_each_next() {
    let zone = Zone::new();
    let take_and_die = |told: bool| {
        Peer::start(|| {
            match (told, zone.pair.lock()) {
                (false, Ok(mut pair)) => {
                    pair[0] += 1;
                    forget(pair);
                }
                (true, Err(LockError::Inconsistent(pair))) => forget(pair),
                (_, other) => panic!("{other:?}"),
            }
            match (told, zone.table.write()) {
                (false, Ok(mut pair)) => {
                    pair[0] += 1;
                    forget(pair);
                }
                (true, Err(LockError::Inconsistent(pair))) => forget(pair),
                (_, other) => panic!("{other:?}"),
            }
        })
        .join();
    };
    take_and_die(false);
    (0..5).for_each(|_| take_and_die(true));
    for Kind { succeed, .. } in &KINDS[..2] {
        succeed(&zone);
    }
}

/// It neither has the lock nor does it keep others from it.
pub(super) fn of_one_who_waits_is_nobodys_concern() {
    let zone = Zone::new();
    let waiters: [fn(&Zone); 5] = [
        |zone| drop(zone.pair.lock()),
        |zone| drop(zone.pair.lock_timeout(LONG)),
        |zone| drop(zone.table.write()),
        |zone| drop(zone.table.read()),
        |zone| drop(zone.permits.acquire()),
    ];
    let pair = zone.pair.lock().unwrap();
    let table = zone.table.write().unwrap();
    let permits = [zone.permits.acquire().unwrap(), zone.permits.acquire().unwrap()];
    for wait in waiters {
        let waiter = Peer::start(|| wait(&zone));
        waiter.wait_asleep();
        waiter.kill();
    }
    for Kind { is_taken, .. } in [&KINDS[0], &KINDS[1], &KINDS[3]] {
        Peer::start(|| is_taken(&zone)).join();
    }
    drop((pair, table, permits));
    assert!(zone.pair.try_lock().is_ok());
    assert!(zone.table.try_write().is_ok());
    assert!(zone.table.try_read().is_ok());
    assert!(zone.permits.try_acquire().is_ok());
}

/// A process of nine threads is killed while they hold some of a hundred locks.
pub(super) fn is_told_of_by_the_lock_that_was_held_only() {
    let all = shared(|all: &[Mutex<u32>; 100]| all.iter().try_for_each(|mutex| mutex.init(0)));
    for round in 0..20 {
        let is_held = |at: usize| (at * 7 + round) % 5 < 2;
        let owner = Peer::start(|| hold_in_threads(&all, is_held));
        while (0..100).any(|at| is_held(at) == all[at].try_lock().is_ok()) {
            assert!(!owner.has_status_change().unwrap(), "it has ended");
            thread::yield_now();
        }
        owner.kill();
        for (at, mutex) in all.iter().enumerate() {
            match mutex.try_lock() {
                Ok(_) => assert!(!is_held(at), "{at}"),
                Err(LockError::Inconsistent(guard)) => {
                    assert!(is_held(at) && guard.cause() == Cause::OwnerDied, "{at}");
                    drop(guard.mark_consistent());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn hold_in_threads(all: &[Mutex<u32>; 100], is_held: impl Fn(usize) -> bool + Sync) {
    thread::scope(|scope| {
        for first in 0..9 {
            let is_held = &is_held;
            scope.spawn(move || {
                let mine = (first..100).step_by(9).filter(|&at| is_held(at));
                mine.for_each(|at| forget(all[at].lock().unwrap()));
                pause();
            });
        }
    });
}
