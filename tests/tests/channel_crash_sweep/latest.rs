//! The newest value: whole, and the last that was stored, or the one that was being stored.

use std::cell::RefCell;

use ipcraft::channel::latest::{Channel, Options, Reader, Writer};
use ipcraft::shm::Shared;
use ipcraft_tests::crash_sweep::{Outcome, Scenario, clean};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};
use libtest_mimic::Trial;

use crate::ledger::{Ledger, Note, Who, note, words};
use crate::link::{NEAR_32, NEAR_64};

/// One word, some, and many.
const ONE: usize = 1;
const SOME: usize = 9;
const MANY: usize = 33;

pub(crate) fn tests() -> Vec<Trial> {
    let awake = |start| Storing::<ONE> { operate: store, start, has_sleeper: false };
    vec![
        clean("latest_store", awake(NEAR_32)),
        clean(
            "latest_store_many_words",
            Storing::<MANY> { operate: store, start: NEAR_64, has_sleeper: false },
        ),
        clean("latest_store_to_a_sleeper", Storing { has_sleeper: true, ..awake(0) }),
        clean(
            "latest_loan_and_commit",
            Storing::<MANY> { operate: loan, start: NEAR_64, has_sleeper: false },
        ),
        clean("latest_load", Loading::<ONE> { operate: load }),
        clean("latest_load_many_words", Loading::<MANY> { operate: load }),
        clean("latest_changed_when_it_is_not", Awaiting::<SOME>),
        clean("latest_load_in_place", Loading::<MANY> { operate: load_in_place }),
    ]
}

fn store<const N: usize>(writer: &mut Writer<[u64; N]>, ledger: &Ledger) {
    writer.store(words(ledger.begin(Who::Victim)));
    ledger.sent(Who::Victim, 1);
}

fn loan<const N: usize>(writer: &mut Writer<[u64; N]>, ledger: &Ledger) {
    let mut place = writer.loan();
    place.set(&words(ledger.begin(Who::Victim)));
    place.commit();
    ledger.sent(Who::Victim, 1);
}

fn load<const N: usize>(reader: &mut Reader<[u64; N]>) {
    assert!(note(&reader.load().unwrap().value).is_some());
}

fn load_in_place<const N: usize>(reader: &mut Reader<[u64; N]>) {
    assert!(note(&reader.load_in_place().unwrap().get().unwrap()).is_some());
}

fn channel<const N: usize>(start: u64) -> Channel<[u64; N]> {
    Options::new().initial_position(start).anonymous().unwrap()
}

/// What the replacement of a writer stores.
const REPLACED: Note = Note { who: Who::Survivor, number: 0 };

/// Killed while it stores.
struct Storing<const N: usize> {
    operate: fn(&mut Writer<[u64; N]>, &Ledger),
    start: u64,
    /// Whether somebody waits for what the next writer stores.
    has_sleeper: bool,
}

struct World<const N: usize> {
    channel: Channel<[u64; N]>,
    ledger: Shared<Ledger>,
    /// The child's.
    writer: RefCell<Option<Writer<[u64; N]>>>,
    peer: RefCell<Option<Peer>>,
}

impl<const N: usize> Scenario for Storing<N> {
    type Fixture = World<N>;

    fn fixture(&self) -> World<N> {
        let (channel, ledger) = (channel(self.start), Ledger::new());
        World { channel, ledger, writer: RefCell::new(None), peer: RefCell::new(None) }
    }

    fn operate(&self, world: &World<N>) {
        let mut writer = world.writer.borrow_mut();
        let writer = writer.get_or_insert_with(|| world.channel.writer().unwrap());
        (self.operate)(writer, &world.ledger);
    }

    fn rearm(&self, world: &World<N>) {
        if self.has_sleeper {
            let role = || wait_for(&world.channel, REPLACED);
            world.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn check(&self, world: World<N>) -> Outcome {
        let told = world.ledger.told(Who::Victim);
        let mut reader = world.channel.reader().unwrap();
        let seen = reader.load().unwrap();
        let Some(found) = note(&seen.value).filter(|note| note.who == Who::Victim) else {
            return Outcome::Corrupted;
        };
        assert_eq!(seen.version, found.number + 1, "each value has its version");
        if seen.version < told {
            return Outcome::Lost;
        }
        assert!(seen.version <= told + 1, "{seen:?}");
        let mut writer = world.channel.writer().unwrap();
        // One who died between the value and its number is helped by his successor.
        let before = writer.version();
        assert!((seen.version..=told + 1).contains(&before), "{before}");
        writer.store(words(REPLACED));
        let changed = reader.changed_timeout(HANG_TIMEOUT).unwrap();
        assert_eq!((note(&changed.value), changed.version), (Some(REPLACED), before + 1));
        if survivors::finish(world.peer.into_inner()) { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}

/// Waits until this value is there.
fn wait_for<const N: usize>(channel: &Channel<[u64; N]>, wanted: Note) {
    let mut reader = channel.reader().unwrap();
    loop {
        match reader.changed_timeout(HANG_TIMEOUT) {
            Ok(seen) if note(&seen.value).expect("whole") == wanted => return,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ipcraft::ErrorKind::Disconnected, "{error}"),
        }
    }
}

/// Killed while it loads, which is nobody's concern.
struct Loading<const N: usize> {
    operate: fn(&mut Reader<[u64; N]>),
}

impl<const N: usize> Scenario for Loading<N> {
    type Fixture = (Channel<[u64; N]>, RefCell<Writer<[u64; N]>>, RefCell<Option<Reader<[u64; N]>>>);

    fn fixture(&self) -> Self::Fixture {
        let channel = channel(0);
        let mut writer = channel.writer().unwrap();
        writer.store(words(Note { who: Who::Victim, number: 0 }));
        (channel, RefCell::new(writer), RefCell::new(None))
    }

    fn operate(&self, (channel, _, reader): &Self::Fixture) {
        let mut reader = reader.borrow_mut();
        (self.operate)(reader.get_or_insert_with(|| channel.reader().unwrap()));
    }

    fn check(&self, (channel, writer, _): Self::Fixture) -> Outcome {
        let mut writer = writer.into_inner();
        writer.store(words(REPLACED));
        let seen = channel.reader().unwrap().load().unwrap();
        assert_eq!(seen.version, 2);
        if note(&seen.value) == Some(REPLACED) { Outcome::Unnoticed } else { Outcome::Corrupted }
    }
}

/// Killed while it waits for a change, which is nobody's concern either.
struct Awaiting<const N: usize>;

impl<const N: usize> Scenario for Awaiting<N> {
    type Fixture = (Channel<[u64; N]>, RefCell<Writer<[u64; N]>>, RefCell<Option<Reader<[u64; N]>>>);

    /// It sleeps: longer.
    fn stride(&self, asked: u64) -> u64 {
        asked * 7
    }

    fn fixture(&self) -> Self::Fixture {
        let channel = channel(NEAR_64);
        let writer = RefCell::new(channel.writer().unwrap());
        (channel, writer, RefCell::new(None))
    }

    fn operate(&self, (channel, _, reader): &Self::Fixture) {
        let mut reader = reader.borrow_mut();
        let reader = reader.get_or_insert_with(|| channel.reader().unwrap());
        let seen = reader.changed().unwrap();
        assert_eq!(note(&seen.value).map(|note| note.number + 1), Some(seen.version));
    }

    fn wake(&self, (_, writer, _): &Self::Fixture) {
        let mut writer = writer.borrow_mut();
        let number = writer.version();
        writer.store(words(Note { who: Who::Victim, number }));
    }

    fn check(&self, (channel, writer, _): Self::Fixture) -> Outcome {
        let mut writer = writer.into_inner();
        let mut reader = channel.reader().unwrap();
        let before = writer.version();
        writer.store(words(REPLACED));
        let seen = reader.changed_timeout(HANG_TIMEOUT).unwrap();
        assert_eq!(seen.version, before + 1);
        if note(&seen.value) == Some(REPLACED) { Outcome::Unnoticed } else { Outcome::Corrupted }
    }
}
