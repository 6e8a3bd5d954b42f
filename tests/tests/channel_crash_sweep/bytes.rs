//! Records of any length: a record is there as a whole, or is not.

use std::io::IoSlice;
use std::time::Duration;

use ipcraft::Result;
use ipcraft::channel::spsc::bytes::{Channel, Options, Receiver, Sender};
use ipcraft_tests::crash_sweep::clean;
use libtest_mimic::Trial;

use crate::creation::Creation;
use crate::ledger::{Ledger, Note, Who, note, words};
use crate::link::{Link, NEAR_32, NEAR_64, Shape};
use crate::receivers::Receiving;
use crate::seats::Seating;
use crate::senders::Sending;
use crate::survivor::NOTICE;
use crate::survivor::Survivor::{self, Alone, Asleep, Awake};

/// Channels of records of so many words.
struct Records<const N: usize>;

/// Some that are copied one by one, and many that are not.
const SOME: usize = 3;
const MANY: usize = 40;

impl<const N: usize> Link for Records<N> {
    type Channel = Channel;
    type Sender = Sender;
    type Receiver = Receiver;

    fn create(shape: Shape, name: Option<&str>) -> Result<Channel> {
        match name {
            Some(name) => options::<N>(shape).create_new(name),
            None => options::<N>(shape).anonymous(),
        }
    }

    fn open(name: &str) -> Result<Channel> {
        Channel::open(name)
    }

    fn sender(channel: &Channel) -> Result<Sender> {
        channel.sender()
    }

    fn receiver(channel: &Channel) -> Result<Receiver> {
        channel.receiver()
    }

    fn send(sender: &mut Sender, note: Note, timeout: Duration) -> Result<()> {
        sender.send_timeout(record::<N>(note).as_flattened(), timeout)
    }

    fn receive(receiver: &mut Receiver, timeout: Duration) -> Result<Option<Note>> {
        let mut buffer = Vec::new();
        receiver.recv_timeout(&mut buffer, timeout)?;
        Ok(read::<N>(&buffer))
    }
}

/// Room for as many records, and for what each takes besides.
fn options<const N: usize>(shape: Shape) -> Options {
    Options::new().capacity(shape.capacity * (N + 8) * WORD).initial_position(shape.start)
}

const WORD: usize = size_of::<u64>();

fn record<const N: usize>(note: Note) -> [[u8; WORD]; N] {
    words(note).map(u64::to_ne_bytes)
}

fn read<const N: usize>(bytes: &[u8]) -> Option<Note> {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let words: Vec<u64> = words.iter().copied().map(u64::from_ne_bytes).collect();
    (words.len() == N && rest.is_empty()).then(|| note(&words)).flatten()
}

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = sending();
    tests.extend(receiving());
    tests.extend(seating());
    tests
}

fn sending() -> Vec<Trial> {
    fn killed<const N: usize>(at: Survivor, operate: fn(&mut Sender, &Ledger)) -> Sending<Records<N>> {
        Sending::new(at, operate)
    }
    vec![
        clean("bytes_send", killed::<SOME>(Awake, send::<SOME>).initial_position(NEAR_32)),
        clean("bytes_send_many_words", killed::<MANY>(Awake, send::<MANY>).initial_position(NEAR_64)),
        clean("bytes_send_vectored", killed::<SOME>(Awake, send_vectored::<SOME>)),
        clean("bytes_send_to_a_sleeper", killed::<SOME>(Asleep, send::<SOME>)),
        clean("bytes_send_to_one_alone", killed::<SOME>(Alone, send::<SOME>)),
        clean(
            "bytes_send_when_full",
            killed::<MANY>(Awake, send::<MANY>).initial_position(NEAR_64).when_full(),
        ),
        clean("bytes_send_all", killed::<SOME>(Awake, send_all::<SOME>).initial_position(NEAR_64).stride(3)),
        clean("bytes_loan_and_commit", killed::<MANY>(Awake, loan::<MANY>)),
        clean("bytes_loan_and_commit_less", killed::<SOME>(Awake, loan_more::<SOME>)),
    ]
}

fn receiving() -> Vec<Trial> {
    fn killed<const N: usize>(at: Survivor, operate: fn(&mut Receiver, &Ledger)) -> Receiving<Records<N>> {
        Receiving::new(at, operate)
    }
    vec![
        clean("bytes_recv", killed::<SOME>(Awake, recv::<SOME>).initial_position(NEAR_32).stride(5)),
        clean(
            "bytes_recv_into",
            killed::<MANY>(Awake, recv_into::<MANY>).initial_position(NEAR_64).stride(3),
        ),
        // Room may be too little for a record that somebody waits to send, until the next receiver has read the last one.
        clean("bytes_recv_before_a_sleeper", killed::<SOME>(Asleep, recv::<SOME>).when_full().stride(5)),
        clean("bytes_recv_when_empty", killed::<SOME>(Awake, recv::<SOME>).when_empty()),
        clean("bytes_recv_in_place", killed::<MANY>(Awake, recv_in_place::<MANY>).keeping(1).stride(3)),
        clean("bytes_drain", killed::<SOME>(Awake, drain::<SOME>).there(4).keeping(4).stride(3)),
        clean(
            "bytes_drain_before_a_sleeper",
            killed::<SOME>(Asleep, drain::<SOME>).when_full().keeping(64).prompt(NOTICE).stride(11),
        ),
    ]
}

fn seating() -> Vec<Trial> {
    type Seats = Seating<Records<SOME>>;
    vec![
        clean("bytes_take_and_drop_sender", Seats::new(|channel, _| drop(channel.sender().unwrap()))),
        clean("bytes_take_and_drop_receiver", Seats::new(|channel, _| drop(channel.receiver().unwrap()))),
        clean(
            "bytes_create",
            Creation::<Records<SOME>> { create: |shape, name| options::<SOME>(shape).create(name) },
        ),
    ]
}

fn send<const N: usize>(sender: &mut Sender, ledger: &Ledger) {
    sender.send(record::<N>(ledger.begin(Who::Victim)).as_flattened()).unwrap();
    ledger.sent(Who::Victim, 1);
}

fn send_vectored<const N: usize>(sender: &mut Sender, ledger: &Ledger) {
    let record = record::<N>(ledger.begin(Who::Victim));
    let (head, tail) = record.as_flattened().split_at(5);
    sender.send_vectored(&[IoSlice::new(head), IoSlice::new(tail)]).unwrap();
    ledger.sent(Who::Victim, 1);
}

fn send_all<const N: usize>(sender: &mut Sender, ledger: &Ledger) {
    let records = ledger.begin_all::<3>(Who::Victim).map(record::<N>);
    sender.send_all(&records.each_ref().map(|record| record.as_flattened())).unwrap();
    ledger.sent(Who::Victim, 3);
}

/// Writes the first word, and then the others.
fn loan<const N: usize>(sender: &mut Sender, ledger: &Ledger) {
    let record = record::<N>(ledger.begin(Who::Victim));
    let mut place = sender.loan(N * WORD).unwrap();
    place.write_at(0, &record[0]).unwrap();
    place.write_at(WORD, record[1..].as_flattened()).unwrap();
    place.commit();
    ledger.sent(Who::Victim, 1);
}

/// Asks for more than it needs.
fn loan_more<const N: usize>(sender: &mut Sender, ledger: &Ledger) {
    let record = record::<N>(ledger.begin(Who::Victim));
    let mut place = sender.loan(2 * N * WORD).unwrap();
    place.fill(0xff);
    place.write_at(0, record.as_flattened()).unwrap();
    place.commit_len(N * WORD).unwrap();
    ledger.sent(Who::Victim, 1);
}

fn recv<const N: usize>(receiver: &mut Receiver, ledger: &Ledger) {
    let mut buffer = Vec::new();
    receiver.recv(&mut buffer).unwrap();
    ledger.hear(read::<N>(&buffer));
}

fn recv_into<const N: usize>(receiver: &mut Receiver, ledger: &Ledger) {
    let mut buffer = [0; MANY * WORD];
    let length = receiver.recv_into(&mut buffer).unwrap();
    ledger.hear(read::<N>(&buffer[..length]));
}

fn recv_in_place<const N: usize>(receiver: &mut Receiver, ledger: &Ledger) {
    let record = receiver.recv_in_place().unwrap();
    let mut buffer = [[0; WORD]; N];
    assert_eq!(record.len(), N * WORD);
    record.read_at(0, buffer.as_flattened_mut()).unwrap();
    ledger.hear(note(&buffer.map(u64::from_ne_bytes)));
}

fn drain<const N: usize>(receiver: &mut Receiver, ledger: &Ledger) {
    let mut buffer = [[0; WORD]; N];
    let taken = receiver.for_each_available(|record| {
        record.read_at(0, buffer.as_flattened_mut()).unwrap();
        ledger.hear(note(&buffer.map(u64::from_ne_bytes)));
    });
    assert!(taken.unwrap() > 0);
}
