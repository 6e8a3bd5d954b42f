//! One process that repeats one operation.

use std::io;

use super::payload::Payload;
use super::round_trip::time;
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;
use crate::link::Role;

/// Runs the client's side; the server does nothing.
pub(super) fn repeat(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut payload = Payload::new(slice.size, Role::Client.salt());
    let message = payload.message(0);
    link.repeat(message, slice.warm_up.max(1))?;
    let before = Usage::so_far()?;
    let start = clock::now();
    let samples = time(slice.messages / slice.batch, 1, || link.repeat(message, slice.batch))?;
    let elapsed_ns = clock::now() - start;
    let usage = before.elapsed()?;
    let singles = time(slice.singles, 1, || link.send(message))?;
    Ok(Report { samples, singles, elapsed_ns, usage, ..Report::default() })
}
