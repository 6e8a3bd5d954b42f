//! Unnamed semaphores in shared memory.

use std::sync::Arc;

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::{SIZE, Semaphore};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;

use super::{MAX_VALUE, kind_of};

const BYTES: usize = 256;

fn memory() -> Arc<Mapping> {
    Arc::new(Memfd::create("test", BYTES).unwrap().map().unwrap())
}

#[serial_test]
fn semaphore_in_memory_is_shared_with_a_child() {
    let memory = memory();
    let (there, back) =
        (Semaphore::init_in(&memory, 0, 0).unwrap(), Semaphore::init_in(&memory, 64, 0).unwrap());
    let peer = Peer::start(|| {
        for _ in 0..1000 {
            there.wait().unwrap();
            back.post().unwrap();
        }
    });
    for _ in 0..1000 {
        there.post().unwrap();
        back.wait_timeout(LONG_TIMEOUT).unwrap();
    }
    peer.join();
    assert_eq!((there.value().unwrap(), back.value().unwrap()), (0, 0));
}

#[serial_test]
fn find_in_returns_the_initialized_semaphore() {
    let memory = memory();
    assert_eq!(kind_of(Semaphore::find_in(&memory, 8)), ErrorKind::WrongType, "there is none yet");
    let made = Semaphore::init_in(&memory, 8, 3).unwrap();
    let found = Semaphore::find_in(&memory, 8).unwrap();
    made.wait().unwrap();
    assert_eq!((found.value().unwrap(), found.name()), (2, None));
    assert_eq!(kind_of(Semaphore::init_in(&memory, 8, MAX_VALUE + 1)), ErrorKind::Overflow);
    assert_eq!(kind_of(found.remove()), ErrorKind::Invalid);
}

#[serial_test]
fn init_in_out_of_bounds_or_misaligned_is_rejected() {
    let memory = memory();
    Semaphore::init_in(&memory, BYTES - SIZE, 0).unwrap();
    for offset in [BYTES - SIZE + 8, BYTES, usize::MAX - 7, 4, 1] {
        assert_eq!(kind_of(Semaphore::init_in(&memory, offset, 0)), ErrorKind::Invalid, "{offset}");
        assert_eq!(kind_of(Semaphore::find_in(&memory, offset)), ErrorKind::Invalid, "{offset}");
    }
}

#[serial_test]
fn init_in_read_only_mapping_is_rejected() {
    let memfd = Memfd::create("test", BYTES).unwrap();
    Semaphore::init_in(&Arc::new(memfd.map().unwrap()), 0, 1).unwrap();
    let read_only = Arc::new(memfd.map_read_only().unwrap());
    assert_eq!(kind_of(Semaphore::find_in(&read_only, 0)), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(Semaphore::init_in(&read_only, 0, 1)), ErrorKind::PermissionDenied);
}

#[serial_test]
fn semaphore_keeps_its_mapping_alive() {
    let memory = memory();
    let semaphore = Semaphore::init_in(&memory, 0, 1).unwrap();
    drop(memory);
    semaphore.wait().unwrap();
    assert_eq!(semaphore.value().unwrap(), 0);
}
