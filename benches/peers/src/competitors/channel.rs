//! ipcraft: the typed channel for one sender and one receiver, by name.

use std::ops::Range;

use ipcraft::channel::spsc::{Channel, Options, Receiver, Sender};
use ipcraft::channel::{Message, WaitStrategy};
use ipcraft_bench::Role;

use super::{BATCH, LARGE_SLOTS, SLOTS};
use crate::harness::Harness;
use crate::message::{Page, Result, Words, check, failure, fill, words};
use crate::work::{OneByOne, Put, PutRange, Take, TakeRange};

/// Round trips over two channels; both sides spin.
pub(crate) fn spin<const N: usize>(harness: &mut Harness) -> Result<()> {
    round_trips::<N>(harness, WaitStrategy::Spin)
}

/// Round trips; both sides block immediately.
pub(crate) fn block<const N: usize>(harness: &mut Harness) -> Result<()> {
    round_trips::<N>(harness, WaitStrategy::Block)
}

/// Round trips; both sides use the default wait strategy.
pub(crate) fn adaptive<const N: usize>(harness: &mut Harness) -> Result<()> {
    round_trips::<N>(harness, WaitStrategy::Adaptive)
}

fn round_trips<const N: usize>(harness: &mut Harness, waiting: WaitStrategy) -> Result<()> {
    let (mine, theirs) = match harness.role() {
        Role::Client => ("there", "back"),
        Role::Server => ("back", "there"),
    };
    let out = Options::<Words<N>>::new().capacity(SLOTS).create_new(harness.scratch().name(mine))?;
    harness.exchange("created")?;
    let back = Channel::<Words<N>>::open(harness.scratch().name(theirs))?;
    let (mut sender, mut receiver) = (out.sender()?, back.receiver()?);
    sender.set_wait_strategy(waiting);
    receiver.set_wait_strategy(waiting);
    harness.exchange("connected")?;
    harness.round_trips(sender, receiver)
}

/// A stream, message by message; both sides spin.
pub(crate) fn single<const N: usize, const SLOTS: usize>(harness: &mut Harness) -> Result<()> {
    single_waiting::<N>(harness, SLOTS, WaitStrategy::Spin)
}

/// A stream, message by message; both sides use the default wait strategy.
pub(crate) fn single_adaptive<const N: usize>(harness: &mut Harness) -> Result<()> {
    single_waiting::<N>(harness, SLOTS, WaitStrategy::Adaptive)
}

fn single_waiting<const N: usize>(harness: &mut Harness, slots: usize, waiting: WaitStrategy) -> Result<()> {
    match endpoint::<Words<N>>(harness, slots, waiting)? {
        Endpoint::Sender(sender) => harness.send(OneByOne(sender)),
        Endpoint::Receiver(receiver) => harness.recv(OneByOne(receiver)),
    }
}

/// A stream in batches, by `send_all` and `recv_many`; both sides spin.
pub(crate) fn batches<const N: usize, const SLOTS: usize>(harness: &mut Harness) -> Result<()> {
    match endpoint::<Words<N>>(harness, SLOTS, WaitStrategy::Spin)? {
        Endpoint::Sender(sender) => harness.send(Batches(sender)),
        Endpoint::Receiver(receiver) => harness.recv(Batches(receiver)),
    }
}

/// A stream of large messages, copied in and copied out; both sides spin.
pub(crate) fn copy<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    match endpoint::<[u8; SIZE]>(harness, LARGE_SLOTS, WaitStrategy::Spin)? {
        Endpoint::Sender(sender) => harness.send(Large::new(sender, SIZE)),
        Endpoint::Receiver(receiver) => harness.recv(Copied(Large::new(receiver, SIZE))),
    }
}

/// A stream of large messages, written and checked in place; both sides spin.
pub(crate) fn loan<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    match endpoint::<[u8; SIZE]>(harness, LARGE_SLOTS, WaitStrategy::Spin)? {
        Endpoint::Sender(sender) => harness.send(Large::new(sender, SIZE)),
        Endpoint::Receiver(receiver) => harness.recv(Large::new(receiver, SIZE)),
    }
}

enum Endpoint<T: Message> {
    Sender(Sender<T>),
    Receiver(Receiver<T>),
}

fn endpoint<T: Message>(harness: &mut Harness, slots: usize, waiting: WaitStrategy) -> Result<Endpoint<T>> {
    let name = harness.scratch().name("stream");
    match harness.role() {
        Role::Client => {
            let mut sender = Options::<T>::new().capacity(slots).create_new(&name)?.sender()?;
            sender.set_wait_strategy(waiting);
            harness.exchange("created")?;
            harness.exchange("")?;
            Ok(Endpoint::Sender(sender))
        }
        Role::Server => {
            harness.exchange("")?;
            let mut receiver = Receiver::<T>::open(&name)?;
            receiver.set_wait_strategy(waiting);
            harness.exchange("opened")?;
            Ok(Endpoint::Receiver(receiver))
        }
    }
}

impl<const N: usize> Put<N> for Sender<Words<N>> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.send(*message).map_err(failure)
    }
}

impl<const N: usize> Take<N> for Receiver<Words<N>> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        self.recv().map_err(failure)
    }
}

struct Batches<E>(E);

impl<const N: usize> PutRange for Batches<Sender<Words<N>>> {
    #[inline]
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        let mut batch = [[0; N]; BATCH];
        for first in numbers.step_by(BATCH) {
            fill(&mut batch, first);
            self.0.send_all(&batch)?;
        }
        Ok(())
    }
}

impl<const N: usize> TakeRange for Batches<Receiver<Words<N>>> {
    #[inline]
    fn take_range(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
        let mut batch = [[0; N]; BATCH];
        let mut number = numbers.start;
        while number < numbers.end {
            let wanted = BATCH.min((numbers.end - number) as usize);
            let count = self.0.recv_many(&mut batch[..wanted])?;
            for message in &batch[..count] {
                check(message, number)?;
                number += 1;
            }
        }
        Ok(())
    }
}

/// One endpoint for large messages.
struct Large<E> {
    endpoint: E,
    page: Page,
    buffer: Vec<u8>,
}

impl<E> Large<E> {
    fn new(endpoint: E, size: usize) -> Large<E> {
        Large { endpoint, page: Page::new(size), buffer: vec![0; size] }
    }
}

impl<const SIZE: usize> PutRange for Large<Sender<[u8; SIZE]>> {
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            let mut loan = self.endpoint.loan()?;
            loan.write_at(0, self.page.numbered(number))?;
            loan.commit();
        }
        Ok(())
    }
}

impl<const SIZE: usize> TakeRange for Large<Receiver<[u8; SIZE]>> {
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        for number in numbers {
            let message = self.endpoint.recv_in_place()?;
            self.page.check_in_place(&message, number, check_all)?;
        }
        Ok(())
    }
}

/// A receiver that copies every message out.
struct Copied<E>(E);

impl<const SIZE: usize> TakeRange for Copied<Large<Receiver<[u8; SIZE]>>> {
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        let Large { endpoint, page, buffer } = &mut self.0;
        for number in numbers {
            endpoint.recv_in_place()?.read_at(0, buffer)?;
            page.check(buffer, number, check_all)?;
        }
        Ok(())
    }
}

/// A channel, opened a second time by name, both endpoints, and the first message.
pub(crate) fn set_up(harness: &mut Harness) -> Result<()> {
    harness.repeat_setup(|scratch, number| {
        let name = scratch.name("set-up");
        let made = Options::<Words<1>>::new().capacity(SLOTS).remove_on_drop(true).create_new(&name)?;
        let found = Channel::<Words<1>>::open(&name)?;
        let (mut sender, mut receiver) = (made.sender()?, found.receiver()?);
        sender.send(words(number))?;
        check(&receiver.recv()?, number)?;
        Ok((sender, receiver, made, found))
    })
}
