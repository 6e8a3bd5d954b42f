//! Memory beyond the limit of a control group: an error that names the limit, and no kill.

use std::sync::atomic::AtomicU64;

use ipcraft::channel::spsc;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::posix::{self, SharedMemory};
use ipcraft::shm::{Mapping, Shared, sysv};
use ipcraft::sysv::Key;
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::control_group::with_memory_limit;
use ipcraft_tests::suite::{Outcome, serial_test};

use super::Name;

const MIB: usize = 1 << 20;
const LIMIT: u64 = 64 << 20;

fn removed() -> posix::Options {
    posix::Options::new().remove_on_drop(true)
}

fn assert_names_the_group<T: std::fmt::Debug>(result: Result<T, Error>, requested: usize) {
    let error = result.unwrap_err();
    let limit = *error.limit().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
    assert!(limit.name().starts_with("memory left under memory."), "{error}");
    assert_eq!(limit.requested(), Some(requested as u64), "{error}");
    assert!(limit.value() < LIMIT, "{error}");
}

/// Before Linux 5.14 only the check takes place.
fn populate(mapping: &Mapping) {
    match mapping.populate() {
        Err(e) if e.kind() == ErrorKind::Unsupported => println!("skipped: {e}"),
        populated => populated.unwrap(),
    }
}

fn segment(size: usize) -> Mapping {
    let options = sysv::Options::new().remove_on_drop(true);
    options.create_new(Key::PRIVATE, size).unwrap().attach().unwrap()
}

#[serial_test]
fn creation_beyond_the_memory_of_the_group_names_its_limit() -> Outcome {
    let name = Name::new();
    with_memory_limit(LIMIT, || {
        assert_names_the_group(Memfd::create("test", 200 * MIB), 200 * MIB);
        assert_names_the_group(removed().create_new(&name, 200 * MIB), 200 * MIB);
        assert_names_the_group(removed().create(&name, 200 * MIB), 200 * MIB);
        assert_eq!(super::kind(SharedMemory::open(&name)), ErrorKind::NotFound);
        type Large = [AtomicU64; 25 * MIB];
        assert_names_the_group(Shared::<Large>::create_new(&name, |_| Ok(())), Shared::<Large>::SIZE);
    })
}

#[serial_test]
fn growing_beyond_the_memory_of_the_group_asks_for_the_missing_bytes_only() -> Outcome {
    let name = Name::new();
    with_memory_limit(LIMIT, || {
        let memory = removed().create_new(&name, 40 * MIB).unwrap();
        memory.grow(50 * MIB).unwrap();
        assert_names_the_group(memory.grow(200 * MIB), 150 * MIB);
        assert_eq!(memory.size().unwrap(), 50 * MIB);
    })
}

#[serial_test]
fn populating_and_locking_beyond_the_memory_of_the_group_name_its_limit() -> Outcome {
    let name = Name::new();
    with_memory_limit(LIMIT, || {
        let large = segment(200 * MIB);
        large.write_at(0, b"x").unwrap();
        let missing = 200 * MIB - super::page();
        assert_names_the_group(large.populate(), missing);
        assert_names_the_group(large.lock(), missing);
        let sparse = posix::Options::new().sparse(true).create_new(&name, 200 * MIB).unwrap();
        sparse.remove().unwrap();
        assert_names_the_group(sparse.map().unwrap().populate(), 200 * MIB);
        assert_names_the_group(sparse.reserve(0, 200 * MIB), 200 * MIB);
        let fits = segment(20 * MIB);
        populate(&fits);
        populate(&fits);
        sparse.reserve(0, 20 * MIB).unwrap();
    })
}

#[serial_test]
fn channel_beyond_the_memory_of_the_group_names_its_limit() -> Outcome {
    with_memory_limit(LIMIT, || {
        let error = spsc::channel::<[u64; 8]>(4 * MIB).unwrap_err();
        assert!(error.limit().unwrap().name().starts_with("memory left under"), "{error}");
    })
}

/// The largest request that passes the check must not get the process killed.
#[serial_test]
fn largest_accepted_request_survives() -> Outcome {
    with_memory_limit(LIMIT, || {
        let error = Memfd::create("test", 200 * MIB).unwrap_err();
        let mut size = error.limit().unwrap().value() as usize;
        // Other threads of the kernel may charge the group in between.
        let memory = loop {
            match Memfd::create("test", size) {
                Ok(memory) => break memory,
                Err(_) => size -= MIB / 4,
            }
        };
        populate(&memory.map().unwrap());
        assert!(size > 50 * MIB, "{size}");
    })
}
