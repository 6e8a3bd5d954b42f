use std::mem::forget;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::sync::{LockError, WaitTimeoutResult};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use super::fixture::{Fixture, kind_of};

#[serial_test]
fn notify_one_and_notify_all_wake_every_waiter() {
    let fixture = Fixture::new();
    for notify in [
        |fixture: &Fixture| fixture.changed.notify_all().unwrap(),
        |fixture: &Fixture| fixture.changed.notify_one().unwrap(),
    ] {
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                Peer::start(|| {
                    drop(fixture.changed.wait(fixture.pair.lock().unwrap()).unwrap());
                    fixture.number.fetch_add(1, SeqCst);
                })
            })
            .collect();
        waiters.iter().for_each(Peer::wait_asleep);
        drop(fixture.pair.try_lock().expect("a wait unlocks"));
        notify(&fixture);
        waiters.into_iter().for_each(Peer::join);
        assert_eq!(fixture.number.swap(0, SeqCst), 4);
    }
}

#[serial_test]
fn wait_while_notified_too_early_waits_again() {
    let fixture = Fixture::new();
    let waiters = [
        Peer::start(|| {
            let pair = fixture.changed.wait_while(fixture.pair.lock().unwrap(), |pair| pair[0] < 3).unwrap();
            assert_eq!(*pair, [3, 3]);
        }),
        Peer::start(|| {
            let guard = fixture.pair.lock().unwrap();
            let (pair, woken) =
                fixture.changed.wait_while_timeout(guard, LONG_TIMEOUT, |pair| pair[0] < 3).unwrap();
            assert_eq!((*pair, woken), ([3, 3], WaitTimeoutResult::Notified));
        }),
    ];
    for round in 1..=3 {
        waiters.iter().for_each(Peer::wait_asleep);
        *fixture.pair.lock().unwrap() = [round; 2];
        fixture.changed.notify_all().unwrap();
    }
    waiters.into_iter().for_each(Peer::join);
    // A condition that is false already does not block.
    let guard = fixture.pair.lock().unwrap();
    assert_eq!(*fixture.changed.wait_while(guard, |pair| pair[0] > 3).unwrap(), [3, 3]);
}

/// A queue of one place between two producers and two consumers.
#[serial_test]
fn condvar_queue_between_processes_delivers_each_item_once() {
    const EACH: u64 = 2000;
    let fixture = Fixture::new();
    let produce = || {
        for item in 1..=EACH {
            let guard = fixture.spare.lock().unwrap();
            *fixture.changed.wait_while(guard, |place| *place != 0).unwrap() = item;
            fixture.changed.notify_one().unwrap();
        }
    };
    let consume = || {
        (0..EACH)
            .map(|_| {
                let guard = fixture.spare.lock().unwrap();
                let item =
                    std::mem::take(&mut *fixture.changed.wait_while(guard, |place| *place == 0).unwrap());
                fixture.changed.notify_one().unwrap();
                item
            })
            .sum::<u64>()
    };
    let producers = [Peer::start(produce), Peer::start(produce)];
    let consumer = Peer::start(|| fixture.pair.lock().unwrap()[0] = consume());
    let sum = consume();
    producers.into_iter().for_each(Peer::join);
    consumer.join();
    assert_eq!(sum + fixture.pair.lock().unwrap()[0], EACH * (EACH + 1));
}

#[serial_test]
fn wait_timeout_returns_notified_or_timed_out() {
    let fixture = Fixture::new();
    let (guard, woken) = fixture.changed.wait_timeout(fixture.pair.lock().unwrap(), SHORT_TIMEOUT).unwrap();
    assert_eq!(woken, WaitTimeoutResult::TimedOut);
    Peer::start(|| assert_eq!(kind_of(fixture.pair.try_lock()), ErrorKind::WouldBlock)).join();
    drop(guard);
    let waiter = Peer::start(|| {
        let (_guard, woken) =
            fixture.changed.wait_timeout(fixture.pair.lock().unwrap(), LONG_TIMEOUT).unwrap();
        assert_eq!(woken, WaitTimeoutResult::Notified);
    });
    waiter.wait_asleep();
    fixture.changed.notify_one().unwrap();
    waiter.join();
}

/// A wait locks the mutex again, with the same outcomes as any other call.
#[serial_test]
fn wait_when_an_owner_died_returns_inconsistent() {
    let fixture = Fixture::new();
    let repair = || match fixture.changed.wait(fixture.pair.lock().unwrap()) {
        Err(LockError::Inconsistent(mut pair)) => {
            assert_eq!(*pair, [1, 0]);
            pair[1] = 1;
            drop(pair.mark_consistent());
        }
        other => panic!("{other:?}"),
    };
    let waiter = Peer::start(repair);
    waiter.wait_asleep();
    Peer::start(|| {
        let mut pair = fixture.pair.lock().unwrap();
        fixture.changed.notify_one().unwrap();
        pair[0] += 1;
        forget(pair);
    })
    .join();
    waiter.join();
    assert_eq!(*fixture.pair.lock().unwrap(), [1, 1]);
}

/// Waiters are killed while they block. The first notification still wakes the survivors.
#[serial_test]
fn waiter_killed_consumes_no_notification() {
    let fixture = Fixture::new();
    for round in 1..=10 {
        let wait = || {
            drop(fixture.changed.wait_while(fixture.pair.lock().unwrap(), |pair| pair[0] < round).unwrap());
        };
        let (dead, living) = (Peer::start(wait), Peer::start(wait));
        dead.wait_asleep();
        living.wait_asleep();
        dead.kill();
        *fixture.pair.lock().unwrap() = [round; 2];
        fixture.changed.notify_one().unwrap();
        living.join();
    }
}
