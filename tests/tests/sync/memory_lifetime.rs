use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::SHORT_TIMEOUT;
use nix::unistd::pause;

use super::fixture::{Fixture, kind_of};
use super::held_locks::{HELD_LOCKS, HeldLock};

#[serial_test]
fn lock_before_init_fails_with_invalid_and_init_twice_keeps_the_first() {
    let fixture = shared_value(|_: &Fixture| Ok(()));
    for _ in 0..2 {
        assert_eq!(kind_of(fixture.pair.lock()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.pair.try_lock()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.pair.lock_timeout(SHORT_TIMEOUT)), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.table.read()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.table.try_read()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.table.read_timeout(SHORT_TIMEOUT)), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.table.write()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.table.try_write()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.table.write_timeout(SHORT_TIMEOUT)), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.permits.acquire()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.permits.try_acquire()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.permits.acquire_timeout(SHORT_TIMEOUT)), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.barrier.join()), ErrorKind::Invalid);
        assert_eq!(kind_of(fixture.once.call_once(|_| unreachable!())), ErrorKind::Invalid);
        assert!(!fixture.once.is_done());
    }
    // The memory is still new, and the first initialization counts.
    for value in [1, 2] {
        fixture.pair.init([value; 2]).unwrap();
        fixture.table.init([value; 2]).unwrap();
        fixture.permits.init().unwrap();
        fixture.barrier.init().unwrap();
        fixture.once.init().unwrap();
    }
    assert_eq!((*fixture.pair.lock().unwrap(), *fixture.table.read().unwrap()), ([1, 1], [1, 1]));
    for HeldLock { take, assert_recovers, .. } in HELD_LOCKS {
        Peer::start(|| take(&fixture)).join();
        assert_recovers(&fixture);
    }
    fixture.once.call_once(|_| ()).unwrap();
}

/// Returns whether a memfd is mapped at the address.
fn is_mapped(address: usize) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let parse = |number: &str| usize::from_str_radix(number, 16).unwrap();
    maps.lines().any(|line| {
        let (from, rest) = line.split_once('-').unwrap();
        let (to, what) = rest.split_once(' ').unwrap();
        // Other memory may be mapped there meanwhile, if only to read this file.
        what.contains("/memfd:") && (parse(from)..parse(to)).contains(&address)
    })
}

fn address<T: ProcessShared>(shared: &Shared<T>) -> usize {
    (&raw const **shared).addr()
}

/// The kernel and the C library keep the address, and would write to later mappings there.
#[serial_test]
fn memory_dropped_with_a_leaked_guard_stays_mapped() {
    for HeldLock { name, take, .. } in HELD_LOCKS {
        println!("{name}");
        // A process of its own, because it leaks the mapping.
        Peer::start(|| {
            let fixture = Fixture::new();
            let address_before = address(&fixture);
            take(&fixture);
            drop(fixture);
            assert!(is_mapped(address_before));
            // Locks beside it in the robust list of this thread still work.
            let other = Fixture::new();
            assert_ne!(address(&other), address_before);
            for _ in 0..100 {
                drop((other.pair.lock().unwrap(), other.table.write().unwrap()));
            }
        })
        .join();
    }
}

/// The owner is a different thread from the thread that drops the value.
#[serial_test]
fn memory_dropped_while_another_thread_owns_a_lock_stays_mapped() {
    let fixture = Fixture::new();
    let address_before = address(&fixture);
    let owner_may_end = Barrier::new(2);
    thread::scope(|scope| {
        let fixture = Arc::new(fixture);
        let (owners, taken) = (Arc::clone(&fixture), Arc::new(Barrier::new(2)));
        let has_taken = Arc::clone(&taken);
        let owner_may_end = &owner_may_end;
        scope.spawn(move || {
            (HELD_LOCKS[0].take)(&owners);
            drop(owners);
            has_taken.wait();
            owner_may_end.wait();
        });
        taken.wait();
        assert_eq!(Arc::strong_count(&fixture), 1);
        drop(fixture);
        assert!(is_mapped(address_before));
        owner_may_end.wait();
    });
}

#[serial_test]
fn memory_dropped_after_its_guards_is_unmapped() {
    let fixture = Fixture::new();
    let address_before = address(&fixture);
    drop((fixture.pair.lock().unwrap(), fixture.table.write().unwrap(), fixture.barrier.join().unwrap()));
    fixture.once.call_once(|_| ()).unwrap();
    drop(fixture);
    assert!(!is_mapped(address_before));
}

#[serial_test]
fn memory_dropped_while_another_process_owns_a_lock_is_unmapped() {
    let memory = Memfd::create("test", Shared::<Fixture>::SIZE).unwrap();
    let fixture: Shared<Fixture> = Shared::initialize(memory.map().unwrap(), |fixture: &Fixture| {
        fixture.pair.init([0, 0])?;
        fixture.table.init([0, 0])
    })
    .unwrap();
    let owner = Peer::start(|| {
        (HELD_LOCKS[0].take)(&fixture);
        (HELD_LOCKS[1].take)(&fixture);
        pause();
    });
    owner.wait_asleep();
    let address_before = address(&fixture);
    drop(fixture);
    assert!(!is_mapped(address_before), "a lock of another process keeps no mapping here");
    owner.kill();
    let fixture: Shared<Fixture> = Shared::attach(memory.map().unwrap()).unwrap();
    HELD_LOCKS[..2].iter().for_each(|lock| (lock.assert_recovers)(&fixture));
}
