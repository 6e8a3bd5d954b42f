//! ipcraft: the channel for records of any length, by name, with large records.

use std::ops::Range;

use ipcraft::channel::WaitStrategy;
use ipcraft::channel::spsc::bytes::{Options, Receiver, Sender};
use ipcraft_bench::Role;

use super::LARGE_SLOTS;
use crate::harness::Harness;
use crate::message::{Page, Result};
use crate::work::{PutRange, TakeRange};

/// A stream by `send` and `recv_into`; both sides spin.
pub(crate) fn copy<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    match endpoint(harness, SIZE)? {
        Endpoint::Sender(sender) => {
            harness.send(Copies { endpoint: sender, page: Page::new(SIZE), buffer: Vec::new() })
        }
        Endpoint::Receiver(receiver) => {
            harness.recv(Copies { endpoint: receiver, page: Page::new(SIZE), buffer: vec![0; SIZE] })
        }
    }
}

/// A stream by `loan` and `recv_in_place`, written and checked in place; both sides spin.
pub(crate) fn loan<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    match endpoint(harness, SIZE)? {
        Endpoint::Sender(sender) => harness.send(Loans { endpoint: sender, page: Page::new(SIZE) }),
        Endpoint::Receiver(receiver) => harness.recv(Loans { endpoint: receiver, page: Page::new(SIZE) }),
    }
}

enum Endpoint {
    Sender(Sender),
    Receiver(Receiver),
}

fn endpoint(harness: &mut Harness, size: usize) -> Result<Endpoint> {
    let name = harness.scratch().name("stream");
    match harness.role() {
        Role::Client => {
            let mut sender = Options::new().capacity(LARGE_SLOTS * size).create_new(&name)?.sender()?;
            sender.set_wait_strategy(WaitStrategy::Spin);
            harness.exchange("created")?;
            harness.exchange("")?;
            Ok(Endpoint::Sender(sender))
        }
        Role::Server => {
            harness.exchange("")?;
            let mut receiver = Receiver::open(&name)?;
            receiver.set_wait_strategy(WaitStrategy::Spin);
            harness.exchange("opened")?;
            Ok(Endpoint::Receiver(receiver))
        }
    }
}

struct Copies<E> {
    endpoint: E,
    page: Page,
    buffer: Vec<u8>,
}

impl PutRange for Copies<Sender> {
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            self.endpoint.send(self.page.numbered(number))?;
        }
        Ok(())
    }
}

impl TakeRange for Copies<Receiver> {
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        for number in numbers {
            let length = self.endpoint.recv_into(&mut self.buffer)?;
            self.page.check(&self.buffer[..length], number, check_all)?;
        }
        Ok(())
    }
}

struct Loans<E> {
    endpoint: E,
    page: Page,
}

impl PutRange for Loans<Sender> {
    fn put_range(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            let message = self.page.numbered(number);
            let mut loan = self.endpoint.loan(message.len())?;
            loan.write_at(0, message)?;
            loan.commit();
        }
        Ok(())
    }
}

impl TakeRange for Loans<Receiver> {
    fn take_range(&mut self, numbers: Range<u64>, check_all: bool) -> Result<()> {
        for number in numbers {
            let record = self.endpoint.recv_in_place()?;
            self.page.check_in_place(&record, number, check_all)?;
        }
        Ok(())
    }
}
