use std::mem::forget;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::sync::{LockError, WaitTimeoutResult};
use ipcraft_tests::peer::Peer;

use super::zone::{Zone, kind_of};
use super::{LONG, SHORT};

pub(super) fn wakes_everybody() {
    let zone = Zone::new();
    for notify in
        [|zone: &Zone| zone.changed.notify_all().unwrap(), |zone: &Zone| zone.changed.notify_one().unwrap()]
    {
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                Peer::start(|| {
                    drop(zone.changed.wait(zone.pair.lock().unwrap()).unwrap());
                    zone.number.fetch_add(1, SeqCst);
                })
            })
            .collect();
        waiters.iter().for_each(Peer::wait_asleep);
        drop(zone.pair.try_lock().expect("a wait unlocks"));
        notify(&zone);
        waiters.into_iter().for_each(Peer::join);
        assert_eq!(zone.number.swap(0, SeqCst), 4);
    }
}

/// A notification before the condition is met ends no wait.
pub(super) fn waits_while_a_condition_holds() {
    let zone = Zone::new();
    let waiters = [
        Peer::start(|| {
            let pair = zone.changed.wait_while(zone.pair.lock().unwrap(), |pair| pair[0] < 3).unwrap();
            assert_eq!(*pair, [3, 3]);
        }),
        Peer::start(|| {
            let guard = zone.pair.lock().unwrap();
            let (pair, woken) = zone.changed.wait_while_timeout(guard, LONG, |pair| pair[0] < 3).unwrap();
            assert_eq!((*pair, woken), ([3, 3], WaitTimeoutResult::Notified));
        }),
    ];
    for round in 1..=3 {
        waiters.iter().for_each(Peer::wait_asleep);
        *zone.pair.lock().unwrap() = [round; 2];
        zone.changed.notify_all().unwrap();
    }
    waiters.into_iter().for_each(Peer::join);
    // A condition that does not hold is not waited for.
    let guard = zone.pair.lock().unwrap();
    assert_eq!(*zone.changed.wait_while(guard, |pair| pair[0] > 3).unwrap(), [3, 3]);
}

/// A queue of one place between makers and users: nothing is lost and nothing comes twice.
pub(super) fn hands_every_item_over() {
    const EACH: u64 = 2000;
    let zone = Zone::new();
    let make = || {
        for item in 1..=EACH {
            let guard = zone.spare.lock().unwrap();
            *zone.changed.wait_while(guard, |place| *place != 0).unwrap() = item;
            zone.changed.notify_one().unwrap();
        }
    };
    let take = || {
        (0..EACH)
            .map(|_| {
                let guard = zone.spare.lock().unwrap();
                let item = std::mem::take(&mut *zone.changed.wait_while(guard, |place| *place == 0).unwrap());
                zone.changed.notify_one().unwrap();
                item
            })
            .sum::<u64>()
    };
    let makers = [Peer::start(make), Peer::start(make)];
    let taker = Peer::start(|| zone.pair.lock().unwrap()[0] = take());
    let sum = take();
    makers.into_iter().for_each(Peer::join);
    taker.join();
    assert_eq!(sum + zone.pair.lock().unwrap()[0], EACH * (EACH + 1));
}

pub(super) fn says_how_a_wait_ended() {
    let zone = Zone::new();
    let (guard, woken) = zone.changed.wait_timeout(zone.pair.lock().unwrap(), SHORT).unwrap();
    assert_eq!(woken, WaitTimeoutResult::TimedOut);
    Peer::start(|| assert_eq!(kind_of(zone.pair.try_lock()), ErrorKind::WouldBlock)).join();
    drop(guard);
    let waiter = Peer::start(|| {
        let (_guard, woken) = zone.changed.wait_timeout(zone.pair.lock().unwrap(), LONG).unwrap();
        assert_eq!(woken, WaitTimeoutResult::Notified);
    });
    waiter.wait_asleep();
    zone.changed.notify_one().unwrap();
    waiter.join();
}

/// What a wait returns is the lock, with all that there is to be told of it.
pub(super) fn tells_of_an_owner_who_died_meanwhile() {
    let zone = Zone::new();
    let repair = || match zone.changed.wait(zone.pair.lock().unwrap()) {
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
        let mut pair = zone.pair.lock().unwrap();
        zone.changed.notify_one().unwrap();
        pair[0] += 1;
        forget(pair);
    })
    .join();
    waiter.join();
    assert_eq!(*zone.pair.lock().unwrap(), [1, 1]);
}

/// Waiters are killed in their sleep: those who are left are still woken, and by the first notification.
pub(super) fn loses_no_notification_to_the_dead() {
    let zone = Zone::new();
    for round in 1..=10 {
        let wait =
            || drop(zone.changed.wait_while(zone.pair.lock().unwrap(), |pair| pair[0] < round).unwrap());
        let (dead, living) = (Peer::start(wait), Peer::start(wait));
        dead.wait_asleep();
        living.wait_asleep();
        dead.kill();
        *zone.pair.lock().unwrap() = [round; 2];
        zone.changed.notify_one().unwrap();
        living.join();
    }
}
