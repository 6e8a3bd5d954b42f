//! One-way traffic, with acknowledgements where the kernel's flow control is missing or too
//! generous.

use std::io;

use super::Slice;
use super::checked_link::CheckedLink;
use crate::link::{Link, Role};

/// Sends at most two windows of messages ahead of the acknowledgements, if there is a window.
pub(super) struct Sender<'a> {
    link: CheckedLink<'a>,
    window: Option<u64>,
    sent: u64,
    acknowledged: u64,
}

impl<'a> Sender<'a> {
    pub(super) fn new(link: &'a mut dyn Link, slice: &Slice) -> Sender<'a> {
        Sender {
            link: CheckedLink::new(link, Role::Client, slice.size),
            window: slice.window,
            sent: 0,
            acknowledged: 0,
        }
    }

    /// Sends the next message. Blocks until the window allows it.
    #[inline]
    pub(super) fn send(&mut self) -> io::Result<()> {
        if let Some(window) = self.window {
            self.await_window(window)?;
        }
        self.link.send()?;
        self.sent += 1;
        Ok(())
    }

    fn await_window(&mut self, window: u64) -> io::Result<()> {
        while self.sent - self.acknowledged * window >= 2 * window {
            self.await_acknowledgement()?;
        }
        Ok(())
    }

    /// Receives the outstanding acknowledgements, so that none is left for the next slice.
    pub(super) fn drain_acknowledgements(&mut self) -> io::Result<()> {
        let Some(window) = self.window else {
            return Ok(());
        };
        while self.acknowledged < self.sent / window {
            self.await_acknowledgement()?;
        }
        Ok(())
    }

    fn await_acknowledgement(&mut self) -> io::Result<()> {
        self.link.await_acknowledgement()?;
        self.acknowledged += 1;
        Ok(())
    }
}

/// Acknowledges each window, if there is one.
pub(super) struct Receiver<'a> {
    link: CheckedLink<'a>,
    window: Option<u64>,
    received: u64,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(link: &'a mut dyn Link, slice: &Slice) -> Receiver<'a> {
        Receiver { link: CheckedLink::new(link, Role::Server, slice.size), window: slice.window, received: 0 }
    }

    /// Receives and checks the next message.
    #[inline]
    pub(super) fn recv(&mut self) -> io::Result<()> {
        self.link.recv()?;
        self.received += 1;
        if self.window.is_some_and(|window| self.received.is_multiple_of(window)) {
            self.link.acknowledge()?;
        }
        Ok(())
    }
}
