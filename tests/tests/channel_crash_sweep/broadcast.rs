//! Broadcasts: a killed publisher has reached every subscriber or none, and a killed subscriber
//! blocks no other process.

use std::cell::RefCell;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::channel::broadcast::{Publisher, RecvError, Subscriber};
use ipcraft::shm::Shared;
use ipcraft_tests::channel_kind::{
    Broadcast, ChannelKind, Config, Numbered, OverwritingBroadcast, Recv, Send,
};
use ipcraft_tests::crash_sweep::{Outcome, Scenario, clean};
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::HANG_TIMEOUT;
use ipcraft_tests::time::death_notice_timeout;
use libtest_mimic::Trial;

use crate::delivery_log::{Allowed, DeliveryLog, Entry, Role, entry, message};
use crate::every_kind::sending_in_one_way;
use crate::exchange::{NARROW, NEAR_32, NEAR_64, Said, recv, send};
use crate::{Many, One};

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = overtaking::<One>("one_word", NEAR_32);
    tests.extend(overtaking::<Many>("many_words", NEAR_64));
    for way in [0, 3] {
        let (one, many) =
            (&OverwritingBroadcast::<One>::SENDS[way], &OverwritingBroadcast::<Many>::SENDS[way]);
        tests.extend(sending_in_one_way(one, many));
    }
    tests.extend(subscribing::<Broadcast<One>>("one_word"));
    tests.extend(subscribing::<Broadcast<Many>>("many_words"));
    tests.extend(subscribing::<OverwritingBroadcast<One>>("one_word"));
    tests
}

/// A subscriber for each way to receive, and one that is blocked.
fn subscribing<K: ChannelKind>(size: &str) -> Vec<Trial> {
    let mut tests = Vec::new();
    for way in K::RECVS {
        let stride = if way.name == "recv" { 3 } else { 7 };
        let scenario = Subscribing::<K> { recv: way.recv, supply: 2, stride };
        tests.push(clean(format!("{}_{}_{size}_beside_another", K::NAME, way.name).leak(), scenario));
    }
    let blocked = Subscribing::<K> { recv: K::RECVS[0].recv, supply: 0, stride: 17 };
    tests.push(clean(format!("{}_recv_{size}_when_empty", K::NAME).leak(), blocked));
    tests
}

/// A subscriber that is killed while it receives, beside another one that receives every message:
/// more than fit.
struct Subscribing<K: ChannelKind> {
    recv: Recv<K>,
    /// The messages that are there; if none is, one arrives when the subscriber blocks.
    supply: usize,
    stride: u64,
}

struct Fixture<K: ChannelKind> {
    log: Shared<DeliveryLog>,
    channel: K::Channel,
    publisher: RefCell<K::Sender>,
    /// This process's.
    other: RefCell<K::Receiver>,
    /// The child's.
    subscriber: RefCell<Option<K::Receiver>>,
}

impl<K: ChannelKind> Fixture<K> {
    /// Sends messages, of which the other subscriber receives each.
    fn exchange(&self, count: usize) -> bool {
        let (mut publisher, mut other) = (self.publisher.borrow_mut(), self.other.borrow_mut());
        (0..count).all(|_| {
            send::<K>(&mut publisher, &self.log, HANG_TIMEOUT) == Said::Yes
                && recv::<K>(&mut other, &self.log, HANG_TIMEOUT) == Said::Yes
        })
    }
}

impl<K: ChannelKind> Scenario for Subscribing<K> {
    type Fixture = Fixture<K>;

    fn stride(&self, asked: u64) -> u64 {
        asked * self.stride
    }

    /// A blocked publisher notices the death when it checks its subscribers.
    fn progress_timeout(&self) -> Duration {
        death_notice_timeout()
    }

    fn fixture(&self) -> Fixture<K> {
        let channel = K::anonymous(NARROW).unwrap();
        let (publisher, other) = (K::sender(&channel).unwrap(), K::receiver(&channel).unwrap());
        Fixture {
            log: DeliveryLog::new(),
            channel,
            publisher: RefCell::new(publisher),
            other: RefCell::new(other),
            subscriber: RefCell::new(None),
        }
    }

    /// Joins in the first call, when there is nothing to receive, and receives in the second.
    fn operate(&self, fixture: &Fixture<K>) {
        let mut subscriber = fixture.subscriber.borrow_mut();
        match &mut *subscriber {
            Some(subscriber) => {
                let mut each = |message| assert!(entry::<K::Message>(&message).is_some());
                (self.recv)(subscriber, Form::Wait, &mut each).unwrap();
            }
            None => *subscriber = Some(K::receiver(&fixture.channel).unwrap()),
        }
    }

    fn rearm(&self, fixture: &Fixture<K>) {
        assert!(fixture.exchange(self.supply));
    }

    fn wake(&self, fixture: &Fixture<K>) {
        assert!(fixture.exchange(1));
    }

    fn check(&self, fixture: Fixture<K>) -> Outcome {
        // The killed subscriber has not received everything, and this is more than fits.
        if !fixture.exchange(2 * NARROW.capacity) {
            return Outcome::Stuck;
        }
        // Its replacement receives what is sent from now on.
        let mut next = K::receiver(&fixture.channel).unwrap();
        if !fixture.exchange(1) {
            return Outcome::Stuck;
        }
        let mut last = None;
        let mut each = |message| last = entry::<K::Message>(&message);
        (K::RECVS[0].recv)(&mut next, Form::Within(HANG_TIMEOUT), &mut each).unwrap();
        assert_eq!(last.map(|entry| entry.number + 1), Some(fixture.log.sent(Role::Survivor)));
        fixture.log.outcome(Allowed::default())
    }
}

/// A publisher for each way to send.
fn overtaking<M: Numbered + 'static>(size: &str, initial_position: u64) -> Vec<Trial> {
    let ways = OverwritingBroadcast::<M>::SENDS.iter().filter(|way| way.commits && way.batch == 1);
    let test = |way: &ipcraft_tests::channel_kind::SendWay<OverwritingBroadcast<M>>| {
        let name = format!("overwriting_broadcast_{}_{size}_over_the_oldest", way.name);
        clean(name.leak(), Overtaking::<M> { send: way.send, initial_position })
    };
    ways.map(test).collect()
}

/// A publisher that is killed while it overwrites what a subscriber has not received.
struct Overtaking<M: Numbered + 'static> {
    send: Send<OverwritingBroadcast<M>>,
    initial_position: u64,
}

/// The channel of such a publisher.
struct Overtaken<M: Numbered + 'static> {
    channel: <OverwritingBroadcast<M> as ChannelKind>::Channel,
    log: Shared<DeliveryLog>,
    /// The child's.
    publisher: RefCell<Option<Publisher<M>>>,
    /// This process's, which receives nothing before the kill.
    slow: RefCell<Subscriber<M>>,
}

/// The messages that fit: few, so that the publisher wraps soon.
const CAPACITY: usize = 4;

impl<M: Numbered + 'static> Overtaking<M> {
    fn send(&self, publisher: &mut Publisher<M>, log: &DeliveryLog) {
        (self.send)(publisher, &[message(log.begin(Role::Victim))], Form::Wait).unwrap();
        log.add_sent(Role::Victim, 1);
    }
}

impl<M: Numbered + 'static> Scenario for Overtaking<M> {
    type Fixture = Overtaken<M>;

    fn stride(&self, asked: u64) -> u64 {
        asked * 3
    }

    fn fixture(&self) -> Overtaken<M> {
        let config = Config { capacity: CAPACITY, initial_position: self.initial_position };
        let channel = OverwritingBroadcast::<M>::anonymous(config).unwrap();
        let slow = RefCell::new(channel.subscriber().unwrap());
        Overtaken { channel, log: DeliveryLog::new(), publisher: RefCell::new(None), slow }
    }

    /// The channel is full after the first call.
    fn operate(&self, fixture: &Overtaken<M>) {
        let mut publisher = fixture.publisher.borrow_mut();
        if publisher.is_none() {
            let mut new = fixture.channel.publisher().unwrap();
            (1..CAPACITY).for_each(|_| self.send(&mut new, &fixture.log));
            *publisher = Some(new);
        }
        self.send(publisher.as_mut().expect("taken"), &fixture.log);
    }

    fn check(&self, fixture: Overtaken<M>) -> Outcome {
        let Overtaken { channel, log, slow, .. } = fixture;
        let mut slow = slow.into_inner();
        let sent = log.sent(Role::Victim);
        // From the first message on, the subscriber receives each or counts it as missed.
        let Ok(count) = follow(&mut slow, Role::Victim) else { return Outcome::Corrupted };
        if count < sent {
            return Outcome::Lost;
        }
        assert!(count <= sent + 1, "{count} of {sent}");
        let mut publisher = channel.publisher().unwrap();
        for number in 0..3 * CAPACITY as u64 {
            publisher.send(message(Entry { role: Role::Survivor, number })).unwrap();
        }
        let Ok(count) = follow(&mut slow, Role::Survivor) else { return Outcome::Corrupted };
        assert_eq!(count, 3 * CAPACITY as u64, "each was received, or counted as missed");
        Outcome::Unnoticed
    }
}

/// Receives everything that there is, all of it from one role, and counts it together with the
/// missed messages.
///
/// Fails if a message is not the next one.
fn follow<M: Numbered>(subscriber: &mut Subscriber<M>, role: Role) -> Result<u64, Option<Entry>> {
    let mut number = 0;
    loop {
        match subscriber.try_recv() {
            Ok(message) if entry(&message) == Some(Entry { role, number }) => number += 1,
            Ok(message) => return Err(entry(&message)),
            Err(RecvError::Lagged(count)) => number += count,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Empty | ErrorKind::Disconnected), "{error}");
                return Ok(number);
            }
        }
    }
}
