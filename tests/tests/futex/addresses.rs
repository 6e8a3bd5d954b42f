use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ipcraft::futex;
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

use super::page;

fn address(mapping: &Mapping) -> usize {
    mapping.pointer(0, 4, 4).unwrap().addr().get()
}

#[serial_test]
fn wake_through_another_mapping_reaches_waiter() {
    let memory = Memfd::create("test", 4096).unwrap();
    let ours = memory.map().unwrap();
    let here = address(&ours);
    let word = ours.atomic_u32(0).unwrap();
    let peer = Peer::start(|| {
        let theirs = memory.map().unwrap();
        assert_ne!(address(&theirs), here);
        futex::wait(theirs.atomic_u32(0).unwrap(), 0).unwrap();
    });
    peer.wait_asleep();
    let again = memory.map().unwrap();
    assert_ne!(address(&again), here);
    assert_eq!(futex::wake(again.atomic_u32(4).unwrap(), 1).unwrap(), 0);
    assert_eq!(futex::wake(word, 1).unwrap(), 1);
    peer.join();
}

#[serial_test]
fn wait_and_wake_on_read_only_mapping_work() {
    let memory = Memfd::create("test", 4096).unwrap();
    let (writable, read_only) = (memory.map().unwrap(), memory.map_read_only().unwrap());
    let place = read_only.pointer(0, 4, 4).unwrap().cast::<AtomicU32>();
    // SAFETY: because the word is mapped and aligned while the mapping exists, and nothing below
    // stores to it. A relaxed load of four bytes is not a store.
    let seen = unsafe { place.as_ref() };
    let word = writable.atomic_u32(0).unwrap();

    let peer = Peer::start(|| {
        futex::wait(seen, 0).unwrap();
        assert_eq!(seen.load(Relaxed), 1);
    });
    peer.wait_asleep();
    word.store(1, Relaxed);
    assert_eq!(futex::wake(word, 1).unwrap(), 1);
    peer.join();

    let peer = Peer::start(|| futex::wait(word, 1).unwrap());
    peer.wait_asleep();
    assert_eq!(futex::wake(seen, 1).unwrap(), 1);
    peer.join();
}

#[serial_test]
fn private_wake_does_not_reach_shared_waiter() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    let peer = Peer::start(|| futex::wait(word, 0).unwrap());
    peer.wait_asleep();
    // SAFETY: because futex(2) with FUTEX_WAKE only reads the word and wakes its waiters.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, 1) };
    assert_eq!(woken, 0);
    assert_eq!(futex::wake(word, 1).unwrap(), 1);
    peer.join();
}

#[serial_test]
fn wake_on_private_memory_does_not_reach_forked_child() {
    let word = AtomicU32::new(0);
    let peer = Peer::start(|| futex::wait(&word, 0).unwrap());
    peer.wait_asleep();
    assert_eq!(futex::wake_all(&word).unwrap(), 0);
    peer.kill();
}
