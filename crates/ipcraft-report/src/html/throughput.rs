//! The throughput against the size of messages, below the limit that copying sets.

use ipcraft_bench::{Implementation, Row, Workload};

use super::escape::escape;
use super::panel::{Legend, Panel, is_mechanism, panels, series, time};
use super::part::{figure, figures, key, section};
use super::scale::Scale;
use super::svg::{Axis, Frame, line, marker, text};
use super::tick;
use crate::{Labelled, units};

/// The space of a name beside the end of its line.
const NAME_HEIGHT: i32 = 27;

/// Returns the section.
pub(super) fn throughput(runs: &[Labelled], legend: &Legend) -> String {
    let panels = panels(runs, |row| row.workload == Workload::Stream && bandwidth(row).is_some());
    let limits: Vec<_> = runs.iter().map(memcpy).collect();
    let rows =
        || panels.iter().flat_map(|panel| &panel.rows).copied().chain(limits.iter().flatten().copied());
    let scales = Scale::log(rows().map(|row| row.size as f64)).zip(Scale::log(rows().filter_map(bandwidth)));
    let Some((sizes, bandwidths)) = scales else {
        return String::new();
    };
    let chart =
        |panel: &Panel<'_>| figure(panel, &chart(panel, legend, &limits[panel.run], sizes, bandwidths));
    let content = key(legend) + &figures(&panels.iter().map(chart).collect::<Vec<_>>());
    section(
        "throughput",
        "Throughput against size",
        "A stream of messages, one way. The dashed line without markers is memcpy in one process. \
         Hollow markers are noisy figures.",
        &content,
    )
}

fn memcpy(run: &Labelled) -> Vec<&Row> {
    let is_copy = |row: &&Row| {
        row.implementation == Implementation::Limit && row.mechanism == "memcpy" && bandwidth(row).is_some()
    };
    let mut rows: Vec<_> = run.results.results.iter().filter(is_copy).collect();
    rows.sort_by_key(|row| row.size);
    rows
}

fn bandwidth(row: &Row) -> Option<f64> {
    let from_time = || Some(row.size as f64 * 1e9 / time(row)?);
    row.bytes_per_s.or_else(from_time).filter(|bandwidth| bandwidth.is_finite() && *bandwidth > 0.0)
}

fn chart(panel: &Panel<'_>, legend: &Legend, limit: &[&Row], sizes: Scale, bandwidths: Scale) -> String {
    let frame = Frame {
        right: 256,
        ..Frame::new(
            Axis { scale: sizes, title: "message size", label: tick::size },
            Axis { scale: bandwidths, title: "bytes per second", label: tick::bandwidth },
        )
    };
    let mut shapes = format!("<path class=limit d=\"{}\"/>", line(&points(&frame, limit)));
    let mut ends: Vec<(i32, i32, String, String)> = Vec::new();
    if let Some(&(x, y)) = points(&frame, limit).last() {
        ends.push((x, y, "memcpy".into(), "class=l".into()));
    }
    for (first, rows) in by_series(legend, &panel.rows) {
        let points = points(&frame, &rows);
        shapes += &format!("<path {} d=\"{}\"/>", legend.attributes(first, "c"), line(&points));
        for (row, (x, y)) in rows.iter().zip(&points) {
            shapes += &format!(
                "<path {} data-t=\"{}\" d=\"{}\"/>",
                legend.attributes(row, "p"),
                escape(&point(row)),
                marker(legend.family(row), *x, *y)
            );
        }
        if let Some(&(x, y)) = points.last() {
            ends.push((x, y, series(first), legend.attributes(first, "l")));
        }
    }
    shapes += &names(&frame, ends, legend);
    let title = format!("Throughput against message size, {}", panel.title);
    frame.svg(&title, "Bytes per second of each mechanism, with memcpy as the limit", &shapes)
}

fn points(frame: &Frame, rows: &[&Row]) -> Vec<(i32, i32)> {
    let at = |row: &&Row| Some((frame.at_x(row.size as f64)?, frame.at_y(bandwidth(row)?)?));
    rows.iter().filter_map(at).collect()
}

/// Returns the rows of each series by size, with the coloured series last.
fn by_series<'a>(legend: &Legend, rows: &[&'a Row]) -> Vec<(&'a Row, Vec<&'a Row>)> {
    let mut found: Vec<(&Row, Vec<&Row>)> = Vec::new();
    for row in legend.coloured_last(rows).into_iter().filter(|row| is_mechanism(row)) {
        match found.iter_mut().find(|(first, _)| series(first) == series(row)) {
            Some((_, rows)) => rows.push(row),
            None => found.push((row, vec![row])),
        }
    }
    found.iter_mut().for_each(|(_, rows)| rows.sort_by_key(|row| row.size));
    found
}

fn point(row: &Row) -> String {
    let noisy = if row.noisy { ", noisy" } else { "" };
    let bandwidth = bandwidth(row).map(units::bandwidth).unwrap_or_default();
    let rate = row.messages_per_s.map(units::rate).unwrap_or_default();
    format!("{}, {}: {bandwidth}, {rate}{noisy}", series(row), units::size(row.size))
}

/// Writes the names of coloured series beside the ends of their lines, without overlaps. The names
/// of the others are there for the script, which shows and places them.
fn names(frame: &Frame, mut ends: Vec<(i32, i32, String, String)>, legend: &Legend) -> String {
    ends.sort_by_key(|(_, y, _, _)| *y);
    let is_visible = |name: &str| name == "memcpy" || legend.is_coloured(name);
    ends.retain(|(_, _, name, _)| is_visible(name));
    let wanted: Vec<i32> = ends.iter().map(|(_, y, _, _)| *y).collect();
    let places = spread(&wanted, 24, frame.bottom());
    let mut written = String::new();
    for ((x, y, name, attributes), place) in ends.iter().zip(places) {
        let label = svg_label(attributes, place, name);
        written += &format!("<path class=lead d=\"M{} {y}L628 {place}\"/>{label}", x + 10);
    }
    written
}

fn svg_label(attributes: &str, y: i32, name: &str) -> String {
    let short = if name.chars().count() > 19 {
        name.chars().take(18).collect::<String>() + "…"
    } else {
        name.into()
    };
    text(634, y + 8, "", &short).replacen("class=\"\"", attributes, 1)
}

/// Moves positions apart, down first and then up from the end.
pub(super) fn spread(wanted: &[i32], start: i32, end: i32) -> Vec<i32> {
    let mut places = wanted.to_vec();
    let mut next = start;
    for place in &mut places {
        *place = (*place).max(next);
        next = *place + NAME_HEIGHT;
    }
    let mut last = end;
    for place in places.iter_mut().rev() {
        *place = (*place).min(last);
        last = *place - NAME_HEIGHT;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_keeps_order_and_distance() {
        assert_eq!(spread(&[10, 12, 300], 0, 500), [10, 37, 300]);
        assert_eq!(spread(&[490, 495, 500], 0, 500), [446, 473, 500]);
    }
}
