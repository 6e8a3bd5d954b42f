//! Messages on a schedule.
//!
//! Both sides know the schedule, and a message's number says when it was due. A sender that is late, because it was not woken in
//! time or because there was no room, sends at once; and the receiver counts from when the message was due. So what waits
//! in a queue, or in front of it, is not hidden.

use std::io;

use super::flow::{Receiver, Sender};
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;

/// The client's side.
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

/// The server's side, which times.
pub(super) fn receive(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut receiver = Receiver::new(link, slice);
    (0..slice.warm_up).try_for_each(|_| receiver.receive())?;
    let before = Usage::so_far()?;
    let latency = |number| {
        receiver.receive()?;
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
