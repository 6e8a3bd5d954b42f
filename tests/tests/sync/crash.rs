use std::ffi::CStr;
use std::fs;
use std::mem::forget;
use std::thread;

use ipcraft::sync::{Cause, LockError, Mutex};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::sys::signal::kill;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{execv, pause};

use super::fixture::Fixture;
use super::held_locks::{HELD_LOCKS, HeldLock};

/// Takes locks with the given function and dies. Returns the remains of the owner, if any.
type Death = fn(&Fixture, fn(&Fixture)) -> Option<Peer>;

/// Every kind of death that releases locks.
const DEATHS: [(&str, Death); 5] = [
    ("killed", killed),
    ("exited", exited),
    ("a zombie", zombie),
    ("thread ended", thread_ended),
    ("exec", replaced_by_exec),
];

fn killed(fixture: &Fixture, take: fn(&Fixture)) -> Option<Peer> {
    let owner = Peer::start(|| {
        take(fixture);
        pause();
    });
    owner.wait_asleep();
    owner.kill();
    None
}

fn exited(fixture: &Fixture, take: fn(&Fixture)) -> Option<Peer> {
    Peer::start(|| take(fixture)).join();
    None
}

/// The owner has exited and was not reaped.
fn zombie(fixture: &Fixture, take: fn(&Fixture)) -> Option<Peer> {
    let owner = Peer::start(|| take(fixture));
    waitid(Id::Pid(owner.pid()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    assert_eq!(kill(owner.pid(), None), Ok(()), "the zombie still has its process id");
    Some(owner)
}

/// The thread ends and its process lives.
fn thread_ended(fixture: &Fixture, take: fn(&Fixture)) -> Option<Peer> {
    let owner = Peer::start(|| {
        thread::scope(|scope| scope.spawn(|| take(fixture)).join()).unwrap();
        fixture.ready.set().unwrap();
        pause();
    });
    fixture.ready.wait().unwrap();
    fixture.ready.reset();
    Some(owner)
}

/// The process continues as another program.
fn replaced_by_exec(fixture: &Fixture, take: fn(&Fixture)) -> Option<Peer> {
    const PROGRAM: &CStr = c"/bin/sleep";
    let owner = Peer::start(|| {
        take(fixture);
        panic!("{:?}", execv(PROGRAM, &[c"sleep", c"60"]));
    });
    while fs::read_to_string(format!("/proc/{}/comm", owner.pid())).unwrap() != "sleep\n" {
        assert!(!owner.has_status_change().unwrap(), "it has ended");
        thread::yield_now();
    }
    Some(owner)
}

#[serial_test]
fn lock_after_any_kind_of_owner_death_reports_the_death() {
    for (kind, die) in DEATHS {
        for HeldLock { name, take, assert_recovers, .. } in HELD_LOCKS {
            println!("{name}, {kind}");
            let fixture = Fixture::new();
            let left = die(&fixture, take);
            assert_recovers(&fixture);
            drop(left);
            // The remains of the first owner hold no lock.
            die(&fixture, take);
            assert_recovers(&fixture);
        }
    }
}

#[serial_test]
fn lock_blocked_while_owner_is_killed_reports_the_death() {
    for HeldLock { name, take, assert_recovers, .. } in
        HELD_LOCKS.into_iter().filter(|lock| lock.name != "barrier participant")
    {
        println!("{name}");
        let fixture = Fixture::new();
        let owner = Peer::start(|| {
            take(&fixture);
            pause();
        });
        owner.wait_asleep();
        let next = Peer::start(|| assert_recovers(&fixture));
        next.wait_asleep();
        owner.kill();
        next.join();
    }
}

/// Each owner dies before it has repaired the change of the first one.
#[serial_test]
fn lock_after_owners_died_without_repair_reports_each_death() {
    let fixture = Fixture::new();
    let take_and_die = |inconsistent: bool| {
        Peer::start(|| {
            match (inconsistent, fixture.pair.lock()) {
                (false, Ok(mut pair)) => {
                    pair[0] += 1;
                    forget(pair);
                }
                (true, Err(LockError::Inconsistent(pair))) => forget(pair),
                (_, other) => panic!("{other:?}"),
            }
            match (inconsistent, fixture.table.write()) {
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
    for HeldLock { assert_recovers, .. } in &HELD_LOCKS[..2] {
        assert_recovers(&fixture);
    }
}

/// A dead waiter neither owns the lock nor blocks others.
#[serial_test]
fn waiter_killed_leaves_the_lock_with_its_owner() {
    let fixture = Fixture::new();
    let waiters: [fn(&Fixture); 5] = [
        |fixture| drop(fixture.pair.lock()),
        |fixture| drop(fixture.pair.lock_timeout(LONG_TIMEOUT)),
        |fixture| drop(fixture.table.write()),
        |fixture| drop(fixture.table.read()),
        |fixture| drop(fixture.permits.acquire()),
    ];
    let pair = fixture.pair.lock().unwrap();
    let table = fixture.table.write().unwrap();
    let permits = [fixture.permits.acquire().unwrap(), fixture.permits.acquire().unwrap()];
    for wait in waiters {
        let waiter = Peer::start(|| wait(&fixture));
        waiter.wait_asleep();
        waiter.kill();
    }
    for HeldLock { assert_taken, .. } in [&HELD_LOCKS[0], &HELD_LOCKS[1], &HELD_LOCKS[3]] {
        Peer::start(|| assert_taken(&fixture)).join();
    }
    drop((pair, table, permits));
    assert!(fixture.pair.try_lock().is_ok());
    assert!(fixture.table.try_write().is_ok());
    assert!(fixture.table.try_read().is_ok());
    assert!(fixture.permits.try_acquire().is_ok());
}

/// Nine threads hold some of a hundred locks when their process is killed.
#[serial_test]
fn process_with_threads_killed_marks_only_the_mutexes_it_held() {
    let all = shared_value(|all: &[Mutex<u32>; 100]| all.iter().try_for_each(|mutex| mutex.init(0)));
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
