//! A message there and one of the same size back.

use std::io;

use super::checked_link::CheckedLink;
use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::{Link, Role};

/// Runs the client's side, which measures the time.
pub(super) fn ask(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut link = CheckedLink::new(link, Role::Client, slice.size);
    for _ in 0..slice.warm_up {
        ask_once(&mut link)?;
    }
    let before = Usage::so_far()?;
    let start = clock::now();
    let samples = time(slice.messages / slice.batch, slice.batch, || ask_once(&mut link))?;
    let elapsed_ns = clock::now() - start;
    let usage = before.elapsed()?;
    let singles = time(slice.singles, 1, || ask_once(&mut link))?;
    Ok(Report { samples, singles, elapsed_ns, usage, ..Report::default() })
}

/// Runs the server's side.
pub(super) fn answer(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let mut link = CheckedLink::new(link, Role::Server, slice.size);
    let mut answer = |count| (0..count).try_for_each(|_| answer_once(&mut link));
    answer(slice.warm_up)?;
    let before = Usage::so_far()?;
    answer(slice.messages / slice.batch * slice.batch)?;
    let usage = before.elapsed()?;
    answer(slice.singles)?;
    Ok(Report { usage, ..Report::default() })
}

#[inline]
fn ask_once(link: &mut CheckedLink<'_>) -> io::Result<()> {
    link.send()?;
    link.recv()
}

#[inline]
fn answer_once(link: &mut CheckedLink<'_>) -> io::Result<()> {
    link.recv()?;
    link.send()
}

/// Returns the nanoseconds of each of `samples` batches of operations. One reading of the clock
/// ends a sample and starts the next.
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
