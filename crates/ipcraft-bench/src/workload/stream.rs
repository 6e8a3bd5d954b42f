//! One way, as fast as it goes.
//!
//! The messages that count are the middle of a longer flow. What the kernel's buffers held when timing began was sent
//! before it, what they hold when it ends was sent within it; only when the flow goes on behind are the two the same and
//! the figure is that of the slower side, not of emptying a buffer.

use std::io;

use super::flow::{Receiver, Sender};
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;

/// The client's side.
pub(super) fn send(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut sender = Sender::new(link, slice);
    let mut send = |count| (0..count).try_for_each(|_| sender.send());
    send(slice.warm_up)?;
    let before = Usage::so_far()?;
    send(slice.messages)?;
    let usage = before.elapsed()?;
    send(run_out(slice))?;
    sender.settle()?;
    Ok(Report { usage, ..Report::default() })
}

/// The server's side, which times.
pub(super) fn receive(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut receiver = Receiver::new(link, slice);
    let mut receive = |count| (0..count).try_for_each(|_| receiver.receive());
    receive(slice.warm_up)?;
    let before = Usage::so_far()?;
    let start = clock::now();
    receive(slice.messages)?;
    let elapsed_ns = clock::now() - start;
    let usage = before.elapsed()?;
    receive(run_out(slice))?;
    Ok(Report { elapsed_ns, usage, ..Report::default() })
}

/// As much flow behind the messages that count as before them.
fn run_out(slice: &Slice) -> u64 {
    slice.warm_up
}
