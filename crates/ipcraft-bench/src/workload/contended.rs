//! Two processes that repeat one operation on what they share, and get in each other's way.
//!
//! Both begin and end at the same time, and not after the same number: the one that gets more than its share would be done
//! early, and leave the other undisturbed.

use std::io;

use super::{Report, Slice, Usage};
use crate::clock;
use crate::link::Link;

/// How much is done between two readings of the clock: enough for these not to show.
const PIECE_NS: u64 = 5000;

/// Either side.
pub(super) fn compete(link: &mut dyn Link, slice: &Slice) -> io::Result<Report> {
    let end = slice.start_ns + slice.messages * slice.interval_ns;
    clock::sleep_until(slice.start_ns)?;
    let before = Usage::so_far()?;
    let start = clock::now();
    let (mut now, mut piece, mut done) = (start, 1, 0);
    // Once in any case, also if this process was woken late.
    while done == 0 || now < end {
        link.repeat(&[], piece)?;
        done += piece;
        let took = clock::now() - now;
        piece = if took < PIECE_NS { 2 * piece } else { (piece / 2).max(1) };
        now += took;
    }
    Ok(Report { done: Some(done), elapsed_ns: now - start, usage: before.elapsed()?, ..Report::default() })
}
