//! The work of the two sides in one slice.
//!
//! All loops are generic over the competitor, so that its calls are inlined as in a program of its
//! own. An indirect call would be visible in operations of two nanoseconds.

use std::ops::Range;
use std::time::Instant;

use ipcraft_bench::Usage;
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
pub(crate) fn ask<const N: usize>(
    slice: &Slice,
    there: &mut impl Put<N>,
    back: &mut impl Take<N>,
) -> Result<Report> {
    let mut number = slice.first;
    let mut ask_once = || -> Result<()> {
        there.put(&words(number))?;
        check(&back.take()?, number ^ ANSWER)?;
        number += 1;
        Ok(())
    };
    (0..slice.warm_up).try_for_each(|_| ask_once())?;
    timed(slice, ask_once)
}

/// Runs the server's side of round trips.
pub(crate) fn answer<const N: usize>(
    slice: &Slice,
    there: &mut impl Take<N>,
    back: &mut impl Put<N>,
) -> Result<Report> {
    let mut number = slice.first;
    let mut answer_once = || -> Result<()> {
        check(&there.take()?, number)?;
        back.put(&words(number ^ ANSWER))?;
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
    Ok(Report { elapsed_ns: samples.iter().sum(), samples, usage: before.elapsed()? })
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
    Ok(Report { samples, elapsed_ns, usage: before.elapsed()? })
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

    #[test]
    fn ask_rejects_an_echo_of_its_own_message() {
        let mut back = Queue::default();
        assert!(ask(&SLICE, &mut Queue::default(), &mut back).is_err());
        for number in SLICE.first..SLICE.first + 36 {
            back.put(&words(number ^ ANSWER)).unwrap();
        }
        let report = ask(&SLICE, &mut Queue::default(), &mut back).unwrap();
        assert_eq!(report.samples.len(), 10);
        back.put(&words(SLICE.first)).unwrap();
        assert!(ask(&SLICE, &mut Queue::default(), &mut back).is_err());
    }
}
