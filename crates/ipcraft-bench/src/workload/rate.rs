//! Messages on a schedule.
//!
//! Both sides know the schedule: a message's number determines when it is due. A late sender sends
//! immediately, and the receiver measures from when the message was due. So the time that a message
//! spends in a queue, or before it, is included.

use std::io;

use super::windowed::{Receiver, Sender};
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;

/// Runs the client's side.
pub(super) fn send(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut sender = Sender::new(link, slice);
    let mut send = |number| {
        clock::sleep_until(due(slice, number))?;
        sender.send()
    };
    (0..slice.warm_up).try_for_each(&mut send)?;
    let before = Usage::so_far()?;
    (slice.warm_up..total(slice)).try_for_each(&mut send)?;
    Ok(Report { usage: before.elapsed()?, ..Report::default() })
}

/// Runs the server's side, which measures the time.
pub(super) fn recv(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut receiver = Receiver::new(link, slice);
    (0..slice.warm_up).try_for_each(|_| receiver.recv())?;
    let before = Usage::so_far()?;
    let latency = |number| {
        receiver.recv()?;
        Ok(clock::now().saturating_sub(due(slice, number)))
    };
    Ok(Report {
        samples: (slice.warm_up..total(slice)).map(latency).collect::<io::Result<_>>()?,
        elapsed_ns: slice.messages * slice.interval_ns,
        usage: before.elapsed()?,
        ..Report::default()
    })
}

fn total(slice: &Slice) -> u64 {
    slice.warm_up + slice.messages
}

fn due(slice: &Slice, number: u64) -> u64 {
    slice.start_ns + number * slice.interval_ns
}
