//! rtrb: a ring between two threads of one process. It is no IPC, but a reference for a ring in
//! shared memory.
//!
//! Single messages use `push` and `pop`. Chunks use `push_entire_slice` and `pop_entire_slice`, as
//! its documentation shows for `Copy` types. It cannot wait, so both sides spin.

use std::hint::spin_loop;
use std::ops::Range;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::{BATCH, SLOTS};
use crate::harness::Harness;
use crate::message::{Result, Words, check, fill};
use crate::work::{OneByOne, Put, PutRange, Take, TakeRange};

/// Round trips over two rings.
pub(crate) fn round_trips<const N: usize>(harness: &mut Harness) -> Result<()> {
    let (there, at_server) = RingBuffer::<Words<N>>::new(SLOTS);
    let (back, at_client) = RingBuffer::<Words<N>>::new(SLOTS);
    harness
        .threads(|client| client.round_trips(there, at_client), |server| server.round_trips(back, at_server))
}

/// A stream, message by message.
pub(crate) fn single<const N: usize, const SLOTS: usize>(harness: &mut Harness) -> Result<()> {
    let (producer, consumer) = RingBuffer::<Words<N>>::new(SLOTS);
    harness.threads(|client| client.send(OneByOne(producer)), |server| server.recv(OneByOne(consumer)))
}

/// A stream in chunks.
pub(crate) fn chunks<const N: usize, const SLOTS: usize>(harness: &mut Harness) -> Result<()> {
    let (producer, consumer) = RingBuffer::<Words<N>>::new(SLOTS);
    harness.threads(|client| client.send(Chunks(producer)), |server| server.recv(Chunks(consumer)))
}

impl<const N: usize> Put<N> for Producer<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        while let Err(PushError::Full(_)) = self.push(*message) {
            spin_loop();
        }
        Ok(())
    }
}

impl<const N: usize> Take<N> for Consumer<Words<N>> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        loop {
            match self.pop() {
                Ok(message) => return Ok(message),
                Err(_) => spin_loop(),
            }
        }
    }
}

struct Chunks<E>(E);

impl<const N: usize> PutRange for Chunks<Producer<Words<N>>> {
    #[inline]
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        let mut chunk = [[0; N]; BATCH];
        for first in numbers.step_by(BATCH) {
            fill(&mut chunk, first);
            while self.0.push_entire_slice(&chunk).is_err() {
                spin_loop();
            }
        }
        Ok(())
    }
}

impl<const N: usize> TakeRange for Chunks<Consumer<Words<N>>> {
    #[inline]
    fn take_range(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
        let mut chunk = [[0; N]; BATCH];
        for first in numbers.step_by(BATCH) {
            while self.0.pop_entire_slice(&mut chunk).is_err() {
                spin_loop();
            }
            for (number, message) in (first..).zip(&chunk) {
                check(message, number)?;
            }
        }
        Ok(())
    }
}
