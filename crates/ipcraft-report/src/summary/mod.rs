//! The summary: one matrix of mechanisms and sizes, the conditions, and three recommendations.
//!
//! It has at most [`MAX_LINES`] lines. The matrix is shortened if the rest needs more.

mod cells;
mod choice;
mod columns;
mod layout;
mod mechanisms;
mod recommendation;

use ipcraft_bench::Results;

use crate::conditions::{notices, one_line};
use crate::locks;
use crate::style::{Style, clip};
use choice::Chosen;
use layout::Matrix;

/// The most lines of a summary, so that it fits a terminal.
pub const MAX_LINES: usize = 40;

/// The widest summary, in columns.
pub const MAX_WIDTH: usize = 100;

/// Returns what a run found, in at most [`MAX_LINES`] lines.
///
/// A line has at most `width` columns, and never more than [`MAX_WIDTH`].
pub fn summary(results: &Results, width: usize, style: Style) -> String {
    let width = width.min(MAX_WIDTH);
    let chosen = Chosen::of(results);
    let mut below: Vec<String> = locks::compact(results, width);
    below.extend(marks(results));
    below.extend(chosen.note(results));
    below.push(one_line(results));
    below.extend(notices(results));
    below.extend(recommendation::lines(results, &chosen, width));
    let matrix = Matrix::new(results, &chosen, width);
    let mut lines = matrix.lines(MAX_LINES - below.len(), style);
    lines.extend(below.into_iter().map(|line| clip(&line, width)));
    lines.join("\n") + "\n"
}

/// Returns the recommendations, one line each.
pub(crate) fn recommendations(results: &Results) -> Vec<String> {
    recommendation::lines(results, &Chosen::of(results), usize::MAX)
}

/// Explains the marks of the matrix. `None` if nothing is marked.
fn marks(results: &Results) -> Option<String> {
    let rows = results.results.len();
    (rows > 0).then(|| {
        format!("* best by time_ns, = equal to it within the noise, ~ noisy; --details: all {rows} rows")
    })
}

#[cfg(test)]
mod tests;
