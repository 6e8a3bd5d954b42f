//! The time to build both endpoints, and the memory that the kernel may hold for them.

use ipcraft_bench::{Row, Workload};

use super::dots::{Dot, dots, scale};
use super::panel::{Legend, Panel, is_mechanism, panels, series};
use super::part::{figure, figures, section};
use super::svg::Axis;
use super::tick;
use crate::{Labelled, units};

/// One kind of figure.
struct Figure {
    title: &'static str,
    description: &'static str,
    label: fn(f64) -> String,
    value: fn(&Row) -> Option<f64>,
    show: fn(f64) -> String,
}

const SET_UP: Figure = Figure {
    title: "set-up time",
    description: "The time to build both endpoints of each mechanism",
    label: tick::time,
    value: |row| row.setup_us.map(|us| us * 1e3),
    show: units::time,
};

const MEMORY: Figure = Figure {
    title: "memory",
    description: "The bytes that the kernel may hold for a connection of each mechanism",
    label: tick::size,
    value: |row| row.memory_bytes.map(|bytes| bytes as f64),
    show: |bytes| units::size(bytes as usize),
};

/// Returns the section, with the first conditions of each run: neither figure depends on cores.
pub(super) fn setup(runs: &[Labelled], legend: &Legend) -> String {
    let mut all = panels(runs, |row| is_mechanism(row) && row.workload == Workload::RoundTrip);
    let mut seen = Vec::new();
    all.retain(|panel| {
        !seen.contains(&panel.run) && {
            seen.push(panel.run);
            true
        }
    });
    let charts: Vec<String> =
        [SET_UP, MEMORY].iter().flat_map(|kind| charts(&all, runs.len(), legend, kind)).collect();
    section(
        "setup",
        "Set-up and memory",
        "The median time to build both endpoints, and what the kernel may hold for the connection: \
         buffers, queues and memory files. A mechanism without such memory has no dot.",
        &figures(&charts),
    )
}

fn charts(panels: &[Panel<'_>], runs: usize, legend: &Legend, kind: &Figure) -> Vec<String> {
    let rows: Vec<Vec<Dot>> = panels.iter().map(|panel| rows(panel, legend, kind)).collect();
    let Some(scale) = scale(rows.iter().flatten(), None) else {
        return Vec::new();
    };
    let chart = |(panel, rows): (&Panel<'_>, &Vec<Dot>)| {
        let axis = Axis { scale, title: kind.title, label: kind.label };
        let title = if runs == 1 { kind.title.into() } else { format!("{}: {}", panel.title, kind.title) };
        let chart = dots(rows, axis, None, &title, kind.description);
        figure(&Panel { title, rows: Vec::new(), ..*panel }, &chart)
    };
    panels.iter().zip(&rows).filter(|(_, rows)| !rows.is_empty()).map(chart).collect()
}

/// Returns one dot for each series, at its smallest size.
fn rows(panel: &Panel<'_>, legend: &Legend, kind: &Figure) -> Vec<Dot> {
    let mut rows = panel.rows.clone();
    rows.sort_by_key(|row| (series(row), row.size));
    rows.dedup_by_key(|row| series(row));
    let mut dots: Vec<Dot> = rows.into_iter().filter_map(|row| dot(row, legend, kind)).collect();
    dots.sort_by(|a, b| a.value.total_cmp(&b.value));
    dots
}

fn dot(row: &Row, legend: &Legend, kind: &Figure) -> Option<Dot> {
    let value = (kind.value)(row).filter(|value| value.is_finite() && *value > 0.0)?;
    let name = series(row);
    let tooltip = format!("{name}: {}", (kind.show)(value));
    Some(Dot { attributes: legend.dot(row), value, whisker: None, tooltip, name })
}
