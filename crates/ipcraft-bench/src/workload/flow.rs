//! One way, with acknowledgements where the kernel alone does not hold the sender back as it should.

use std::io;

use super::Slice;
use super::exchange::Exchange;
use crate::link::Link;
use crate::peer::Role;

/// Keeps at most two windows of messages without acknowledgement, where there is a window.
pub(super) struct Sender<'a> {
    exchange: Exchange<'a>,
    window: Option<u64>,
    sent: u64,
    acknowledged: u64,
}

impl<'a> Sender<'a> {
    pub(super) fn new(link: &'a mut dyn Link, slice: &Slice) -> Sender<'a> {
        Sender {
            exchange: Exchange::new(link, Role::Client, slice.size),
            window: slice.window,
            sent: 0,
            acknowledged: 0,
        }
    }

    /// Sends the next message, when the window allows.
    #[inline]
    pub(super) fn send(&mut self) -> io::Result<()> {
        if let Some(window) = self.window {
            self.await_window(window)?;
        }
        self.exchange.send()?;
        self.sent += 1;
        Ok(())
    }

    fn await_window(&mut self, window: u64) -> io::Result<()> {
        while self.sent - self.acknowledged * window >= 2 * window {
            self.await_acknowledgement()?;
        }
        Ok(())
    }

    /// Takes the acknowledgements that are still on their way, so that none is left for the next slice.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        let Some(window) = self.window else {
            return Ok(());
        };
        while self.acknowledged < self.sent / window {
            self.await_acknowledgement()?;
        }
        Ok(())
    }

    fn await_acknowledgement(&mut self) -> io::Result<()> {
        self.exchange.await_acknowledgement()?;
        self.acknowledged += 1;
        Ok(())
    }
}

/// Acknowledges each window, where there is one.
pub(super) struct Receiver<'a> {
    exchange: Exchange<'a>,
    window: Option<u64>,
    received: u64,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(link: &'a mut dyn Link, slice: &Slice) -> Receiver<'a> {
        Receiver {
            exchange: Exchange::new(link, Role::Server, slice.size),
            window: slice.window,
            received: 0,
        }
    }

    /// Receives and checks the next message.
    #[inline]
    pub(super) fn receive(&mut self) -> io::Result<()> {
        self.exchange.receive()?;
        self.received += 1;
        if self.window.is_some_and(|window| self.received.is_multiple_of(window)) {
            self.exchange.acknowledge()?;
        }
        Ok(())
    }
}
