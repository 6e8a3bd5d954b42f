//! Ping-pong.

use std::io;

use super::exchange::Exchange;
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;
use crate::peer::Role;

/// The client's side, which times.
pub(super) fn ask(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut exchange = Exchange::new(link, Role::Client, slice.size);
    for _ in 0..slice.warm_up {
        ask_once(&mut exchange)?;
    }
    let before = Usage::so_far()?;
    let start = clock::now();
    let samples = time(slice.messages / slice.batch, slice.batch, || ask_once(&mut exchange))?;
    let elapsed_ns = clock::now() - start;
    let usage = before.elapsed()?;
    let singles = time(slice.singles, 1, || ask_once(&mut exchange))?;
    Ok(Report { samples, singles, elapsed_ns, usage, ..Report::default() })
}

/// The server's side.
pub(super) fn answer(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut exchange = Exchange::new(link, Role::Server, slice.size);
    let mut answer = |count| (0..count).try_for_each(|_| answer_once(&mut exchange));
    answer(slice.warm_up)?;
    let before = Usage::so_far()?;
    answer(slice.messages / slice.batch * slice.batch)?;
    let usage = before.elapsed()?;
    answer(slice.singles)?;
    Ok(Report { usage, ..Report::default() })
}

#[inline]
fn ask_once(exchange: &mut Exchange<'_>) -> io::Result<()> {
    exchange.send()?;
    exchange.receive()
}

#[inline]
fn answer_once(exchange: &mut Exchange<'_>) -> io::Result<()> {
    exchange.receive()?;
    exchange.send()
}

/// Nanoseconds for each of `samples` batches of operations. One reading of the clock ends a sample and starts the next.
#[inline]
pub(super) fn time(
    samples: u64,
    batch: u64,
    mut operation: impl FnMut() -> io::Result<()>,
) -> io::Result<Vec<u64>> {
    let mut times = Vec::with_capacity(samples as usize);
    let mut last = clock::now();
    for _ in 0..samples {
        for _ in 0..batch {
            operation()?;
        }
        let now = clock::now();
        times.push(now - last);
        last = now;
    }
    Ok(times)
}
