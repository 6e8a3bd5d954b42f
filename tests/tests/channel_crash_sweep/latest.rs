//! The newest value: whole, and either the last stored value or the one in progress.

use std::cell::RefCell;

use ipcraft::channel::latest::{Channel, Reader, Writer};
use ipcraft::shm::Shared;
use ipcraft_tests::channel_kind::{ChannelKind, Config, Latest, Numbered, Send};
use ipcraft_tests::crash_sweep::{Outcome, Scenario, clean};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};
use libtest_mimic::Trial;

use crate::delivery_log::{DeliveryLog, Entry, Role, entry, message};
use crate::exchange::{NEAR_32, NEAR_64};
use crate::{Few, Many, One};

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = storing::<One>("one_word", NEAR_32);
    tests.extend(storing::<Many>("many_words", NEAR_64));
    tests.extend([
        clean("latest_load", Loading::<One> { operate: load }),
        clean("latest_load_many_words", Loading::<Many> { operate: load }),
        clean("latest_load_in_place", Loading::<Many> { operate: load_in_place }),
        clean("latest_changed_when_unchanged", Awaiting::<Few>::default()),
    ]);
    tests
}

/// A writer for each way to store, with and without a blocked reader.
fn storing<M: Numbered + 'static>(size: &str, initial_position: u64) -> Vec<Trial> {
    let mut tests = Vec::new();
    for way in Latest::<M>::SENDS {
        for has_blocked_reader in [false, true] {
            let condition = if has_blocked_reader { "_reader_blocked" } else { "" };
            let name = format!("latest_{}_{size}{condition}", way.name);
            let storing =
                Storing::<M> { store: way.send, commits: way.commits, initial_position, has_blocked_reader };
            tests.push(clean(name.leak(), storing));
        }
    }
    tests
}

fn load<M: Numbered>(reader: &mut Reader<M>) {
    assert!(entry(&reader.load().unwrap().value).is_some());
}

fn load_in_place<M: Numbered>(reader: &mut Reader<M>) {
    assert!(entry(&reader.load_in_place().unwrap().get().unwrap()).is_some());
}

fn channel<M: Numbered + 'static>(initial_position: u64) -> Channel<M> {
    Latest::<M>::anonymous(Config { initial_position, ..Config::new(4) }).unwrap()
}

/// What the replacement of a writer stores.
const REPLACED: Entry = Entry { role: Role::Survivor, number: 0 };

/// A writer that is killed while it stores.
struct Storing<M: Numbered + 'static> {
    store: Send<Latest<M>>,
    commits: bool,
    initial_position: u64,
    /// Whether a reader waits for what the next writer stores.
    has_blocked_reader: bool,
}

struct Fixture<M: Numbered> {
    channel: Channel<M>,
    log: Shared<DeliveryLog>,
    /// The child's.
    writer: RefCell<Option<Writer<M>>>,
    peer: RefCell<Option<Peer>>,
}

impl<M: Numbered + 'static> Scenario for Storing<M> {
    type Fixture = Fixture<M>;

    fn stride(&self, asked: u64) -> u64 {
        if size_of::<M>() > 64 { 3 * asked } else { asked }
    }

    fn fixture(&self) -> Fixture<M> {
        let (channel, log) = (channel(self.initial_position), DeliveryLog::new());
        Fixture { channel, log, writer: RefCell::new(None), peer: RefCell::new(None) }
    }

    fn operate(&self, fixture: &Fixture<M>) {
        let mut writer = fixture.writer.borrow_mut();
        let writer = writer.get_or_insert_with(|| {
            let mut writer = fixture.channel.writer().unwrap();
            if !self.commits {
                // So that there is a value to find.
                writer.store(message(fixture.log.begin(Role::Victim)));
                fixture.log.add_sent(Role::Victim, 1);
            }
            writer
        });
        if self.commits {
            (self.store)(writer, &[message(fixture.log.begin(Role::Victim))], Form::Wait).unwrap();
            fixture.log.add_sent(Role::Victim, 1);
        } else {
            (self.store)(writer, &[message(REPLACED)], Form::Wait).unwrap();
        }
    }

    fn rearm(&self, fixture: &Fixture<M>) {
        if self.has_blocked_reader {
            let role = || wait_for(&fixture.channel, REPLACED);
            fixture.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn check(&self, fixture: Fixture<M>) -> Outcome {
        let stored = fixture.log.sent(Role::Victim);
        let mut reader = fixture.channel.reader().unwrap();
        let seen = reader.load().unwrap();
        let Some(found) = entry(&seen.value).filter(|entry| entry.role == Role::Victim) else {
            return Outcome::Corrupted;
        };
        assert_eq!(seen.version, found.number + 1, "each value has its version");
        if seen.version < stored {
            return Outcome::Lost;
        }
        assert!(seen.version <= stored + 1, "version {}", seen.version);
        let mut writer = fixture.channel.writer().unwrap();
        // The replacement completes a store that ended between the value and its version.
        let before = writer.version();
        assert!((seen.version..=stored + 1).contains(&before), "{before}");
        writer.store(message(REPLACED));
        let changed = reader.changed_timeout(HANG_TIMEOUT).unwrap();
        assert_eq!((entry(&changed.value), changed.version), (Some(REPLACED), before + 1));
        if survivors::finish(fixture.peer.into_inner()) { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}

/// Waits for this value.
fn wait_for<M: Numbered>(channel: &Channel<M>, wanted: Entry) {
    let mut reader = channel.reader().unwrap();
    loop {
        match reader.changed_timeout(HANG_TIMEOUT) {
            Ok(seen) if entry(&seen.value).expect("whole") == wanted => return,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ipcraft::ErrorKind::Disconnected, "{error}"),
        }
    }
}

/// A channel, its writer in this process, and the child's reader.
type ReaderFixture<M> = (Channel<M>, RefCell<Writer<M>>, RefCell<Option<Reader<M>>>);

/// Checks that a killed reader leaves no trace: a new reader sees what is stored next.
fn check_next_store<M: Numbered>((channel, writer, _): ReaderFixture<M>) -> Outcome {
    let mut writer = writer.into_inner();
    let mut reader = channel.reader().unwrap();
    let before = writer.version();
    writer.store(message(REPLACED));
    let seen = reader.changed_timeout(HANG_TIMEOUT).unwrap();
    assert_eq!(seen.version, before + 1);
    if entry(&seen.value) == Some(REPLACED) { Outcome::Unnoticed } else { Outcome::Corrupted }
}

/// A reader that is killed while it loads.
struct Loading<M: Numbered> {
    operate: fn(&mut Reader<M>),
}

impl<M: Numbered + 'static> Scenario for Loading<M> {
    type Fixture = ReaderFixture<M>;

    fn fixture(&self) -> ReaderFixture<M> {
        let channel = channel(0);
        let mut writer = channel.writer().unwrap();
        writer.store(message(Entry { role: Role::Victim, number: 0 }));
        (channel, RefCell::new(writer), RefCell::new(None))
    }

    fn operate(&self, (channel, _, reader): &ReaderFixture<M>) {
        let mut reader = reader.borrow_mut();
        (self.operate)(reader.get_or_insert_with(|| channel.reader().unwrap()));
    }

    fn check(&self, fixture: ReaderFixture<M>) -> Outcome {
        check_next_store(fixture)
    }
}

/// A reader that is killed while it waits for a change.
#[derive(Default)]
struct Awaiting<M>(std::marker::PhantomData<M>);

impl<M: Numbered + 'static> Scenario for Awaiting<M> {
    type Fixture = ReaderFixture<M>;

    /// The operation blocks, so it is long.
    fn stride(&self, asked: u64) -> u64 {
        asked * 7
    }

    fn fixture(&self) -> ReaderFixture<M> {
        let channel = channel(NEAR_64);
        let writer = RefCell::new(channel.writer().unwrap());
        (channel, writer, RefCell::new(None))
    }

    fn operate(&self, (channel, _, reader): &ReaderFixture<M>) {
        let mut reader = reader.borrow_mut();
        let reader = reader.get_or_insert_with(|| channel.reader().unwrap());
        let seen = reader.changed().unwrap();
        assert_eq!(entry(&seen.value).map(|entry| entry.number + 1), Some(seen.version));
    }

    fn wake(&self, (_, writer, _): &ReaderFixture<M>) {
        let mut writer = writer.borrow_mut();
        let number = writer.version();
        writer.store(message(Entry { role: Role::Victim, number }));
    }

    fn check(&self, fixture: ReaderFixture<M>) -> Outcome {
        check_next_store(fixture)
    }
}
