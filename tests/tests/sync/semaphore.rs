use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Permit, Semaphore};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::LONG;
use super::zone::{kind_of, shared};

ipcraft::shared_struct! {
    struct Devices {
        permits: Semaphore<3>,
        /// How many use each.
        users: [AtomicU32; 3],
    }
}

fn devices() -> Shared<Devices> {
    shared(|devices: &Devices| devices.permits.init())
}

pub(super) fn hands_out_each_number_once() {
    let devices = devices();
    let use_them = || {
        for round in 0..3000 {
            let permit = match round % 3 {
                0 => devices.permits.acquire().unwrap(),
                1 => devices.permits.acquire_timeout(LONG).unwrap(),
                _ => match devices.permits.try_acquire() {
                    Ok(permit) => permit,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        continue;
                    }
                },
            };
            let users = &devices.users[permit.number()];
            assert_eq!(users.fetch_add(1, SeqCst), 0, "somebody else has number {}", permit.number());
            std::thread::yield_now();
            users.fetch_sub(1, SeqCst);
        }
    };
    let peers: Vec<_> = (0..5).map(|_| Peer::start(use_them)).collect();
    peers.into_iter().for_each(Peer::join);
    assert_eq!(devices.permits.available(), 3);
}

/// All who wait get one, though no holder gave any back.
pub(super) fn hands_a_dead_holders_permit_to_one_who_waits() {
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

pub(super) fn says_how_many_are_free() {
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
    assert_eq!(kind_of(devices.permits.try_acquire()), ErrorKind::WouldBlock);
    drop(permits);
    assert_eq!(devices.permits.available(), 3);
    Peer::start(|| std::mem::forget(devices.permits.acquire().unwrap())).join();
    assert_eq!(devices.permits.available(), 2, "nobody has asked for it yet");
    let all: Vec<_> = (0..3).map(|_| devices.permits.try_acquire().unwrap()).collect();
    drop(all);
    assert_eq!(devices.permits.available(), 3);
}
