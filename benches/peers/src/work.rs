//! The work of the two sides in one slice.
//!
//! All loops are generic over the competitor, so that its calls are inlined as in a program of its
//! own. An indirect call would be visible in operations of two nanoseconds.

use std::ops::Range;
use std::time::Instant;

use ipcraft_bench::{Role, Usage, Workload};
use serde::{Deserialize, Serialize};

use crate::message::{ANSWER, Result, Words, check, words};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A message there and one of the same size back.
    RoundTrip,
    /// One way, as fast as the receiver accepts; timed at the receiver.
    Stream,
    /// A named channel, both endpoints and the first message, in one process.
    SetUp,
    /// One process locks and unlocks.
    Uncontended,
    /// Two processes lock and unlock the same lock.
    Contended,
    /// A process is killed while its peer is blocked; timed until the blocked call returns.
    PeerDeath {
        /// The side that is killed.
        victim: Role,
    },
}

impl Task {
    /// Returns the name of the task in results.
    pub(crate) fn workload(self) -> Workload {
        match self {
            Task::RoundTrip => Workload::RoundTrip,
            Task::Stream => Workload::Stream,
            Task::SetUp => Workload::SetUp,
            Task::Uncontended => Workload::Uncontended,
            Task::Contended => Workload::Contended,
            Task::PeerDeath { .. } => Workload::PeerDeath,
        }
    }

    /// Returns whether a process is killed.
    pub(crate) fn is_death(self) -> bool {
        matches!(self, Task::PeerDeath { .. })
    }

    /// Returns whether one process does everything.
    pub(crate) fn is_single(self) -> bool {
        matches!(self, Task::SetUp | Task::Uncontended)
    }
}

/// A short piece of one measurement, requested from both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slice {
    /// The number of the first message.
    pub(crate) first: u64,
    /// Untimed messages before the counted ones; a stream has as many after them.
    pub(crate) warm_up: u64,
    /// Counted messages, a multiple of `batch`.
    pub(crate) messages: u64,
    /// Messages per sample.
    pub(crate) batch: u64,
}

/// The report of one side on one slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Nanoseconds of each batch; empty on the side that measures no time.
    pub(crate) samples: Vec<u64>,
    /// Nanoseconds of all counted messages; zero on the side that measures no time.
    pub(crate) elapsed_ns: u64,
    /// What the side's process used in that time.
    pub(crate) usage: Usage,
    /// The operations of this side, where both sides share the counted ones.
    pub(crate) operations: u64,
}

/// An endpoint that sends small messages.
pub(crate) trait Put<const N: usize> {
    /// Sends one message. Waits for space as the competitor does.
    fn put(&mut self, message: &Words<N>) -> Result<()>;
}

/// An endpoint that receives small messages.
pub(crate) trait Take<const N: usize> {
    /// Waits for the next message as the competitor does.
    fn take(&mut self) -> Result<Words<N>>;
}

/// A sender of many messages, singly or in batches, each created from its number.
pub(crate) trait PutRange {
    /// Sends the messages with these numbers.
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()>;
}

/// A receiver of many messages, each checked against its number.
pub(crate) trait TakeRange {
    /// Receives the messages with these numbers. With `check_all` it checks every byte of large
    /// ones.
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()>;
}

/// An endpoint that sends a request and waits for its reply.
pub(crate) trait Call<const N: usize> {
    /// Returns the reply.
    fn call(&mut self, request: &Words<N>) -> Result<Words<N>>;
}

/// An endpoint that replies to requests.
pub(crate) trait Serve<const N: usize> {
    /// Waits for the next request, and sends the reply that the closure returns.
    fn serve(&mut self, reply: impl FnOnce(&Words<N>) -> Result<Words<N>>) -> Result<()>;
}

/// Requests and replies through one endpoint each way.
pub(crate) struct Duplex<P, T>(pub(crate) P, pub(crate) T);

impl<P: Put<N>, T: Take<N>, const N: usize> Call<N> for Duplex<P, T> {
    #[inline]
    fn call(&mut self, request: &Words<N>) -> Result<Words<N>> {
        self.0.put(request)?;
        self.1.take()
    }
}

impl<P: Put<N>, T: Take<N>, const N: usize> Serve<N> for Duplex<P, T> {
    #[inline]
    fn serve(&mut self, reply: impl FnOnce(&Words<N>) -> Result<Words<N>>) -> Result<()> {
        let request = self.1.take()?;
        self.0.put(&reply(&request)?)
    }
}

/// A number that a lock guards.
pub(crate) trait Lock {
    /// Changes the number while the lock is held.
    fn locked(&mut self, change: impl FnOnce(&mut u64)) -> Result<()>;
}

/// Sends or receives small messages one by one.
pub(crate) struct OneByOne<E, const N: usize>(pub(crate) E);

impl<E: Put<N>, const N: usize> PutRange for OneByOne<E, N> {
    #[inline]
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            self.0.put(&words(number))?;
        }
        Ok(())
    }
}

impl<E: Take<N>, const N: usize> TakeRange for OneByOne<E, N> {
    #[inline]
    fn take_range(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
        for number in numbers {
            check(&self.0.take()?, number)?;
        }
        Ok(())
    }
}

/// Runs the client's side of round trips, which measures the time.
pub(crate) fn ask<const N: usize>(slice: &Slice, client: &mut impl Call<N>) -> Result<Report> {
    let mut number = slice.first;
    let mut ask_once = || -> Result<()> {
        check(&client.call(&words(number))?, number ^ ANSWER)?;
        number += 1;
        Ok(())
    };
    (0..slice.warm_up).try_for_each(|_| ask_once())?;
    timed(slice, ask_once)
}

/// Runs the server's side of round trips.
pub(crate) fn answer<const N: usize>(slice: &Slice, server: &mut impl Serve<N>) -> Result<Report> {
    let mut number = slice.first;
    let mut answer_once = || -> Result<()> {
        server.serve(|request| {
            check(request, number)?;
            Ok(words(number ^ ANSWER))
        })?;
        number += 1;
        Ok(())
    };
    (0..slice.warm_up).try_for_each(|_| answer_once())?;
    let before = Usage::so_far()?;
    (0..slice.messages).try_for_each(|_| answer_once())?;
    Ok(Report { usage: before.elapsed()?, ..Report::default() })
}

/// Runs the sending side of a stream.
pub(crate) fn send(slice: &Slice, sender: &mut impl PutRange) -> Result<Report> {
    let [start, counting, trailing, end] = parts(slice);
    sender.put_range(start..counting)?;
    let before = Usage::so_far()?;
    sender.put_range(counting..trailing)?;
    let usage = before.elapsed()?;
    sender.put_range(trailing..end)?;
    Ok(Report { usage, ..Report::default() })
}

/// The batches at the start of a stream that are checked in every byte.
const FULLY_CHECKED_BATCHES: u64 = 4;

/// Runs the receiving side of a stream. It measures the time in the middle of a longer stream, so
/// that the buffers are equally full before and after.
pub(crate) fn recv(slice: &Slice, receiver: &mut impl TakeRange) -> Result<Report> {
    let [start, counting, trailing, end] = parts(slice);
    let checked = (start + FULLY_CHECKED_BATCHES * slice.batch).min(counting);
    receiver.take_range(start..checked, true)?;
    receiver.take_range(checked..counting, false)?;
    let mut number = counting;
    let report = timed(&Slice { messages: (trailing - counting) / slice.batch, batch: 1, ..*slice }, || {
        receiver.take_range(number..number + slice.batch, false)?;
        number += slice.batch;
        Ok(())
    })?;
    receiver.take_range(trailing..end, false)?;
    Ok(report)
}

/// Returns the numbers at which the warm-up, the counted messages and the trailing messages begin,
/// and the end.
fn parts(slice: &Slice) -> [u64; 4] {
    let counting = slice.first + slice.warm_up;
    let trailing = counting + slice.messages;
    [slice.first, counting, trailing, trailing + slice.warm_up]
}

/// Repeats an operation of a single process.
pub(crate) fn repeat(slice: &Slice, mut operation: impl FnMut(u64) -> Result<()>) -> Result<Report> {
    let mut number = slice.first;
    let mut once = || -> Result<()> {
        operation(number)?;
        number += 1;
        Ok(())
    };
    (0..slice.warm_up).try_for_each(|_| once())?;
    timed(slice, once)
}

/// Increments the number that a lock guards until both sides have done so `warm_up + messages`
/// times together. Each side measures the time from its first counted turn to the end.
///
/// Both sides stop at the same number, so neither works without contention at the end.
pub(crate) fn compete(slice: &Slice, lock: &mut impl Lock) -> Result<Report> {
    let (mut operations, warm) = compete_until(lock, slice.first, slice.first + slice.warm_up)?;
    let end = slice.first + slice.warm_up + slice.messages;
    let before = Usage::so_far()?;
    let start = Instant::now();
    let (counted, _) = compete_until(lock, slice.first, end)?;
    let elapsed_ns = start.elapsed().as_nanos() as f64;
    operations += counted;
    // A side that began late saw only a part of the counted operations.
    let seen = end.saturating_sub(warm).max(1) as f64;
    let elapsed_ns = (elapsed_ns * slice.messages as f64 / seen) as u64;
    Ok(Report { elapsed_ns, operations, usage: before.elapsed()?, ..Report::default() })
}

/// Returns this side's operations and the number at the end.
fn compete_until(lock: &mut impl Lock, first: u64, end: u64) -> Result<(u64, u64)> {
    let (mut operations, mut last) = (0, first);
    loop {
        let mut done = false;
        lock.locked(|number| {
            // The first turn of a slice skips the numbers of other competitors.
            *number = (*number).max(first);
            done = *number >= end;
            *number += u64::from(!done);
            last = *number;
        })?;
        if done {
            return Ok((operations, last));
        }
        operations += 1;
    }
}

/// Repeatedly creates and drops a value, and measures the creation.
pub(crate) fn repeat_setup<T>(slice: &Slice, mut set_up: impl FnMut(u64) -> Result<T>) -> Result<Report> {
    let mut samples = Vec::with_capacity(slice.messages as usize);
    let before = Usage::so_far()?;
    for number in slice.first..slice.first + slice.warm_up + slice.messages {
        let start = Instant::now();
        let created = set_up(number)?;
        samples.push(start.elapsed().as_nanos() as u64);
        drop(created);
    }
    samples.drain(..slice.warm_up as usize);
    Ok(Report { elapsed_ns: samples.iter().sum(), samples, usage: before.elapsed()?, ..Report::default() })
}

/// Measures the counted operations in batches. One reading of the clock ends a sample and starts
/// the next.
#[inline]
fn timed(slice: &Slice, mut operation: impl FnMut() -> Result<()>) -> Result<Report> {
    let mut samples = Vec::with_capacity((slice.messages / slice.batch) as usize);
    let before = Usage::so_far()?;
    let start = Instant::now();
    let mut last = start;
    for _ in 0..slice.messages / slice.batch {
        for _ in 0..slice.batch {
            operation()?;
        }
        let now = Instant::now();
        samples.push((now - last).as_nanos() as u64);
        last = now;
    }
    let elapsed_ns = (last - start).as_nanos() as u64;
    Ok(Report { samples, elapsed_ns, usage: before.elapsed()?, ..Report::default() })
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A queue within one thread, which holds a whole slice.
    #[derive(Default)]
    struct Queue(VecDeque<Words<2>>);

    impl Put<2> for Queue {
        fn put(&mut self, message: &Words<2>) -> Result<()> {
            self.0.push_back(*message);
            Ok(())
        }
    }

    impl Take<2> for &mut Queue {
        fn take(&mut self) -> Result<Words<2>> {
            Take::<2>::take(*self)
        }
    }

    impl Take<2> for Queue {
        fn take(&mut self) -> Result<Words<2>> {
            self.0.pop_front().ok_or_else(|| "empty".into())
        }
    }

    const SLICE: Slice = Slice { first: u64::MAX / 2, warm_up: 6, messages: 30, batch: 3 };

    #[test]
    fn stream_has_leading_and_trailing_messages_and_checks_all() {
        let mut queue = OneByOne(Queue::default());
        send(&SLICE, &mut queue).unwrap();
        assert_eq!(queue.0.0.len(), 42);
        let report = recv(&SLICE, &mut queue).unwrap();
        assert_eq!(report.samples.len(), 10);
        assert!(queue.0.0.is_empty());
        send(&SLICE, &mut queue).unwrap();
        queue.0.0.remove(20);
        assert!(recv(&SLICE, &mut queue).is_err());
    }

    /// A number that one thread guards.
    struct Number(u64);

    impl Lock for Number {
        fn locked(&mut self, change: impl FnOnce(&mut u64)) -> Result<()> {
            change(&mut self.0);
            Ok(())
        }
    }

    #[test]
    fn compete_counts_every_operation_of_the_slice_once() {
        let mut number = Number(7);
        let report = compete(&SLICE, &mut number).unwrap();
        assert_eq!(report.operations, SLICE.warm_up + SLICE.messages);
        assert_eq!(number.0, SLICE.first + SLICE.warm_up + SLICE.messages);
        assert_eq!(compete(&SLICE, &mut number).unwrap().operations, 0);
    }

    #[test]
    fn ask_rejects_an_echo_of_its_own_message() {
        let mut back = Queue::default();
        assert!(ask::<2>(&SLICE, &mut Duplex(Queue::default(), &mut back)).is_err());
        for number in SLICE.first..SLICE.first + 36 {
            back.put(&words(number ^ ANSWER)).unwrap();
        }
        let report = ask::<2>(&SLICE, &mut Duplex(Queue::default(), &mut back)).unwrap();
        assert_eq!(report.samples.len(), 10);
        back.put(&words(SLICE.first)).unwrap();
        assert!(ask::<2>(&SLICE, &mut Duplex(Queue::default(), &mut back)).is_err());
    }
}
