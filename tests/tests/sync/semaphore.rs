use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Permit, Semaphore};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::unistd::pause;

use super::fixture::kind_of;

ipcraft::shared_struct! {
    struct Devices {
        permits: Semaphore<3>,
        /// The number of users of each device.
        users: [AtomicU32; 3],
    }
}

fn devices() -> Shared<Devices> {
    shared_value(|devices: &Devices| devices.permits.init())
}

#[serial_test]
fn permit_number_is_held_by_one_process_at_a_time() {
    let devices = devices();
    let use_them = || {
        for round in 0..3000 {
            let permit = match round % 3 {
                0 => devices.permits.acquire().unwrap(),
                1 => devices.permits.acquire_timeout(LONG_TIMEOUT).unwrap(),
                _ => match devices.permits.try_acquire() {
                    Ok(permit) => permit,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        continue;
                    }
                },
            };
            let users = &devices.users[permit.number()];
            assert_eq!(users.fetch_add(1, SeqCst), 0, "another process holds number {}", permit.number());
            std::thread::yield_now();
            users.fetch_sub(1, SeqCst);
        }
    };
    let peers: Vec<_> = (0..5).map(|_| Peer::start(use_them)).collect();
    peers.into_iter().for_each(Peer::join);
    assert_eq!(devices.permits.available(), 3);
}

/// Every waiter gets a permit, although no holder released one.
#[serial_test]
fn acquire_blocked_gets_the_permit_of_a_killed_holder() {
    let devices = devices();
    let acquire = || {
        let _permit = devices.permits.acquire().unwrap();
        pause();
    };
    let holders: Vec<_> = (0..3).map(|_| Peer::start(acquire)).collect();
    holders.iter().for_each(Peer::wait_asleep);
    assert_eq!(kind_of(devices.permits.try_acquire()), ErrorKind::WouldBlock);
    let waiters: Vec<_> = (0..3).map(|_| Peer::start(|| drop(devices.permits.acquire().unwrap()))).collect();
    waiters.iter().for_each(Peer::wait_asleep);
    holders.into_iter().for_each(Peer::kill);
    waiters.into_iter().for_each(Peer::join);
    let all: Vec<_> = (0..3).map(|_| devices.permits.try_acquire().unwrap()).collect();
    drop(all);
    assert_eq!(devices.permits.available(), 3);
}

#[serial_test]
fn available_counts_free_permits() {
    let devices = devices();
    let permits: Vec<_> = (0..3)
        .map(|taken| {
            assert_eq!(devices.permits.available(), 3 - taken);
            devices.permits.acquire().unwrap()
        })
        .collect();
    let mut numbers: Vec<_> = permits.iter().map(Permit::number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(kind_of(devices.permits.try_acquire()), ErrorKind::Deadlock);
    drop(permits);
    assert_eq!(devices.permits.available(), 3);
    Peer::start(|| std::mem::forget(devices.permits.acquire().unwrap())).join();
    assert_eq!(devices.permits.available(), 2, "the permit of a dead holder is not reclaimed yet");
    let all: Vec<_> = (0..3).map(|_| devices.permits.try_acquire().unwrap()).collect();
    drop(all);
    assert_eq!(devices.permits.available(), 3);
}
