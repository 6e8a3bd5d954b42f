//! ipcraft: its channel for records of any length, by name, with large records.

use std::ops::Range;

use ipcraft::channel::WaitStrategy;
use ipcraft::channel::spsc::bytes::{Options, Receiver, Sender};
use ipcraft_bench::Role;

use super::LARGE_SLOTS;
use crate::message::{Page, Result};
use crate::stage::Stage;
use crate::work::{Drain, Pour};

/// A stream by `send` and `recv_into`, both sides spinning.
pub(crate) fn copy<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    match end(stage, SIZE)? {
        End::Sender(sender) => stage.send(Copies { end: sender, page: Page::new(SIZE), buffer: Vec::new() }),
        End::Receiver(receiver) => {
            stage.receive(Copies { end: receiver, page: Page::new(SIZE), buffer: vec![0; SIZE] })
        }
    }
}

/// A stream by `loan` and `recv_in_place`, written in place and checked in place, both sides spinning.
pub(crate) fn loan<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    match end(stage, SIZE)? {
        End::Sender(sender) => stage.send(Loans { end: sender, page: Page::new(SIZE) }),
        End::Receiver(receiver) => stage.receive(Loans { end: receiver, page: Page::new(SIZE) }),
    }
}

enum End {
    Sender(Sender),
    Receiver(Receiver),
}

fn end(stage: &mut Stage, size: usize) -> Result<End> {
    let name = stage.scratch().name("stream");
    match stage.role() {
        Role::Client => {
            let mut sender = Options::new().capacity(LARGE_SLOTS * size).create_new(&name)?.sender()?;
            sender.set_wait_strategy(WaitStrategy::Spin);
            stage.meet("created")?;
            stage.meet("")?;
            Ok(End::Sender(sender))
        }
        Role::Server => {
            stage.meet("")?;
            let mut receiver = Receiver::open(&name)?;
            receiver.set_wait_strategy(WaitStrategy::Spin);
            stage.meet("opened")?;
            Ok(End::Receiver(receiver))
        }
    }
}

struct Copies<E> {
    end: E,
    page: Page,
    buffer: Vec<u8>,
}

impl Pour for Copies<Sender> {
    fn pour(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            self.end.send(self.page.numbered(number))?;
        }
        Ok(())
    }
}

impl Drain for Copies<Receiver> {
    fn drain(&mut self, numbers: Range<u64>, thoroughly: bool) -> Result<()> {
        for number in numbers {
            let length = self.end.recv_into(&mut self.buffer)?;
            self.page.check(&self.buffer[..length], number, thoroughly)?;
        }
        Ok(())
    }
}

struct Loans<E> {
    end: E,
    page: Page,
}

impl Pour for Loans<Sender> {
    fn pour(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            let message = self.page.numbered(number);
            let mut loan = self.end.loan(message.len())?;
            loan.write_at(0, message)?;
            loan.commit();
        }
        Ok(())
    }
}

impl Drain for Loans<Receiver> {
    fn drain(&mut self, numbers: Range<u64>, thoroughly: bool) -> Result<()> {
        for number in numbers {
            let record = self.end.recv_in_place()?;
            self.page.check_place(&record, number, thoroughly)?;
        }
        Ok(())
    }
}
