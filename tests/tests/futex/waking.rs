use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use ipcraft::futex;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

use super::page;

#[serial_test]
fn wake_without_waiters_returns_zero() {
    let word = AtomicU32::new(7);
    assert_eq!(futex::wake(&word, 1).unwrap(), 0);
    assert_eq!(futex::wake_all(&word).unwrap(), 0);
    assert_eq!(futex::wake_bits(&word, 1, NonZeroU32::MAX).unwrap(), 0);
    assert_eq!(word.load(Relaxed), 7, "a wake changes nothing");
}

#[serial_test]
fn wake_wakes_exactly_the_requested_number_of_processes() {
    let page = page();
    let (word, other) = (page.atomic_u32(0).unwrap(), page.atomic_u32(4).unwrap());
    let peers: Vec<Peer> = (0..5).map(|_| Peer::start(|| futex::wait(word, 0).unwrap())).collect();
    peers.iter().for_each(Peer::wait_asleep);
    assert_eq!(futex::wake_all(other).unwrap(), 0, "the next word is another futex");
    for (count, woken) in [(0, 0), (1, 1), (2, 2), (u32::MAX, 2), (1, 0)] {
        assert_eq!(futex::wake(word, count).unwrap(), woken, "of {count}");
    }
    peers.into_iter().for_each(Peer::join);
}

#[serial_test]
fn wake_wakes_exactly_the_requested_number_of_threads() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| futex::wait(&word, 0))).collect();
        let wake = |count: u32| {
            let mut woken = 0;
            // The waiters may not be blocked yet.
            while woken < count {
                woken += futex::wake(&word, count - woken).unwrap();
                assert!(woken <= count);
                thread::yield_now();
            }
        };
        wake(3);
        wake(1);
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap().is_ok()));
    });
}

#[serial_test]
fn wake_bits_wakes_only_waiters_with_a_common_bit() {
    let bits = |bits: u32| NonZeroU32::new(bits).expect("some bits");
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    let waiting = |mine| {
        let peer = Peer::start(|| futex::wait_bits(word, 0, bits(mine)).unwrap());
        peer.wait_asleep();
        peer
    };
    let (low, high, both) = (waiting(0b01), waiting(0b10), waiting(0b11));
    assert_eq!(futex::wake_bits(word, u32::MAX, bits(0b100)).unwrap(), 0);
    assert_eq!(futex::wake_bits(word, u32::MAX, bits(0b01)).unwrap(), 2);
    low.join();
    both.join();
    let without = Peer::start(|| futex::wait(word, 0).unwrap());
    without.wait_asleep();
    assert_eq!(
        futex::wake_bits(word, u32::MAX, bits(1 << 31)).unwrap(),
        1,
        "a wait without bits has all bits"
    );
    without.join();
    assert_eq!(futex::wake(word, 9).unwrap(), 1, "a wake without bits has all bits");
    high.join();
}
