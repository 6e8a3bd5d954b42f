//! ipcraft: its channel for one sender and one receiver, by name.

use std::ops::Range;

use ipcraft::channel::spsc::{Channel, Options, Receiver, Sender};
use ipcraft::channel::{Message, WaitStrategy};
use ipcraft_bench::Role;

use super::{BATCH, LARGE_SLOTS, SLOTS};
use crate::message::{Page, Result, Words, check, failure, words};
use crate::stage::Stage;
use crate::work::{Drain, OneByOne, Pour, Put, Take};

/// Round trips over two channels, both sides spinning.
pub(crate) fn spin<const N: usize>(stage: &mut Stage) -> Result<()> {
    round_trips::<N>(stage, WaitStrategy::Spin)
}

/// Round trips, both sides sleeping at once.
pub(crate) fn block<const N: usize>(stage: &mut Stage) -> Result<()> {
    round_trips::<N>(stage, WaitStrategy::Block)
}

/// Round trips, both sides waiting as they do if nobody says how.
pub(crate) fn adaptive<const N: usize>(stage: &mut Stage) -> Result<()> {
    round_trips::<N>(stage, WaitStrategy::Adaptive)
}

fn round_trips<const N: usize>(stage: &mut Stage, waiting: WaitStrategy) -> Result<()> {
    let (mine, theirs) = match stage.role() {
        Role::Client => ("there", "back"),
        Role::Server => ("back", "there"),
    };
    let out = Options::<Words<N>>::new().capacity(SLOTS).create_new(&stage.scratch().name(mine))?;
    stage.meet("created")?;
    let back = Channel::<Words<N>>::open(&stage.scratch().name(theirs))?;
    let (mut sender, mut receiver) = (out.sender()?, back.receiver()?);
    sender.set_wait_strategy(waiting);
    receiver.set_wait_strategy(waiting);
    stage.meet("connected")?;
    stage.round_trips(sender, receiver)
}

/// A stream, message by message, both sides spinning.
pub(crate) fn single<const N: usize, const SLOTS: usize>(stage: &mut Stage) -> Result<()> {
    single_waiting::<N>(stage, SLOTS, WaitStrategy::Spin)
}

/// A stream, message by message, both sides waiting as they do if nobody says how.
pub(crate) fn single_adaptive<const N: usize>(stage: &mut Stage) -> Result<()> {
    single_waiting::<N>(stage, SLOTS, WaitStrategy::Adaptive)
}

fn single_waiting<const N: usize>(stage: &mut Stage, slots: usize, waiting: WaitStrategy) -> Result<()> {
    match end::<Words<N>>(stage, slots, waiting)? {
        End::Sender(sender) => stage.send(OneByOne(sender)),
        End::Receiver(receiver) => stage.receive(OneByOne(receiver)),
    }
}

/// A stream in batches, by `send_all` and `recv_many`, both sides spinning.
pub(crate) fn batches<const N: usize, const SLOTS: usize>(stage: &mut Stage) -> Result<()> {
    match end::<Words<N>>(stage, SLOTS, WaitStrategy::Spin)? {
        End::Sender(sender) => stage.send(Batches(sender)),
        End::Receiver(receiver) => stage.receive(Batches(receiver)),
    }
}

/// A stream of large messages, copied in and copied out, both sides spinning.
pub(crate) fn copy<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    match end::<[u8; SIZE]>(stage, LARGE_SLOTS, WaitStrategy::Spin)? {
        End::Sender(sender) => stage.send(Large::new(sender, SIZE)),
        End::Receiver(receiver) => stage.receive(Copied(Large::new(receiver, SIZE))),
    }
}

/// A stream of large messages, written in place and checked in place, both sides spinning.
pub(crate) fn loan<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    match end::<[u8; SIZE]>(stage, LARGE_SLOTS, WaitStrategy::Spin)? {
        End::Sender(sender) => stage.send(Large::new(sender, SIZE)),
        End::Receiver(receiver) => stage.receive(Large::new(receiver, SIZE)),
    }
}

enum End<T: Message> {
    Sender(Sender<T>),
    Receiver(Receiver<T>),
}

fn end<T: Message>(stage: &mut Stage, slots: usize, waiting: WaitStrategy) -> Result<End<T>> {
    let name = stage.scratch().name("stream");
    match stage.role() {
        Role::Client => {
            let mut sender = Options::<T>::new().capacity(slots).create_new(&name)?.sender()?;
            sender.set_wait_strategy(waiting);
            stage.meet("created")?;
            stage.meet("")?;
            Ok(End::Sender(sender))
        }
        Role::Server => {
            stage.meet("")?;
            let mut receiver = Receiver::<T>::open(&name)?;
            receiver.set_wait_strategy(waiting);
            stage.meet("opened")?;
            Ok(End::Receiver(receiver))
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

impl<const N: usize> Pour for Batches<Sender<Words<N>>> {
    #[inline]
    fn pour(&mut self, numbers: Range<u64>) -> Result<()> {
        for first in numbers.step_by(BATCH) {
            let batch: [Words<N>; BATCH] = std::array::from_fn(|i| words(first + i as u64));
            self.0.send_all(&batch)?;
        }
        Ok(())
    }
}

impl<const N: usize> Drain for Batches<Receiver<Words<N>>> {
    #[inline]
    fn drain(&mut self, numbers: Range<u64>, _thoroughly: bool) -> Result<()> {
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

/// One end for large messages.
struct Large<E> {
    end: E,
    page: Page,
    buffer: Vec<u8>,
}

impl<E> Large<E> {
    fn new(end: E, size: usize) -> Large<E> {
        Large { end, page: Page::new(size), buffer: vec![0; size] }
    }
}

impl<const SIZE: usize> Pour for Large<Sender<[u8; SIZE]>> {
    fn pour(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            let mut loan = self.end.loan()?;
            loan.write_at(0, self.page.numbered(number))?;
            loan.commit();
        }
        Ok(())
    }
}

impl<const SIZE: usize> Drain for Large<Receiver<[u8; SIZE]>> {
    fn drain(&mut self, numbers: Range<u64>, thoroughly: bool) -> Result<()> {
        for number in numbers {
            let message = self.end.recv_in_place()?;
            self.page.check_place(&message, number, thoroughly)?;
        }
        Ok(())
    }
}

/// A receiver that copies every message out.
struct Copied<E>(E);

impl<const SIZE: usize> Drain for Copied<Large<Receiver<[u8; SIZE]>>> {
    fn drain(&mut self, numbers: Range<u64>, thoroughly: bool) -> Result<()> {
        let Large { end, page, buffer } = &mut self.0;
        for number in numbers {
            end.recv_in_place()?.read_at(0, buffer)?;
            page.check(buffer, number, thoroughly)?;
        }
        Ok(())
    }
}

/// A channel, opened a second time by name, both ends, and the first message.
pub(crate) fn set_up(stage: &mut Stage) -> Result<()> {
    stage.makes(|scratch, number| {
        let name = scratch.name("set-up");
        let made = Options::<Words<1>>::new().capacity(SLOTS).remove_on_drop(true).create_new(&name)?;
        let found = Channel::<Words<1>>::open(&name)?;
        let (mut sender, mut receiver) = (made.sender()?, found.receiver()?);
        sender.send(words(number))?;
        check(&receiver.recv()?, number)?;
        Ok((sender, receiver, made, found))
    })
}
