//! One way, as fast as the receiver accepts.
//!
//! The counted messages are the middle of a longer stream. The buffers are full when the
//! measurement begins and still full when it ends. So the figure is that of the slower side, and
//! not of filling or draining a buffer.

use std::io;

use super::windowed::{Receiver, Sender};
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;

/// Runs the client's side.
pub(super) fn send(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut sender = Sender::new(link, slice);
    let mut send = |count| (0..count).try_for_each(|_| sender.send());
    send(slice.warm_up)?;
    let before = Usage::so_far()?;
    send(slice.messages)?;
    let usage = before.elapsed()?;
    send(trailing(slice))?;
    sender.drain_acknowledgements()?;
    Ok(Report { usage, ..Report::default() })
}

/// Runs the server's side, which measures the time.
pub(super) fn recv(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut receiver = Receiver::new(link, slice);
    let mut receive = |count| (0..count).try_for_each(|_| receiver.recv());
    receive(slice.warm_up)?;
    let before = Usage::so_far()?;
    let start = clock::now();
    receive(slice.messages)?;
    let elapsed_ns = clock::now() - start;
    let usage = before.elapsed()?;
    receive(trailing(slice))?;
    Ok(Report { elapsed_ns, usage, ..Report::default() })
}

/// Returns the number of messages after the counted ones: as many as before them.
fn trailing(slice: &Slice) -> u64 {
    slice.warm_up
}
