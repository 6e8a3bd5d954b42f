use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::SHORT;
use super::held::{KINDS, Kind};
use super::zone::{Zone, kind_of, shared};

pub(super) fn that_is_new_is_refused() {
    let zone = shared(|_: &Zone| Ok(()));
    for _ in 0..2 {
        assert_eq!(kind_of(zone.pair.lock()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.pair.try_lock()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.pair.lock_timeout(SHORT)), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.table.read()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.table.try_read()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.table.read_timeout(SHORT)), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.table.write()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.table.try_write()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.table.write_timeout(SHORT)), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.permits.acquire()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.permits.try_acquire()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.permits.acquire_timeout(SHORT)), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.barrier.join()), ErrorKind::Invalid);
        assert_eq!(kind_of(zone.once.call_once(|_| unreachable!())), ErrorKind::Invalid);
        assert!(!zone.once.is_done());
    }
    // It is as new as before, and may be initialised: once.
    for value in [1, 2] {
        zone.pair.init([value; 2]).unwrap();
        zone.table.init([value; 2]).unwrap();
        zone.permits.init().unwrap();
        zone.barrier.init().unwrap();
        zone.once.init().unwrap();
    }
    assert_eq!((*zone.pair.lock().unwrap(), *zone.table.read().unwrap()), ([1, 1], [1, 1]));
    for Kind { take, succeed, .. } in KINDS {
        Peer::start(|| take(&zone)).join();
        succeed(&zone);
    }
    zone.once.call_once(|_| ()).unwrap();
}

/// Whether anything is mapped at the address.
fn is_mapped(address: usize) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let parse = |number: &str| usize::from_str_radix(number, 16).unwrap();
    maps.lines().any(|line| {
        let (from, rest) = line.split_once('-').unwrap();
        let (to, what) = rest.split_once(' ').unwrap();
        // Something else may have been mapped there meanwhile, if only to read this.
        what.contains("/memfd:") && (parse(from)..parse(to)).contains(&address)
    })
}

fn address<T: ProcessShared>(shared: &Shared<T>) -> usize {
    (&raw const **shared).addr()
}

/// The kernel and the C library still know the address: what is mapped there next would be written to.
pub(super) fn of_a_leaked_guard_stays_mapped() {
    for Kind { name, take, .. } in KINDS {
        println!("{name}");
        // In a process of its own, which ends with what it has leaked.
        Peer::start(|| {
            let zone = Zone::new();
            let place = address(&zone);
            take(&zone);
            drop(zone);
            assert!(is_mapped(place));
            // Everything else works as ever, also right beside it in the list of this thread.
            let other = Zone::new();
            assert_ne!(address(&other), place);
            for _ in 0..100 {
                drop((other.pair.lock().unwrap(), other.table.write().unwrap()));
            }
        })
        .join();
    }
}

/// A thread of this process has it, and not the one that drops the value.
pub(super) fn of_another_threads_lock_stays_mapped() {
    let zone = Zone::new();
    let place = address(&zone);
    let owner_may_end = Barrier::new(2);
    thread::scope(|scope| {
        let zone = Arc::new(zone);
        let (owners, taken) = (Arc::clone(&zone), Arc::new(Barrier::new(2)));
        let has_taken = Arc::clone(&taken);
        let owner_may_end = &owner_may_end;
        scope.spawn(move || {
            (KINDS[0].take)(&owners);
            drop(owners);
            has_taken.wait();
            owner_may_end.wait();
        });
        taken.wait();
        assert_eq!(Arc::strong_count(&zone), 1);
        drop(zone);
        assert!(is_mapped(place));
        owner_may_end.wait();
    });
}

pub(super) fn of_a_guard_is_unmapped_with_the_value() {
    let zone = Zone::new();
    let place = address(&zone);
    drop((zone.pair.lock().unwrap(), zone.table.write().unwrap(), zone.barrier.join().unwrap()));
    zone.once.call_once(|_| ()).unwrap();
    drop(zone);
    assert!(!is_mapped(place));
}

/// Another process keeps the memory, and the lock in it.
pub(super) fn may_go_while_others_use_it() {
    let memory = Memfd::create("test", Shared::<Zone>::SIZE).unwrap();
    let zone: Shared<Zone> = Shared::initialize(memory.map().unwrap(), |zone: &Zone| {
        zone.pair.init([0, 0])?;
        zone.table.init([0, 0])
    })
    .unwrap();
    let owner = Peer::start(|| {
        (KINDS[0].take)(&zone);
        (KINDS[1].take)(&zone);
        pause();
    });
    owner.wait_asleep();
    let place = address(&zone);
    drop(zone);
    assert!(!is_mapped(place), "what another process has keeps nothing here");
    owner.kill();
    let zone: Shared<Zone> = Shared::attach(memory.map().unwrap()).unwrap();
    KINDS[..2].iter().for_each(|kind| (kind.succeed)(&zone));
}
