//! Messages for everybody: a publisher that is killed has told all of those who are there, or nobody; and a subscriber that
//! is killed holds nobody back.

use std::cell::RefCell;
use std::time::Duration;

use ipcraft::channel::broadcast::{Channel, Options, Overflow, Publisher, RecvError, Subscriber};
use ipcraft::shm::Shared;
use ipcraft::{Error, ErrorKind, Result};
use ipcraft_tests::crash_sweep::{Outcome, Scenario, clean};
use ipcraft_tests::survivors::HANG_TIMEOUT;
use libtest_mimic::Trial;

use crate::creation::Creation;
use crate::ledger::{Allowed, Ledger, Note, Who, note, words};
use crate::link::{Link, NARROW, NEAR_32, NEAR_64, Said, Shape, hear, tell};
use crate::seats::Seating;
use crate::senders::Sending;
use crate::survivor::NOTICE;
use crate::survivor::Survivor::{self, Alone, Asleep, Awake};

/// Channels of messages of so many words, in which a slow subscriber holds the publisher back, or misses messages.
struct Broadcast<const N: usize, const OVERWRITES: bool>;

/// One word, and many.
const ONE: usize = 1;
const MANY: usize = 33;

impl<const N: usize, const OVERWRITES: bool> Link for Broadcast<N, OVERWRITES> {
    type Channel = Channel<[u64; N]>;
    type Sender = Publisher<[u64; N]>;
    type Receiver = Subscriber<[u64; N]>;

    const COMES_LATE: bool = true;

    fn create(shape: Shape, name: Option<&str>) -> Result<Self::Channel> {
        let overflow = if OVERWRITES { Overflow::Overwrite } else { Overflow::Block };
        let options = options(shape).overflow(overflow);
        match name {
            Some(name) => options.create_new(name),
            None => options.anonymous(),
        }
    }

    fn open(name: &str) -> Result<Self::Channel> {
        Channel::open(name)
    }

    fn sender(channel: &Self::Channel) -> Result<Self::Sender> {
        channel.publisher()
    }

    fn receiver(channel: &Self::Channel) -> Result<Self::Receiver> {
        channel.subscriber()
    }

    fn send(publisher: &mut Self::Sender, note: Note, timeout: Duration) -> Result<()> {
        publisher.send_timeout(words(note), timeout).map_err(Error::from)
    }

    fn receive(subscriber: &mut Self::Receiver, timeout: Duration) -> Result<Option<Note>> {
        subscriber.recv_timeout(timeout).map(|words| note(&words)).map_err(Error::from)
    }
}

fn options<const N: usize>(shape: Shape) -> Options<[u64; N]> {
    Options::new().capacity(shape.capacity).initial_position(shape.start).subscribers(4)
}

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = publishing();
    tests.extend(subscribing());
    tests.extend(seating());
    tests
}

fn publishing() -> Vec<Trial> {
    fn killed<const N: usize, const OVERWRITES: bool>(
        at: Survivor,
        operate: fn(&mut Publisher<[u64; N]>, &Ledger),
    ) -> Sending<Broadcast<N, OVERWRITES>> {
        Sending::new(at, operate)
    }
    vec![
        clean("broadcast_send", killed::<ONE, false>(Awake, send).initial_position(NEAR_32)),
        clean("broadcast_send_many_words", killed::<MANY, false>(Awake, send).initial_position(NEAR_64)),
        clean("broadcast_send_overwriting", killed::<MANY, true>(Awake, send).initial_position(NEAR_64)),
        clean("broadcast_send_to_a_sleeper", killed::<ONE, false>(Asleep, send)),
        clean("broadcast_send_overwriting_to_a_sleeper", killed::<ONE, true>(Asleep, send)),
        clean("broadcast_send_to_one_alone", killed::<ONE, false>(Alone, send)),
        clean(
            "broadcast_send_when_full",
            killed::<ONE, false>(Awake, send).initial_position(NEAR_64).when_full(),
        ),
        clean("broadcast_send_over_the_oldest", Overtaking::<ONE> { operate: send, start: NEAR_32 }),
        clean(
            "broadcast_send_many_words_over_the_oldest",
            Overtaking::<MANY> { operate: send, start: NEAR_64 },
        ),
        clean("broadcast_send_all", killed::<ONE, false>(Awake, send_all).initial_position(NEAR_64)),
        clean("broadcast_loan_and_commit", killed::<MANY, false>(Awake, loan).stride(3)),
        clean("broadcast_loan_and_commit_overwriting", killed::<MANY, true>(Awake, loan).stride(3)),
    ]
}

fn subscribing() -> Vec<Trial> {
    fn killed<const N: usize, const OVERWRITES: bool>(
        operate: fn(&mut Subscriber<[u64; N]>),
    ) -> Subscribing<N, OVERWRITES> {
        Subscribing { operate, there: 2, stride: 1 }
    }
    vec![
        clean("broadcast_recv", killed::<ONE, false>(recv)),
        clean("broadcast_recv_many_words", killed::<MANY, false>(recv)),
        clean("broadcast_recv_overwriting", killed::<ONE, true>(recv)),
        clean("broadcast_recv_in_place", Subscribing { stride: 7, ..killed::<MANY, false>(recv_in_place) }),
        clean("broadcast_recv_when_empty", Subscribing { there: 0, stride: 7, ..killed::<ONE, false>(recv) }),
    ]
}

fn seating() -> Vec<Trial> {
    type Seats = Seating<Broadcast<ONE, false>>;
    vec![
        clean("broadcast_publish_and_leave", Seats::new(|channel, _| drop(channel.publisher().unwrap()))),
        clean("broadcast_join_and_leave", Seats::new(|channel, _| drop(channel.subscriber().unwrap()))),
        clean(
            "broadcast_create",
            Creation::<Broadcast<ONE, false>> { create: |shape, name| options(shape).create(name) },
        ),
    ]
}

fn send<const N: usize>(publisher: &mut Publisher<[u64; N]>, ledger: &Ledger) {
    publisher.send(words(ledger.begin(Who::Victim))).unwrap();
    ledger.sent(Who::Victim, 1);
}

fn send_all<const N: usize>(publisher: &mut Publisher<[u64; N]>, ledger: &Ledger) {
    publisher.send_all(&ledger.begin_all::<3>(Who::Victim).map(words)).unwrap();
    ledger.sent(Who::Victim, 3);
}

fn loan<const N: usize>(publisher: &mut Publisher<[u64; N]>, ledger: &Ledger) {
    let mut place = publisher.loan().unwrap();
    place.set(&words(ledger.begin(Who::Victim)));
    place.commit();
    ledger.sent(Who::Victim, 1);
}

fn recv<const N: usize>(subscriber: &mut Subscriber<[u64; N]>) {
    assert!(note(&subscriber.recv().unwrap()).is_some());
}

fn recv_in_place<const N: usize>(subscriber: &mut Subscriber<[u64; N]>) {
    let message = subscriber.recv_in_place().unwrap();
    assert!(note(&message.get().unwrap()).is_some());
}

/// Killed while it receives, beside another who gets everything: more than there is room for.
struct Subscribing<const N: usize, const OVERWRITES: bool> {
    operate: fn(&mut Subscriber<[u64; N]>),
    /// How many messages are there; if none is, one comes when it sleeps.
    there: usize,
    stride: u64,
}

struct World<const N: usize> {
    ledger: Shared<Ledger>,
    channel: Channel<[u64; N]>,
    publisher: RefCell<Publisher<[u64; N]>>,
    /// This process's.
    other: RefCell<Subscriber<[u64; N]>>,
    /// The child's.
    subscriber: RefCell<Option<Subscriber<[u64; N]>>>,
}

impl<const N: usize, const OVERWRITES: bool> Subscribing<N, OVERWRITES> {
    /// Sends so many messages, of which the other subscriber gets each.
    fn exchange(world: &World<N>, count: usize) -> bool {
        let (mut publisher, mut other) = (world.publisher.borrow_mut(), world.other.borrow_mut());
        (0..count).all(|_| {
            tell::<Broadcast<N, OVERWRITES>>(&mut publisher, &world.ledger, HANG_TIMEOUT) == Said::Yes
                && hear::<Broadcast<N, OVERWRITES>>(&mut other, &world.ledger, HANG_TIMEOUT) == Said::Yes
        })
    }
}

impl<const N: usize, const OVERWRITES: bool> Scenario for Subscribing<N, OVERWRITES> {
    type Fixture = World<N>;

    fn stride(&self, asked: u64) -> u64 {
        asked * self.stride
    }

    /// A publisher finds out who died when it looks.
    fn progress_timeout(&self) -> Duration {
        NOTICE
    }

    fn fixture(&self) -> World<N> {
        let channel = Broadcast::<N, OVERWRITES>::create(NARROW, None).unwrap();
        let (publisher, other) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
        World {
            ledger: Ledger::new(),
            channel,
            publisher: RefCell::new(publisher),
            other: RefCell::new(other),
            subscriber: RefCell::new(None),
        }
    }

    /// It comes in the first call, when there is nothing for it, and receives in the second.
    fn operate(&self, world: &World<N>) {
        let mut subscriber = world.subscriber.borrow_mut();
        match &mut *subscriber {
            Some(subscriber) => (self.operate)(subscriber),
            None => *subscriber = Some(world.channel.subscriber().unwrap()),
        }
    }

    fn rearm(&self, world: &World<N>) {
        assert!(Self::exchange(world, self.there));
    }

    fn wake(&self, world: &World<N>) {
        assert!(Self::exchange(world, 1));
    }

    fn check(&self, world: World<N>) -> Outcome {
        // The dead one has not received all there was, and this is more than there is room for.
        if !Self::exchange(&world, 2 * NARROW.capacity) {
            return Outcome::Stuck;
        }
        // Whoever takes its place gets what is sent then.
        let mut next = world.channel.subscriber().unwrap();
        if !Self::exchange(&world, 1) {
            return Outcome::Stuck;
        }
        let last = next.recv_timeout(HANG_TIMEOUT).unwrap();
        assert_eq!(note(&last).map(|note| note.number + 1), Some(world.ledger.told(Who::Survivor)));
        world.ledger.outcome(Allowed::default())
    }
}

/// Killed while it overwrites what a subscriber has not received.
struct Overtaking<const N: usize> {
    operate: fn(&mut Publisher<[u64; N]>, &Ledger),
    start: u64,
}

/// The channel that such a publisher is killed at.
struct Overtaken<const N: usize> {
    channel: Channel<[u64; N]>,
    ledger: Shared<Ledger>,
    /// The child's.
    publisher: RefCell<Option<Publisher<[u64; N]>>>,
    /// This process's, which receives nothing before the kill.
    slow: RefCell<Subscriber<[u64; N]>>,
}

/// So few that the publisher comes round soon.
const FEW: usize = 4;

impl<const N: usize> Scenario for Overtaking<N> {
    type Fixture = Overtaken<N>;

    fn fixture(&self) -> Overtaken<N> {
        let channel = Broadcast::<N, true>::create(Shape { capacity: FEW, start: self.start }, None).unwrap();
        let slow = RefCell::new(channel.subscriber().unwrap());
        Overtaken { channel, ledger: Ledger::new(), publisher: RefCell::new(None), slow }
    }

    /// The channel is full after the first call.
    fn operate(&self, world: &Overtaken<N>) {
        let mut publisher = world.publisher.borrow_mut();
        if publisher.is_none() {
            let mut new = world.channel.publisher().unwrap();
            (1..FEW).for_each(|_| send(&mut new, &world.ledger));
            *publisher = Some(new);
        }
        (self.operate)(publisher.as_mut().expect("taken"), &world.ledger);
    }

    fn check(&self, world: Overtaken<N>) -> Outcome {
        let Overtaken { channel, ledger, slow, .. } = world;
        let mut slow = slow.into_inner();
        let told = ledger.told(Who::Victim);
        // What it received and what it was told that it missed, from the first message on.
        let Ok(count) = follow(&mut slow, Who::Victim) else { return Outcome::Corrupted };
        if count < told {
            return Outcome::Lost;
        }
        assert!(count <= told + 1, "{count} of {told}");
        let mut publisher = channel.publisher().unwrap();
        for number in 0..3 * FEW as u64 {
            publisher.send(words(Note { who: Who::Survivor, number })).unwrap();
        }
        let Ok(count) = follow(&mut slow, Who::Survivor) else { return Outcome::Corrupted };
        assert_eq!(count, 3 * FEW as u64, "each was received, or is known to be missed");
        Outcome::Unnoticed
    }
}

/// Receives all that is there, all of this one, and says how many that is, with those that it is told it missed; `Err` if a
/// message is not the next one.
fn follow<const N: usize>(
    subscriber: &mut Subscriber<[u64; N]>,
    who: Who,
) -> std::result::Result<u64, Option<Note>> {
    let mut number = 0;
    loop {
        match subscriber.try_recv() {
            Ok(message) if note(&message) == Some(Note { who, number }) => number += 1,
            Ok(message) => return Err(note(&message)),
            Err(RecvError::Lagged(count)) => number += count,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Empty | ErrorKind::Disconnected), "{error}");
                return Ok(number);
            }
        }
    }
}
