//! The lines of the matrix: one for each mechanism, the fastest first.

use ipcraft_bench::{Results, Row};

use super::choice::Chosen;
use super::columns::{Column, is_mechanism};
use crate::units;

/// One mechanism, or one variant of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) name: String,
    /// The row of each column.
    pub(super) rows: Vec<Option<&'a Row>>,
    /// Whether it carries none of the sizes of the columns. Its figures stand in the first column
    /// of each block, and are not ranked.
    pub(super) is_odd: bool,
}

/// Returns the lines, the fastest in the first column first.
pub(super) fn lines<'a>(results: &'a Results, chosen: &Chosen, columns: &[Column]) -> Vec<Line<'a>> {
    let shown: Vec<&Row> =
        results.results.iter().filter(|row| is_mechanism(row) && chosen.has(row)).collect();
    let mut keys: Vec<(&str, Option<&str>)> = Vec::new();
    for row in &shown {
        if !keys.contains(&key(row)) {
            keys.push(key(row));
        }
    }
    let of_key = |wanted| shown.iter().copied().filter(|row| key(row) == wanted).collect::<Vec<_>>();
    let mut lines: Vec<Line<'_>> = keys.into_iter().filter_map(|key| line(&of_key(key), columns)).collect();
    lines.sort_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal));
    lines
}

fn key(row: &Row) -> (&str, Option<&str>) {
    (&row.mechanism, row.variant.as_deref())
}

/// Returns the line of one mechanism; `None` if none of its rows is of a workload in the matrix.
fn line<'a>(rows: &[&'a Row], columns: &[Column]) -> Option<Line<'a>> {
    let first = rows.first()?;
    let name = first.variant.as_ref().map_or(first.mechanism.clone(), |v| format!("{} {v}", first.mechanism));
    let found = |column: &Column| rows.iter().copied().find(|row| column.has(row));
    let cells: Vec<Option<&Row>> = columns.iter().map(found).collect();
    if cells.iter().any(Option::is_some) {
        return Some(Line { name, rows: cells, is_odd: false });
    }
    let size = nearest_size(rows, columns)?;
    let odd = |column: &Column| {
        let own = Column { size, ..*column };
        rows.iter().copied().find(|row| column.first && own.has(row))
    };
    let cells: Vec<Option<&Row>> = columns.iter().map(odd).collect();
    let name = format!("{name} {}", units::size(size));
    cells.iter().any(Option::is_some).then_some(Line { name, rows: cells, is_odd: true })
}

fn nearest_size(rows: &[&Row], columns: &[Column]) -> Option<usize> {
    let smallest = columns.iter().map(|column| column.size).min()?;
    let in_matrix = |row: &&&Row| columns.iter().any(|column| column.workload == row.workload);
    rows.iter().filter(in_matrix).map(|row| row.size).min_by_key(|size| size.abs_diff(smallest))
}

/// Sorts by the first column in which there is a figure.
fn order(line: &Line<'_>) -> (usize, f64) {
    let figure = |row: &Option<&Row>| row.and_then(|row| row.time_ns).map(|time| time.value);
    line.rows
        .iter()
        .enumerate()
        .find_map(|(index, row)| Some((index, figure(row)?)))
        .unwrap_or((usize::MAX, 0.0))
}
