//! One way, as fast as it goes.
//!
//! The messages that count are the middle of a longer flow. What the kernel's buffers held when timing began was sent
//! before it, what they hold when it ends was sent within it; only when the flow goes on behind are the two the same and
//! the figure is that of the slower side, not of emptying a buffer.

use std::io;

use super::exchange::Exchange;
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;
use crate::peer::Role;

/// The client's side.
pub(super) fn send(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut sender = Sender {
        exchange: Exchange::new(link, Role::Client, slice.size),
        window: slice.window,
        sent: 0,
        acknowledged: 0,
    };
    sender.send(slice.warm_up)?;
    let before = Usage::so_far()?;
    sender.send(slice.messages)?;
    let usage = before.elapsed()?;
    sender.send(run_out(slice))?;
    sender.settle()?;
    Ok(Report { usage, ..Report::default() })
}

/// The server's side, which times.
pub(super) fn receive(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut receiver = Receiver {
        exchange: Exchange::new(link, Role::Server, slice.size),
        window: slice.window,
        received: 0,
    };
    receiver.receive(slice.warm_up)?;
    let before = Usage::so_far()?;
    let start = clock::now();
    receiver.receive(slice.messages)?;
    let elapsed_ns = clock::now() - start;
    let usage = before.elapsed()?;
    receiver.receive(run_out(slice))?;
    Ok(Report { elapsed_ns, usage, ..Report::default() })
}

/// As much flow behind the messages that count as before them.
fn run_out(slice: &Slice) -> u64 {
    slice.warm_up
}

/// Keeps at most two windows of messages without acknowledgement, where there is a window.
struct Sender<'a> {
    exchange: Exchange<'a>,
    window: Option<u64>,
    sent: u64,
    acknowledged: u64,
}

impl Sender<'_> {
    fn send(&mut self, messages: u64) -> io::Result<()> {
        for _ in 0..messages {
            if let Some(window) = self.window {
                self.await_window(window)?;
            }
            self.exchange.send()?;
            self.sent += 1;
        }
        Ok(())
    }

    fn await_window(&mut self, window: u64) -> io::Result<()> {
        while self.sent - self.acknowledged * window >= 2 * window {
            self.exchange.await_acknowledgement()?;
            self.acknowledged += 1;
        }
        Ok(())
    }

    /// Takes the acknowledgements that are still on their way, so that none is left for the next slice.
    fn settle(&mut self) -> io::Result<()> {
        let Some(window) = self.window else {
            return Ok(());
        };
        while self.acknowledged < self.sent / window {
            self.exchange.await_acknowledgement()?;
            self.acknowledged += 1;
        }
        Ok(())
    }
}

/// Acknowledges each window, where there is one.
struct Receiver<'a> {
    exchange: Exchange<'a>,
    window: Option<u64>,
    received: u64,
}

impl Receiver<'_> {
    fn receive(&mut self, messages: u64) -> io::Result<()> {
        for _ in 0..messages {
            self.exchange.receive()?;
            self.received += 1;
            if self.window.is_some_and(|window| self.received.is_multiple_of(window)) {
                self.exchange.acknowledge()?;
            }
        }
        Ok(())
    }
}
