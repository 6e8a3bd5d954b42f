//! Two processes that repeat one operation on a shared lock.
//!
//! Both run for the same time, and not for the same number of operations: otherwise the faster one
//! would end early and leave the other without contention.

use std::io;

use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;

/// The time between two readings of the clock, long enough to make their cost negligible.
const CLOCK_INTERVAL_NS: u64 = 5000;

/// Runs either side.
pub(super) fn compete(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let end = slice.start_ns + slice.messages * slice.interval_ns;
    clock::sleep_until(slice.start_ns)?;
    let before = Usage::so_far()?;
    let start = clock::now();
    let (mut now, mut batch, mut done) = (start, 1, 0);
    // At least once, even if this process woke up late.
    while done == 0 || now < end {
        link.repeat(&[], batch)?;
        done += batch;
        let took = clock::now() - now;
        batch = if took < CLOCK_INTERVAL_NS { 2 * batch } else { (batch / 2).max(1) };
        now += took;
    }
    Ok(Report { done: Some(done), elapsed_ns: now - start, usage: before.elapsed()?, ..Report::default() })
}
