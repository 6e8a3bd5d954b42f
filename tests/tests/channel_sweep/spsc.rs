//! One sender, one receiver: messages of fixed size.

use std::time::Duration;

use ipcraft::channel::spsc::{Channel, Options, Receiver, Sender};
use ipcraft::{Error, Result};
use ipcraft_tests::sweep::{PROMPT, clean};
use libtest_mimic::Trial;

use crate::creation::Creation;
use crate::ledger::{Allowed, Ledger, Note, Who, note, words};
use crate::link::{Link, Shape};
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
    Options::new().capacity(shape.capacity).start_at(shape.start)
}

/// One word, which goes beside the position too; some that are copied one by one; and many that are not.
const ONE: usize = 1;
const SOME: usize = 9;
const MANY: usize = 33;

/// First positions after which few messages make 32 bits, or 64, wrap.
const NEAR_32: u64 = u32::MAX as u64;
const NEAR_63: u64 = i64::MAX as u64;
const NEAR_64: u64 = u64::MAX;

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = sending();
    tests.extend(receiving());
    tests.extend(seating());
    tests
}

fn sending() -> Vec<Trial> {
    vec![
        clean("spsc_send", sender(send::<ONE>, Awake)),
        clean("spsc_send_some_words", sender(send::<SOME>, Awake)),
        clean("spsc_send_many_words", sender(send::<MANY>, Awake)),
        clean("spsc_send_with_copy", Sending { is_adapted: true, ..sender(send::<ONE>, Awake) }),
        clean("spsc_try_send", from(NEAR_32, sender(try_send::<ONE>, Awake))),
        clean("spsc_send_timeout", from(NEAR_64, sender(send_timeout::<SOME>, Awake))),
        clean("spsc_send_in_a_row", Sending { stride: 13, ..sender(send_in_a_row::<ONE>, Awake) }),
        clean("spsc_send_to_a_sleeper", sender(send::<ONE>, Asleep)),
        clean("spsc_send_to_one_alone", Sending { stride: 11, ..sender(send::<ONE>, Alone) }),
        clean("spsc_send_when_full", full(NEAR_64, send::<SOME>)),
        clean("spsc_send_timeout_when_full", full(NEAR_32, send_timeout::<ONE>)),
        clean("spsc_send_all", from(NEAR_63, sender(send_all::<ONE>, Awake))),
        clean("spsc_send_all_some_words", from(NEAR_64, sender(send_all::<SOME>, Awake))),
        clean("spsc_send_all_to_a_sleeper", sender(send_all::<ONE>, Asleep)),
        clean("spsc_send_all_when_full", full(0, send_all::<ONE>)),
        clean("spsc_loan_and_commit", sender(loan::<MANY>, Awake)),
        clean("spsc_loan_set_and_commit", sender(set::<SOME>, Awake)),
        clean("spsc_loan_and_commit_to_a_sleeper", sender(loan::<ONE>, Asleep)),
        clean("spsc_loan_and_commit_when_full", full(NEAR_64, loan::<ONE>)),
        clean("spsc_loan_and_drop", sender(drop_loan::<SOME>, Awake)),
    ]
}

fn receiving() -> Vec<Trial> {
    vec![
        clean("spsc_recv", receiver(recv::<ONE>, Awake)),
        clean("spsc_recv_some_words", receiver(recv::<SOME>, Awake)),
        clean("spsc_recv_many_words", receiver(recv::<MANY>, Awake)),
        clean("spsc_recv_with_copy", Receiving { is_adapted: true, ..receiver(recv::<ONE>, Awake) }),
        clean("spsc_try_recv", at(NEAR_32, receiver(try_recv::<ONE>, Awake))),
        clean("spsc_recv_timeout", at(NEAR_64, receiver(recv_timeout::<SOME>, Awake))),
        clean("spsc_recv_before_a_sleeper", before_sleeper(recv::<ONE>, Asleep)),
        clean("spsc_recv_before_one_alone", Receiving { stride: 11, ..before_sleeper(recv::<ONE>, Alone) }),
        clean(
            "spsc_recv_when_empty",
            Receiving { there: 0, stride: 5, ..at(NEAR_64, receiver(recv::<SOME>, Awake)) },
        ),
        clean(
            "spsc_recv_with_copy_when_empty",
            Receiving { there: 0, stride: 5, is_adapted: true, ..receiver(recv::<ONE>, Awake) },
        ),
        clean("spsc_recv_in_place", kept(1, receiver(recv_in_place::<MANY>, Awake))),
        clean("spsc_recv_in_place_with_copy", kept(1, receiver(recv_in_place::<ONE>, Awake))),
        clean("spsc_recv_in_place_before_a_sleeper", kept(1, before_sleeper(recv_in_place::<SOME>, Asleep))),
        clean(
            "spsc_recv_in_place_when_empty",
            Receiving { there: 0, stride: 5, ..kept(1, receiver(recv_in_place::<ONE>, Awake)) },
        ),
        clean("spsc_drain", kept(5, Receiving { there: 5, ..at(NEAR_63, receiver(drain::<SOME>, Awake)) })),
        // It may die before it wakes the one who waits for room, and then the next one has nothing to receive.
        clean(
            "spsc_drain_before_a_sleeper",
            kept(4, Receiving { prompt: NOTICE, ..before_sleeper(drain::<ONE>, Asleep) }),
        ),
        clean(
            "spsc_drain_of_many",
            // It frees the places of 64 at once, and keeps those until then.
            kept(64, Receiving { there: 70, shape: WIDE, stride: 61, ..receiver(drain::<ONE>, Awake) }),
        ),
    ]
}

fn seating() -> Vec<Trial> {
    let seats = |operate| Seating::<Spsc<ONE>> {
        operate,
        shape: NARROW,
        is_named: true,
        has_sleeper: false,
        stride: 13,
    };
    vec![
        clean("spsc_take_and_drop_sender", seats(|channel, _| drop(channel.sender().unwrap()))),
        clean("spsc_take_and_drop_receiver", seats(|channel, _| drop(channel.receiver().unwrap()))),
        clean(
            "spsc_take_and_drop_sender_before_a_sleeper",
            Seating { has_sleeper: true, ..seats(|channel, _| drop(channel.sender().unwrap())) },
        ),
        clean(
            "spsc_open_sender",
            Seating { stride: 89, ..seats(|_, name| drop(Tx::<ONE>::open(name).unwrap())) },
        ),
        clean(
            "spsc_open_receiver",
            Seating { stride: 89, ..seats(|_, name| drop(Rx::<ONE>::open(name).unwrap())) },
        ),
        clean(
            "spsc_sender_by_descriptor",
            Seating { is_named: false, stride: 89, ..seats(sender_by_descriptor) },
        ),
        clean(
            "spsc_receiver_by_descriptor",
            Seating { is_named: false, stride: 89, ..seats(receiver_by_descriptor) },
        ),
        clean(
            "spsc_create",
            Creation::<Spsc<ONE>> { create: |shape, name| options(shape).create(name), shape: NARROW },
        ),
        clean(
            "spsc_create_new",
            Creation::<Spsc<SOME>> { create: |shape, name| options(shape).create_new(name), shape: NARROW },
        ),
    ]
}

const NARROW: Shape = Shape { capacity: 8, start: 0 };
const WIDE: Shape = Shape { capacity: 256, start: 0 };

fn sender<const N: usize>(operate: fn(&mut Tx<N>, &Ledger), survivor: Survivor) -> Sending<Spsc<N>> {
    Sending {
        operate,
        shape: WIDE,
        survivor,
        is_full: false,
        is_adapted: false,
        prompt: prompt(survivor),
        stride: 1,
    }
}

fn receiver<const N: usize>(operate: fn(&mut Rx<N>, &Ledger), survivor: Survivor) -> Receiving<Spsc<N>> {
    let allowed = Allowed { lost: 1, again: 0 };
    Receiving {
        operate,
        shape: NARROW,
        survivor,
        there: 1,
        allowed,
        is_adapted: false,
        prompt: prompt(survivor),
        stride: 1,
    }
}

fn prompt(survivor: Survivor) -> Duration {
    if survivor == Alone { NOTICE } else { PROMPT }
}

fn from<const N: usize>(start: u64, scenario: Sending<Spsc<N>>) -> Sending<Spsc<N>> {
    Sending { shape: Shape { start, ..scenario.shape }, ..scenario }
}

fn at<const N: usize>(start: u64, scenario: Receiving<Spsc<N>>) -> Receiving<Spsc<N>> {
    Receiving { shape: Shape { start, ..scenario.shape }, ..scenario }
}

/// The channel is full, and the one who receives makes room.
fn full<const N: usize>(start: u64, operate: fn(&mut Tx<N>, &Ledger)) -> Sending<Spsc<N>> {
    Sending { shape: Shape { capacity: 4, start }, is_full: true, stride: 5, ..sender(operate, Awake) }
}

/// The channel is full, and somebody waits for room.
fn before_sleeper<const N: usize>(
    operate: fn(&mut Rx<N>, &Ledger),
    survivor: Survivor,
) -> Receiving<Spsc<N>> {
    Receiving { there: 4, shape: Shape { capacity: 4, start: 0 }, ..receiver(operate, survivor) }
}

/// What the one who dies has not given back comes again, and is not lost.
fn kept<const N: usize>(again: u64, scenario: Receiving<Spsc<N>>) -> Receiving<Spsc<N>> {
    Receiving { allowed: Allowed { lost: 0, again }, ..scenario }
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

/// As often as one looks once whether anybody receives.
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
