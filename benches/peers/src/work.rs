//! What the two sides of a row do in one slice.
//!
//! Everything here is generic over the contestant, so that each gets a loop of its own with its calls inlined, as in a
//! program that uses nothing else: an indirect call would show in operations of two nanoseconds.

use std::ops::Range;
use std::time::Instant;

use ipcraft_bench::Usage;

use crate::control::{Report, Slice};
use crate::message::{ANSWER, Result, Words, check, words};

/// The end of a one-way connection that sends small messages.
pub(crate) trait Put<const N: usize> {
    /// Sends one message, waiting for room as the contestant does.
    fn put(&mut self, message: &Words<N>) -> Result<()>;
}

/// The end of a one-way connection that receives small messages.
pub(crate) trait Take<const N: usize> {
    /// Waits for the next message as the contestant does.
    fn take(&mut self) -> Result<Words<N>>;
}

/// A sender of many messages, one at a time or several, each made from its number.
pub(crate) trait Pour {
    /// Sends the messages with these numbers, all that it has begun with included.
    fn pour(&mut self, numbers: Range<u64>) -> Result<()>;
}

/// A receiver of many messages, each checked against its number.
pub(crate) trait Drain {
    /// Receives the messages with these numbers; `thoroughly` asks to check what is otherwise too long to check.
    fn drain(&mut self, numbers: Range<u64>, thoroughly: bool) -> Result<()>;
}

/// Messages one by one over an end for small messages.
pub(crate) struct OneByOne<E, const N: usize>(pub(crate) E);

impl<E: Put<N>, const N: usize> Pour for OneByOne<E, N> {
    #[inline]
    fn pour(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            self.0.put(&words(number))?;
        }
        Ok(())
    }
}

impl<E: Take<N>, const N: usize> Drain for OneByOne<E, N> {
    #[inline]
    fn drain(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
        for number in numbers {
            check(&self.0.take()?, number)?;
        }
        Ok(())
    }
}

/// The client's side of a round trip, which times.
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

/// The server's side.
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

/// The sending side of a stream.
pub(crate) fn send(slice: &Slice, sender: &mut impl Pour) -> Result<Report> {
    let [start, counting, behind, end] = parts(slice);
    sender.pour(start..counting)?;
    let before = Usage::so_far()?;
    sender.pour(counting..behind)?;
    let usage = before.elapsed()?;
    sender.pour(behind..end)?;
    Ok(Report { usage, ..Report::default() })
}

/// How many batches at the start of a stream are checked thoroughly.
const CHECKED_THOROUGHLY: u64 = 4;

/// The receiving side of a stream, which times, in the middle of a longer flow: what was in the buffers before is there afterwards.
pub(crate) fn receive(slice: &Slice, receiver: &mut impl Drain) -> Result<Report> {
    let [start, counting, behind, end] = parts(slice);
    let thorough = (start + CHECKED_THOROUGHLY * slice.batch).min(counting);
    receiver.drain(start..thorough, true)?;
    receiver.drain(thorough..counting, false)?;
    let mut number = counting;
    let report = timed(&Slice { messages: (behind - counting) / slice.batch, batch: 1, ..*slice }, || {
        receiver.drain(number..number + slice.batch, false)?;
        number += slice.batch;
        Ok(())
    })?;
    receiver.drain(behind..end, false)?;
    Ok(report)
}

/// Where the messages of a stream begin, count, count no more and end.
fn parts(slice: &Slice) -> [u64; 4] {
    let counting = slice.first + slice.warm_up;
    let behind = counting + slice.messages;
    [slice.first, counting, behind, behind + slice.warm_up]
}

/// Something that one process does alone, again and again.
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

/// Something that is made and thrown away, again and again: the making alone is timed.
pub(crate) fn make<T>(slice: &Slice, mut making: impl FnMut(u64) -> Result<T>) -> Result<Report> {
    let mut samples = Vec::with_capacity(slice.messages as usize);
    let before = Usage::so_far()?;
    for number in slice.first..slice.first + slice.warm_up + slice.messages {
        let start = Instant::now();
        let made = making(number)?;
        samples.push(start.elapsed().as_nanos() as u64);
        drop(made);
    }
    samples.drain(..slice.warm_up as usize);
    Ok(Report { elapsed_ns: samples.iter().sum(), samples, usage: before.elapsed()? })
}

/// Times the operations that count, in batches. One reading of the clock ends a sample and starts the next.
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
    fn a_stream_runs_in_and_out_and_every_message_is_checked() {
        let mut queue = OneByOne(Queue::default());
        send(&SLICE, &mut queue).unwrap();
        assert_eq!(queue.0.0.len(), 42);
        let report = receive(&SLICE, &mut queue).unwrap();
        assert_eq!(report.samples.len(), 10);
        assert!(queue.0.0.is_empty());
        send(&SLICE, &mut queue).unwrap();
        queue.0.0.remove(20);
        assert!(receive(&SLICE, &mut queue).is_err());
    }

    #[test]
    fn an_answer_is_no_echo() {
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
