//! Values: initialised once, verified by everybody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft::shm::sysv;
use ipcraft::shm::{ProcessShared, Shared, SharedLayout};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;

use super::{Name, kind};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn removed() -> Options {
    Options::new().remove_on_drop(true)
}

fn new<T: ProcessShared>(name: &Name) -> Shared<T> {
    Shared::create_new_with(&removed(), name, |_| Ok(())).unwrap()
}

pub(super) fn a_value_is_initialised_before_anybody_sees_it() {
    let name = Name::new();
    let creator = Peer::start(|| {
        let made = Shared::<[AtomicU64; 2]>::create_new(&name, |values| {
            values[0].store(1, SeqCst);
            std::thread::sleep(SHORT);
            values[1].store(2, SeqCst);
            Ok(())
        });
        made.unwrap();
    });
    let value = Shared::<[AtomicU64; 2]>::open_timeout(&name, LONG).unwrap();
    assert_eq!((value[0].load(SeqCst), value[1].load(SeqCst)), (1, 2));
    creator.join();
    assert_eq!(kind(Shared::<[AtomicU64; 2]>::create_new(&name, |_| Ok(()))), ErrorKind::AlreadyExists);
    value.remove().unwrap();
    assert_eq!(kind(Shared::<[AtomicU64; 2]>::open(&name)), ErrorKind::NotFound);
    assert_eq!(kind(Shared::<[AtomicU64; 2]>::open_timeout(&name, SHORT)), ErrorKind::TimedOut);
}

/// Every process comes with a number of its own; the value that they all see is the number of one of them, plus one
/// for each.
pub(super) fn racing_creators_share_one_value() {
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
        assert_eq!(count, RACERS, "somebody counted elsewhere");
    }
}

pub(super) fn a_creator_that_dies_half_way_leaves_nothing() {
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

pub(super) fn another_type_is_refused_with_what_differs() {
    let name = Name::new();
    let _value: Shared<AtomicU64> = new(&name);
    let refused = |error: ipcraft::Error, what: &str| {
        assert_eq!(error.kind(), ErrorKind::WrongType);
        assert_eq!(error.limit().unwrap().name(), what, "{error}");
        assert_eq!(error.object(), Some(&*name.text));
    };
    refused(Shared::<AtomicI64>::open(&name).unwrap_err(), "the layout of its value");
    refused(Shared::<AtomicU32>::open(&name).unwrap_err(), "the size of its value");
    refused(Shared::<[AtomicU32; 2]>::open(&name).unwrap_err(), "the alignment of its value");
    refused(Shared::<[AtomicU64; 1]>::open(&name).unwrap_err(), "the layout of its value");
    refused(Shared::<[AtomicU64; 1000]>::open(&name).unwrap_err(), "its size");
    refused(Shared::<AtomicI64>::create(&name, |_| Ok(())).unwrap_err(), "the layout of its value");
}

pub(super) fn what_is_no_value_is_refused() {
    let name = Name::new();
    let memory = removed().create_new(&name, 100).unwrap();
    assert_eq!(kind(Shared::<AtomicU64>::open(&name)), ErrorKind::InUse, "nobody has initialised it");
    memory.map().unwrap().write_at(0, b"something else").unwrap();
    assert_eq!(kind(Shared::<AtomicU64>::open(&name)), ErrorKind::WrongType);
    let short = Name::new();
    fs::write(short.path(), "short").unwrap();
    fs::set_permissions(short.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(kind(Shared::<AtomicU64>::open(&short)), ErrorKind::WrongType);
    SharedMemory::open(&short).unwrap().remove().unwrap();
}

pub(super) fn anonymous_memory_is_initialised_once() {
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

pub(super) fn an_initialiser_that_died_is_no_value() {
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

pub(super) fn a_segment_can_hold_a_value_too() {
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

// SAFETY: because it is an atomic with more alignment, and repr(C) fixes where.
unsafe impl ProcessShared for Aligned {
    const LAYOUT: SharedLayout = SharedLayout::new("Aligned 1", &[AtomicU32::LAYOUT]);
}

pub(super) fn a_value_is_aligned_as_its_type_says() {
    let name = Name::new();
    let value: Shared<Aligned> = new(&name);
    assert!(std::ptr::from_ref(&*value).is_aligned());
    assert_eq!(Shared::<Aligned>::SIZE, 512);
    assert_eq!(value.0.load(SeqCst), 0);
}
