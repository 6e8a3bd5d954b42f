//! One sender, one receiver: messages of fixed size.

use std::time::Duration;

use ipcraft::channel::spsc::{Channel, Options, Receiver, Sender};
use ipcraft::{Error, Result};
use ipcraft_tests::crash_sweep::clean;
use libtest_mimic::Trial;

use crate::creation::Creation;
use crate::ledger::{Ledger, Note, Who, note, words};
use crate::link::{Link, NEAR_32, NEAR_63, NEAR_64, Shape};
use crate::receivers::Receiving;
use crate::seats::Seating;
use crate::senders::Sending;
use crate::survivor::NOTICE;
use crate::survivor::Survivor::{self, Alone, Asleep, Awake};

/// Channels of messages of so many words.
struct Spsc<const N: usize>;

type Tx<const N: usize> = Sender<[u64; N]>;
type Rx<const N: usize> = Receiver<[u64; N]>;

impl<const N: usize> Link for Spsc<N> {
    type Channel = Channel<[u64; N]>;
    type Sender = Tx<N>;
    type Receiver = Rx<N>;

    fn create(shape: Shape, name: Option<&str>) -> Result<Self::Channel> {
        match name {
            Some(name) => options(shape).create_new(name),
            None => options(shape).anonymous(),
        }
    }

    fn open(name: &str) -> Result<Self::Channel> {
        Channel::open(name)
    }

    fn sender(channel: &Self::Channel) -> Result<Tx<N>> {
        channel.sender()
    }

    fn receiver(channel: &Self::Channel) -> Result<Rx<N>> {
        channel.receiver()
    }

    fn send(sender: &mut Tx<N>, note: Note, timeout: Duration) -> Result<()> {
        sender.send_timeout(words(note), timeout).map_err(Error::from)
    }

    fn receive(receiver: &mut Rx<N>, timeout: Duration) -> Result<Option<Note>> {
        receiver.recv_timeout(timeout).map(|words| note(&words))
    }
}

fn options<const N: usize>(shape: Shape) -> Options<[u64; N]> {
    Options::new().capacity(shape.capacity).initial_position(shape.start)
}

/// One word, which goes beside the position too; some that are copied one by one; and many that are not.
const ONE: usize = 1;
const SOME: usize = 9;
const MANY: usize = 33;

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = sending();
    tests.extend(receiving());
    tests.extend(seating());
    tests
}

fn sending() -> Vec<Trial> {
    fn killed<const N: usize>(at: Survivor, operate: fn(&mut Tx<N>, &Ledger)) -> Sending<Spsc<N>> {
        Sending::new(at, operate)
    }
    vec![
        clean("spsc_send", killed(Awake, send::<ONE>)),
        clean("spsc_send_some_words", killed(Awake, send::<SOME>)),
        clean("spsc_send_many_words", killed(Awake, send::<MANY>)),
        clean("spsc_send_with_copy", killed(Awake, send::<ONE>).when_adapted()),
        clean("spsc_try_send", killed(Awake, try_send::<ONE>).initial_position(NEAR_32)),
        clean("spsc_send_timeout", killed(Awake, send_timeout::<SOME>).initial_position(NEAR_64)),
        clean("spsc_send_in_a_row", killed(Awake, send_in_a_row::<ONE>).stride(61)),
        clean("spsc_send_to_a_sleeper", killed(Asleep, send::<ONE>)),
        clean("spsc_send_to_one_alone", killed(Alone, send::<ONE>)),
        clean("spsc_send_when_full", killed(Awake, send::<SOME>).initial_position(NEAR_64).when_full()),
        clean(
            "spsc_send_timeout_when_full",
            killed(Awake, send_timeout::<ONE>).initial_position(NEAR_32).when_full(),
        ),
        clean("spsc_send_all", killed(Awake, send_all::<ONE>).initial_position(NEAR_63)),
        clean("spsc_send_all_some_words", killed(Awake, send_all::<SOME>).initial_position(NEAR_64)),
        clean("spsc_send_all_to_a_sleeper", killed(Asleep, send_all::<ONE>)),
        clean("spsc_send_all_when_full", killed(Awake, send_all::<ONE>).when_full().stride(31)),
        clean("spsc_loan_and_commit", killed(Awake, loan::<MANY>).stride(3)),
        clean("spsc_loan_set_and_commit", killed(Awake, set::<SOME>).stride(3)),
        clean("spsc_loan_and_commit_to_a_sleeper", killed(Asleep, loan::<ONE>).stride(3)),
        clean(
            "spsc_loan_and_commit_when_full",
            killed(Awake, loan::<ONE>).initial_position(NEAR_64).when_full(),
        ),
        clean("spsc_loan_and_drop", killed(Awake, drop_loan::<SOME>).stride(3)),
    ]
}

fn receiving() -> Vec<Trial> {
    fn killed<const N: usize>(at: Survivor, operate: fn(&mut Rx<N>, &Ledger)) -> Receiving<Spsc<N>> {
        Receiving::new(at, operate)
    }
    vec![
        clean("spsc_recv", killed(Awake, recv::<ONE>)),
        clean("spsc_recv_some_words", killed(Awake, recv::<SOME>)),
        clean("spsc_recv_many_words", killed(Awake, recv::<MANY>)),
        clean("spsc_recv_with_copy", killed(Awake, recv::<ONE>).when_adapted()),
        clean("spsc_try_recv", killed(Awake, try_recv::<ONE>).initial_position(NEAR_32)),
        clean("spsc_recv_timeout", killed(Awake, recv_timeout::<SOME>).initial_position(NEAR_64)),
        clean("spsc_recv_before_a_sleeper", killed(Asleep, recv::<ONE>).when_full()),
        clean("spsc_recv_before_one_alone", killed(Alone, recv::<ONE>).when_full()),
        clean("spsc_recv_when_empty", killed(Awake, recv::<SOME>).initial_position(NEAR_64).when_empty()),
        clean("spsc_recv_with_copy_when_empty", killed(Awake, recv::<ONE>).when_adapted().when_empty()),
        clean("spsc_recv_in_place", killed(Awake, recv_in_place::<MANY>).keeping(1).stride(3)),
        clean(
            "spsc_recv_in_place_with_copy",
            killed(Awake, recv_in_place::<ONE>).when_adapted().keeping(1).stride(3),
        ),
        clean(
            "spsc_recv_in_place_before_a_sleeper",
            killed(Asleep, recv_in_place::<SOME>).when_full().keeping(1).stride(3),
        ),
        clean("spsc_recv_in_place_when_empty", killed(Awake, recv_in_place::<ONE>).when_empty().keeping(1)),
        clean(
            "spsc_drain",
            killed(Awake, drain::<SOME>).initial_position(NEAR_63).there(5).keeping(5).stride(3),
        ),
        clean(
            "spsc_drain_before_a_sleeper",
            killed(Asleep, drain::<ONE>).when_full().keeping(4).prompt(NOTICE).stride(7),
        ),
        // It frees the places of 64 at once, and keeps those until then.
        clean("spsc_drain_of_many", killed(Awake, drain::<ONE>).wide().there(70).keeping(64).stride(61)),
    ]
}

fn seating() -> Vec<Trial> {
    type Seats = Seating<Spsc<ONE>>;
    vec![
        clean("spsc_take_and_drop_sender", Seats::new(|channel, _| drop(channel.sender().unwrap()))),
        clean("spsc_take_and_drop_receiver", Seats::new(|channel, _| drop(channel.receiver().unwrap()))),
        clean(
            "spsc_take_and_drop_sender_before_a_sleeper",
            Seats::new(|channel, _| drop(channel.sender().unwrap())).before_a_sleeper(),
        ),
        clean("spsc_open_sender", Seats::by_name(|_, name| drop(Tx::<ONE>::open(name).unwrap()))),
        clean("spsc_open_receiver", Seats::by_name(|_, name| drop(Rx::<ONE>::open(name).unwrap()))),
        clean("spsc_sender_by_descriptor", Seats::by_descriptor(sender_by_descriptor)),
        clean("spsc_receiver_by_descriptor", Seats::by_descriptor(receiver_by_descriptor)),
        clean("spsc_create", Creation::<Spsc<ONE>> { create: |shape, name| options(shape).create(name) }),
        clean(
            "spsc_create_new",
            Creation::<Spsc<SOME>> { create: |shape, name| options(shape).create_new(name) },
        ),
    ]
}

fn send<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    sender.send(words(ledger.begin(Who::Victim))).unwrap();
    ledger.sent(Who::Victim, 1);
}

fn try_send<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    sender.try_send(words(ledger.begin(Who::Victim))).unwrap();
    ledger.sent(Who::Victim, 1);
}

fn send_timeout<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    sender.send_timeout(words(ledger.begin(Who::Victim)), Duration::MAX).unwrap();
    ledger.sent(Who::Victim, 1);
}

/// Often enough to look once whether anybody receives.
fn send_in_a_row<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    for _ in 0..65 {
        send(sender, ledger);
    }
}

fn send_all<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    sender.send_all(&ledger.begin_all::<3>(Who::Victim).map(words)).unwrap();
    ledger.sent(Who::Victim, 3);
}

/// Writes the first word, and then the others.
fn loan<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    let message: [u64; N] = words(ledger.begin(Who::Victim));
    let mut place = sender.loan().unwrap();
    place.write_at(0, &message[0].to_ne_bytes()).unwrap();
    let others = message.map(u64::to_ne_bytes);
    place.write_at(size_of::<u64>(), others[1..].as_flattened()).unwrap();
    place.commit();
    ledger.sent(Who::Victim, 1);
}

fn set<const N: usize>(sender: &mut Tx<N>, ledger: &Ledger) {
    let mut place = sender.loan().unwrap();
    place.set(&words(ledger.begin(Who::Victim)));
    place.commit();
    ledger.sent(Who::Victim, 1);
}

/// What is not committed is not sent.
fn drop_loan<const N: usize>(sender: &mut Tx<N>, _ledger: &Ledger) {
    let mut place = sender.loan().unwrap();
    place.set(&words(Note { who: Who::Victim, number: 0 }));
}

fn recv<const N: usize>(receiver: &mut Rx<N>, ledger: &Ledger) {
    ledger.hear(note(&receiver.recv().unwrap()));
}

fn try_recv<const N: usize>(receiver: &mut Rx<N>, ledger: &Ledger) {
    ledger.hear(note(&receiver.try_recv().unwrap()));
}

fn recv_timeout<const N: usize>(receiver: &mut Rx<N>, ledger: &Ledger) {
    ledger.hear(note(&receiver.recv_timeout(Duration::MAX).unwrap()));
}

fn recv_in_place<const N: usize>(receiver: &mut Rx<N>, ledger: &Ledger) {
    let message = receiver.recv_in_place().unwrap();
    let mut last = [0; size_of::<u64>()];
    message.read_at((N - 1) * size_of::<u64>(), &mut last).unwrap();
    let words = message.get().unwrap();
    assert_eq!(words[N - 1], u64::from_ne_bytes(last));
    ledger.hear(note(&words));
}

fn drain<const N: usize>(receiver: &mut Rx<N>, ledger: &Ledger) {
    for message in receiver.drain() {
        ledger.hear(note(&message.unwrap()));
    }
}

fn sender_by_descriptor(channel: &Channel<[u64; ONE]>, _name: &str) {
    let fd = channel.sender().unwrap().into_fd().unwrap();
    drop(Tx::<ONE>::from_fd(fd).unwrap());
}

fn receiver_by_descriptor(channel: &Channel<[u64; ONE]>, _name: &str) {
    let fd = channel.receiver().unwrap().into_fd().unwrap();
    drop(Rx::<ONE>::from_fd(fd).unwrap());
}
