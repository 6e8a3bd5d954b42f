//! All ways to send and to receive, mixed at random, against a queue that is known to be right.

use std::collections::VecDeque;

use crate::ErrorKind;
use crate::channel::{SendAllError, broadcast, mpmc, spsc};

/// Positions that wrap soon, and others.
const STARTS: [u64; 3] = [0, u32::MAX as u64 - 500, u64::MAX - 500];

/// How many steps are taken with each channel.
const STEPS: u32 = 20_000;

/// The longest batch: longer than the check interval of a sender.
const LONGEST: u64 = 300;

/// Both ends of a channel of numbers; what would have to wait does nothing.
trait Ends {
    /// Whether it is sent.
    fn send(&mut self, number: u64) -> bool;
    /// How many of these are sent.
    fn send_all(&mut self, numbers: &[u64]) -> usize;
    /// Whether there was room to write it in place; sends it or not.
    fn lend(&mut self, number: u64, commit: bool) -> bool;
    fn recv(&mut self) -> Option<u64>;
    fn recv_in_place(&mut self) -> Option<u64>;
    /// Takes at most `most` of the messages that are in the channel.
    fn drain(&mut self, most: usize) -> Vec<u64>;
}

/// Messages of many equal words.
type Words<const N: usize> = [u64; N];

fn number_of<const N: usize>(words: Words<N>) -> u64 {
    assert!(words.iter().all(|word| *word == words[0]), "torn: {words:?}");
    words[0]
}

/// What was sent, of a batch of which there was not room for all.
fn sent(result: Result<(), SendAllError>, all: usize) -> usize {
    match result {
        Ok(()) => all,
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Full);
            e.sent()
        }
    }
}

/// A result, or nothing if it would have to wait.
fn there<R, E: Into<crate::Error>>(result: Result<R, E>) -> Option<R> {
    result
        .map_err(Into::into)
        .map_err(|e| assert!(matches!(e.kind(), ErrorKind::Full | ErrorKind::Empty)))
        .ok()
}

/// The ends of typed channels have the same names.
macro_rules! typed_ends {
    ($($sender:ty, $receiver:ty;)+) => {$(
        impl<const N: usize> Ends for ($sender, $receiver) {
            fn send(&mut self, number: u64) -> bool {
                there(self.0.try_send([number; N])).is_some()
            }
            fn send_all(&mut self, numbers: &[u64]) -> usize {
                let messages: Vec<_> = numbers.iter().map(|number| [*number; N]).collect();
                sent(self.0.try_send_all(&messages), messages.len())
            }
            fn lend(&mut self, number: u64, commit: bool) -> bool {
                let Some(mut loan) = there(self.0.try_loan()) else { return false };
                loan.set(&[number; N]);
                if commit {
                    loan.commit();
                }
                true
            }
            fn recv(&mut self) -> Option<u64> {
                there(self.1.try_recv()).map(number_of)
            }
            fn recv_in_place(&mut self) -> Option<u64> {
                there(self.1.try_recv_in_place()).map(|message| number_of(message.get().unwrap()))
            }
            fn drain(&mut self, most: usize) -> Vec<u64> {
                self.1.drain().take(most).map(|message| number_of(message.unwrap())).collect()
            }
        }
    )+};
}

typed_ends! {
    spsc::Sender<Words<N>>, spsc::Receiver<Words<N>>;
    mpmc::Sender<Words<N>>, mpmc::Receiver<Words<N>>;
    broadcast::Publisher<Words<N>>, broadcast::Subscriber<Words<N>>;
}

/// Records of as many bytes as the number, plus eight.
impl Ends for (spsc::bytes::Sender, spsc::bytes::Receiver) {
    fn send(&mut self, number: u64) -> bool {
        there(self.0.try_send(&record(number))).is_some()
    }
    fn send_all(&mut self, numbers: &[u64]) -> usize {
        let records: Vec<_> = numbers.iter().map(|number| record(*number)).collect();
        sent(self.0.try_send_all(&records), records.len())
    }
    fn lend(&mut self, number: u64, commit: bool) -> bool {
        let record = record(number);
        let Some(mut loan) = there(self.0.try_loan(record.len())) else { return false };
        loan.write_at(0, &record).unwrap();
        if commit {
            loan.commit();
        }
        true
    }
    fn recv(&mut self) -> Option<u64> {
        let mut buffer = Vec::new();
        there(self.1.try_recv(&mut buffer)).map(|_| number_in(&buffer))
    }
    fn recv_in_place(&mut self) -> Option<u64> {
        there(self.1.try_recv_in_place()).map(|record| number_in(&record.to_vec()))
    }
    /// All, since there is no other way.
    fn drain(&mut self, _most: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        there(self.1.for_each_available(|record| numbers.push(number_in(&record.to_vec()))));
        numbers
    }
}

fn record(number: u64) -> Vec<u8> {
    let mut record = number.to_ne_bytes().to_vec();
    record.resize(8 + number as usize % 100, number as u8);
    record
}

fn number_in(found: &[u8]) -> u64 {
    let number = u64::from_ne_bytes(*found.first_chunk().unwrap());
    assert_eq!(found, record(number));
    number
}

/// Pseudo-random numbers (Knuth's multiplier), the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// What is known about the space in a channel.
#[derive(Clone, Copy)]
enum Room {
    /// There is space for exactly this many messages.
    Messages(usize),
    /// There is room when nothing is there.
    WhenEmpty,
}

impl Room {
    /// Returns whether `sent` of `wanted` more messages may have been sent with this many in the
    /// channel.
    fn allows(self, sent: usize, wanted: usize, there: usize) -> bool {
        match self {
            Room::Messages(most) => sent == wanted.min(most - there),
            Room::WhenEmpty => sent <= wanted && (sent > 0 || wanted == 0 || there > 0),
        }
    }
}

/// `spares`: whether a slot that was lent and not committed is left to the next message.
fn mix(mut ends: impl Ends, room: Room, spares: bool, seed: u64) {
    let mut dice = Dice(seed);
    let mut next = 0;
    let mut queue = VecDeque::new();
    // Phases of sending and of receiving, so that the channel is full and empty at times.
    for step in 0..STEPS {
        let sends = dice.below(4) < 1 + 2 * u64::from(step / 200 % 2 == 0);
        match (sends, dice.below(8)) {
            (true, 0..=3) => {
                let sent = ends.send(next);
                assert!(room.allows(sent.into(), 1, queue.len()), "step {step}: {sent}");
                if sent {
                    queue.push_back(next);
                    next += 1;
                }
            }
            (true, 4..=5) => {
                let batch: Vec<u64> = (next..next + dice.below(LONGEST)).collect();
                let sent = ends.send_all(&batch);
                assert!(
                    room.allows(sent, batch.len(), queue.len()),
                    "step {step}: {sent} of {}",
                    batch.len()
                );
                queue.extend(&batch[..sent]);
                next += sent as u64;
            }
            (true, _) => {
                let commit = !spares || dice.below(2) == 0;
                let lent = ends.lend(next, commit);
                assert!(room.allows(lent.into(), 1, queue.len()), "step {step}: {lent}");
                if lent && commit {
                    queue.push_back(next);
                    next += 1;
                }
            }
            (false, 0..=3) => assert_eq!(ends.recv(), queue.pop_front(), "step {step}"),
            (false, 4..=5) => {
                let taken = ends.drain(dice.below(LONGEST) as usize);
                assert!(taken.len() <= queue.len(), "step {step}");
                assert!(queue.drain(..taken.len()).eq(taken), "step {step}");
            }
            (false, _) => assert_eq!(ends.recv_in_place(), queue.pop_front(), "step {step}"),
        }
    }
    while let Some(number) = queue.pop_front() {
        assert_eq!(ends.recv(), Some(number), "at the end");
    }
    assert_eq!(ends.recv(), None, "at the end");
}

/// With rings smaller than a batch, as large, and larger.
const CAPACITIES: [usize; 5] = [2, 16, 128, 256, 2048];

fn each(mut test: impl FnMut(usize, u64, u64)) {
    for (number, capacity) in CAPACITIES.into_iter().enumerate() {
        for start in STARTS {
            test(capacity, start, start ^ number as u64);
        }
    }
}

#[test]
fn one_sender_and_one_receiver() {
    each(|capacity, start, seed| {
        let channel =
            spsc::Options::<Words<1>>::new().capacity(capacity).initial_position(start).anonymous().unwrap();
        let ends = (channel.sender().unwrap(), channel.receiver().unwrap());
        mix(ends, Room::Messages(capacity), true, seed);
        let channel =
            spsc::Options::<Words<20>>::new().capacity(capacity).initial_position(start).anonymous().unwrap();
        let ends = (channel.sender().unwrap(), channel.receiver().unwrap());
        mix(ends, Room::Messages(capacity), true, seed);
    });
}

#[test]
fn records_of_any_length() {
    for (capacity, seed) in [(512, 1), (4096, 2), (1 << 16, 3)] {
        for start in STARTS {
            let options = spsc::bytes::Options::new().capacity(capacity).initial_position(start & !7);
            let channel = options.anonymous().unwrap();
            mix((channel.sender().unwrap(), channel.receiver().unwrap()), Room::WhenEmpty, true, seed);
        }
    }
}

/// A place that is given up counts as used until a receiver has gone by, so none is.
#[test]
fn a_work_queue() {
    each(|capacity, start, seed| {
        let channel =
            mpmc::Options::<Words<1>>::new().capacity(capacity).initial_position(start).anonymous().unwrap();
        let ends = (channel.sender().unwrap(), channel.receiver().unwrap());
        mix(ends, Room::Messages(capacity), false, seed);
    });
}

#[test]
fn a_broadcast_that_is_held_back() {
    each(|capacity, start, seed| {
        let options = broadcast::Options::<Words<1>>::new().capacity(capacity).initial_position(start);
        let channel = options.overflow(broadcast::Overflow::Block).anonymous().unwrap();
        let publisher = channel.publisher().unwrap();
        let subscriber = channel.subscriber().unwrap();
        mix((publisher, subscriber), Room::Messages(capacity), true, seed);
    });
}
