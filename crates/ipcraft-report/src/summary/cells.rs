//! The figures of the matrix, and their marks.

use ipcraft_bench::{Estimate, Implementation, Placement, Results, Row, Workload};

use super::choice::Chosen;
use super::columns::Column;
use super::mechanisms::Line;
use crate::units;

/// What a figure is marked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    Best,
    Equal,
    Noisy,
}

impl Mark {
    pub(super) fn sign(self) -> char {
        match self {
            Mark::None => ' ',
            Mark::Best => '*',
            Mark::Equal => '=',
            Mark::Noisy => '~',
        }
    }
}

/// One figure with its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) mark: Mark,
}

/// Returns the cells of all lines in one column.
pub(super) fn cells(lines: &[Line<'_>], column: &Column, index: usize) -> Vec<Option<Cell>> {
    let ranked = lines.iter().filter(|line| !line.is_odd);
    let best = best(ranked.filter_map(|line| line.rows[index]));
    let cell = |line: &Line<'_>| {
        let row = line.rows[index]?;
        let mark = if line.is_odd { unranked(row) } else { mark(row, best) };
        Some(Cell { text: figure(column.workload, shown_ns(row)?, row.size), mark })
    };
    lines.iter().map(cell).collect()
}

/// Returns the time of the fastest row, noisy or not: its estimate survives most disturbances.
fn best<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<Estimate> {
    let times = rows.filter_map(|row| row.time_ns);
    times.min_by(|a, b| a.value.total_cmp(&b.value))
}

fn mark(row: &Row, best: Option<Estimate>) -> Mark {
    match (row.time_ns, best) {
        (Some(time), Some(best)) if time == best => Mark::Best,
        _ if row.noisy => Mark::Noisy,
        (Some(time), Some(best)) if time.overlaps(&best) => Mark::Equal,
        _ => Mark::None,
    }
}

fn unranked(row: &Row) -> Mark {
    if row.noisy { Mark::Noisy } else { Mark::None }
}

/// Returns the figure of the limit: what no mechanism can beat.
pub(super) fn limit(results: &Results, chosen: &Chosen, column: &Column) -> Option<String> {
    let limits = results.results.iter().filter(|row| row.implementation == Implementation::Limit);
    let bounds = limits.filter(|row| chosen.has(row) && is_bound(row, column));
    let time = bounds.filter_map(shown_ns).min_by(f64::total_cmp)?;
    // On one core, the copy in and the copy out take the time of the same core.
    let copies = column.workload == Workload::Stream && column.placement == Placement::SameCore;
    Some(figure(column.workload, if copies { 2.0 * time } else { time }, column.size))
}

fn is_bound(row: &Row, column: &Column) -> bool {
    match column.workload {
        Workload::Stream => row.size == column.size && row.mechanism == "memcpy",
        _ => {
            row.workload == column.workload
                && row.placement == Some(column.placement)
                && row.size <= column.size
        }
    }
}

/// Returns the time that is shown: the median of a round trip, the time per message of a stream.
///
/// Rows are ranked by their `time_ns`, which has an interval.
pub(super) fn shown_ns(row: &Row) -> Option<f64> {
    row.p50_ns.or(row.time_ns.map(|time| time.value))
}

/// Formats a time per message: in microseconds for a round trip, as a bandwidth for a stream.
fn figure(workload: Workload, time_ns: f64, size: usize) -> String {
    match workload {
        Workload::Stream => units::digits(size as f64 / time_ns * 1e3),
        _ => units::digits(time_ns / 1e3),
    }
}
