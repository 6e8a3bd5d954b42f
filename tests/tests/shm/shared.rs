//! Shared values: initialized once, verified by every other process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft::shm::sysv;
use ipcraft::shm::{ProcessShared, Shared, SharedLayout};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use super::{Name, kind};

fn removed() -> Options {
    Options::new().remove_on_drop(true)
}

fn new<T: ProcessShared>(name: &Name) -> Shared<T> {
    Shared::create_new_with(&removed(), name, |_| Ok(())).unwrap()
}

#[serial_test]
fn shared_value_is_initialized_before_its_name_appears() {
    let name = Name::new();
    let creator = Peer::start(|| {
        let made = Shared::<[AtomicU64; 2]>::create_new(&name, |values| {
            values[0].store(1, SeqCst);
            std::thread::sleep(SHORT_TIMEOUT);
            values[1].store(2, SeqCst);
            Ok(())
        });
        made.unwrap();
    });
    let value = Shared::<[AtomicU64; 2]>::open_timeout(&name, LONG_TIMEOUT).unwrap();
    assert_eq!((value[0].load(SeqCst), value[1].load(SeqCst)), (1, 2));
    creator.join();
    assert_eq!(kind(Shared::<[AtomicU64; 2]>::create_new(&name, |_| Ok(()))), ErrorKind::AlreadyExists);
    value.remove().unwrap();
    assert_eq!(kind(Shared::<[AtomicU64; 2]>::open(&name)), ErrorKind::NotFound);
    assert_eq!(kind(Shared::<[AtomicU64; 2]>::open_timeout(&name, SHORT_TIMEOUT)), ErrorKind::TimedOut);
}

/// Every process offers a number of its own. The value that all see is one of these numbers, plus
/// one for each process.
#[serial_test]
fn shared_create_in_racing_processes_yields_one_value() {
    const RACERS: u64 = 8;
    for _ in 0..20 {
        let name = Name::new();
        let race = |number: u64| {
            let value = Shared::<AtomicU64>::create(&name, |value| {
                value.store(number << 32, SeqCst);
                Ok(())
            })
            .unwrap();
            value.fetch_add(1, SeqCst);
        };
        let racers: Vec<Peer> = (1..=RACERS).map(|number| Peer::start(move || race(number))).collect();
        racers.into_iter().for_each(Peer::join);
        let value = Shared::<AtomicU64>::open(&name).unwrap();
        let (winner, count) = (value.load(SeqCst) >> 32, value.load(SeqCst) & 0xffff_ffff);
        value.remove().unwrap();
        assert!((1..=RACERS).contains(&winner), "{winner}");
        assert_eq!(count, RACERS, "all processes count in one value");
    }
}

#[serial_test]
fn shared_create_killed_in_initialize_leaves_nothing() {
    let name = Name::new();
    let creator = Peer::start(|| {
        let made = Shared::<AtomicU64>::create_new(&name, |value| {
            value.store(1, SeqCst);
            nix::unistd::pause();
            Ok(())
        });
        drop(made);
    });
    creator.wait_asleep();
    assert_eq!(kind(Shared::<AtomicU64>::open(&name)), ErrorKind::NotFound);
    creator.kill();
    assert!(!name.path().exists());
    let value = Shared::<AtomicU64>::create_with(&removed(), &name, |value| {
        value.store(7, SeqCst);
        Ok(())
    })
    .unwrap();
    assert_eq!(value.load(SeqCst), 7);
}

#[serial_test]
fn shared_open_as_another_type_names_the_difference() {
    let name = Name::new();
    let _value: Shared<AtomicU64> = new(&name);
    let rejected = |error: ipcraft::Error, what: &str| {
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert!(error.to_string().contains(&format!("{what} is ")), "{error}");
        assert_eq!(error.object(), Some(&*name.text));
    };
    rejected(Shared::<AtomicI64>::open(&name).unwrap_err(), "the layout of its value");
    rejected(Shared::<AtomicU32>::open(&name).unwrap_err(), "the size of its value");
    rejected(Shared::<[AtomicU32; 2]>::open(&name).unwrap_err(), "the alignment of its value");
    rejected(Shared::<[AtomicU64; 1]>::open(&name).unwrap_err(), "the layout of its value");
    rejected(Shared::<[AtomicU64; 1000]>::open(&name).unwrap_err(), "its size");
    rejected(Shared::<AtomicI64>::create(&name, |_| Ok(())).unwrap_err(), "the layout of its value");
}

#[serial_test]
fn shared_open_of_other_memory_fails() {
    let name = Name::new();
    let memory = removed().create_new(&name, 100).unwrap();
    assert_eq!(kind(Shared::<AtomicU64>::open(&name)), ErrorKind::InUse, "it is not initialized");
    memory.map().unwrap().write_at(0, b"something else").unwrap();
    assert_eq!(kind(Shared::<AtomicU64>::open(&name)), ErrorKind::WrongType);
    let short = Name::new();
    fs::write(short.path(), "short").unwrap();
    fs::set_permissions(short.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(kind(Shared::<AtomicU64>::open(&short)), ErrorKind::WrongType);
    SharedMemory::open(&short).unwrap().remove().unwrap();
}

#[serial_test]
fn shared_initialize_of_anonymous_memory_succeeds_once() {
    let memory = Memfd::create("test", Shared::<AtomicU64>::SIZE).unwrap();
    let attach = || Shared::<AtomicU64>::attach(memory.map().unwrap());
    assert_eq!(kind(attach()), ErrorKind::InUse);
    let value = Shared::initialize(memory.map().unwrap(), |value: &AtomicU64| {
        value.store(3, SeqCst);
        Ok(())
    })
    .unwrap();
    assert_eq!(attach().unwrap().load(SeqCst), 3);
    let again = Shared::initialize(memory.map().unwrap(), |_: &AtomicU64| panic!("it is there"));
    assert_eq!(kind(again), ErrorKind::AlreadyExists);
    assert_eq!(
        kind(Shared::<AtomicU64>::attach(memory.map_read_only().unwrap())),
        ErrorKind::PermissionDenied
    );
    assert_eq!(kind(value.remove()), ErrorKind::Invalid);
    let small = Memfd::create("test", Shared::<AtomicU64>::SIZE - 1).unwrap();
    assert_eq!(kind(Shared::initialize(small.map().unwrap(), |_: &AtomicU64| Ok(()))), ErrorKind::Invalid);
}

#[serial_test]
fn shared_attach_after_killed_initializer_returns_in_use() {
    let memory = Memfd::create("test", 4096).unwrap();
    let creator = Peer::start(|| {
        let made = Shared::initialize(memory.map().unwrap(), |_: &AtomicU64| {
            nix::unistd::pause();
            Ok(())
        });
        drop(made);
    });
    creator.wait_asleep();
    creator.kill();
    assert_eq!(kind(Shared::<AtomicU64>::attach(memory.map().unwrap())), ErrorKind::InUse);
    assert_eq!(kind(Shared::initialize(memory.map().unwrap(), |_: &AtomicU64| Ok(()))), ErrorKind::InUse);
}

#[serial_test]
fn shared_value_in_a_segment_is_visible_to_a_child() {
    let segment = sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE, 4096).unwrap();
    let value = Shared::initialize(segment.attach().unwrap(), |_: &AtomicU32| Ok(())).unwrap();
    Peer::start(|| {
        Shared::<AtomicU32>::attach(segment.attach().unwrap()).unwrap().store(9, SeqCst);
    })
    .join();
    assert_eq!(value.load(SeqCst), 9);
}

#[repr(C, align(256))]
struct Aligned(AtomicU32);

// SAFETY: because it is an atomic with a larger alignment, and repr(C) fixes its offset.
unsafe impl ProcessShared for Aligned {
    const LAYOUT: SharedLayout = SharedLayout::new("Aligned 1", &[AtomicU32::LAYOUT]);
}

#[serial_test]
fn shared_value_has_the_alignment_of_its_type() {
    let name = Name::new();
    let value: Shared<Aligned> = new(&name);
    assert!(std::ptr::from_ref(&*value).is_aligned());
    assert_eq!(Shared::<Aligned>::SIZE, 512);
    assert_eq!(value.0.load(SeqCst), 0);
}

#[serial_test]
fn shared_initialize_that_fails_leaves_new_memory() {
    let memory = Memfd::create("test", Shared::<AtomicU64>::SIZE).unwrap();
    let failing = |_: &AtomicU64| SharedMemory::open("no-slash").map(drop);
    assert_eq!(kind(Shared::initialize(memory.map().unwrap(), failing)), ErrorKind::InvalidName);
    assert_eq!(kind(Shared::<AtomicU64>::attach(memory.map().unwrap())), ErrorKind::InUse);
    Shared::initialize(memory.map().unwrap(), |_: &AtomicU64| Ok(())).unwrap();
}
