//! The time relative to the same program written on libc.

use ipcraft_bench::{Row, Workload};

use super::dots::{Dot, dots, scale};
use super::panel::{Legend, Panel, common_size, is_mechanism, panels, series, sizes};
use super::part::{figure, figures, section, tabs};
use super::scale::Scale;
use super::svg::Axis;
use super::tick;
use crate::{Labelled, units};

/// Returns the section.
pub(super) fn ratio(runs: &[Labelled], legend: &Legend) -> String {
    let usual = common_size(runs, Workload::RoundTrip);
    let (mut panes, mut selected) = (Vec::new(), 0);
    for workload in [Workload::RoundTrip, Workload::Stream, Workload::Uncontended, Workload::Contended] {
        let sizes = sizes(runs, |row| row.workload == workload && has_ratio(row));
        let ends = [sizes.first(), sizes.last()].map(Option::<&usize>::copied);
        for size in sizes.into_iter().filter(|size| Some(*size) == usual || ends.contains(&Some(*size))) {
            if workload == Workload::RoundTrip && Some(size) == usual {
                selected = panes.len();
            }
            panes.push((title(workload, size), pane(runs, legend, workload, size)));
        }
    }
    if panes.is_empty() {
        return String::new();
    }
    section(
        "ratio",
        "Ratio to libc",
        "The time relative to the same program written directly on libc, over neighbouring slices; \
         the whiskers are the interval. At 1 the library costs nothing. Channels are absent: libc \
         has none. Hollow markers are noisy figures.",
        &tabs("ratio", selected, &panes),
    )
}

fn has_ratio(row: &Row) -> bool {
    let usable = row.ratio_to_baseline.is_some_and(|ratio| ratio.value.is_finite() && ratio.value > 0.0);
    is_mechanism(row) && usable && row.equal_baseline == Some(true)
}

fn title(workload: Workload, size: usize) -> String {
    match workload {
        Workload::RoundTrip => format!("round trip, {}", units::size(size)),
        Workload::Stream => format!("stream, {}", units::size(size)),
        _ => format!("locks, {}", workload.name()),
    }
}

fn pane(runs: &[Labelled], legend: &Legend, workload: Workload, size: usize) -> String {
    let panels = panels(runs, |row| row.workload == workload && row.size == size && has_ratio(row));
    let rows: Vec<Vec<Dot>> = panels.iter().map(|panel| rows(panel, legend)).collect();
    let Some(scale) = scale(rows.iter().flatten(), Some(1.0)) else {
        return String::new();
    };
    let chart = |(panel, dots): (&Panel<'_>, &Vec<Dot>)| {
        figure(panel, &chart(dots, scale, &format!("{}, {}", title(workload, size), panel.title)))
    };
    figures(&panels.iter().zip(&rows).map(chart).collect::<Vec<_>>())
}

fn rows(panel: &Panel<'_>, legend: &Legend) -> Vec<Dot> {
    let mut dots: Vec<Dot> = panel.rows.iter().filter_map(|row| dot(row, legend)).collect();
    dots.sort_by(|a, b| a.value.total_cmp(&b.value));
    dots
}

fn dot(row: &Row, legend: &Legend) -> Option<Dot> {
    let ratio = row.ratio_to_baseline?;
    let noisy = if row.noisy { ", noisy" } else { "" };
    let name = series(row);
    Some(Dot {
        attributes: legend.dot(row),
        value: ratio.value,
        whisker: Some((ratio.low, ratio.high)),
        tooltip: format!(
            "{name}: {:.2} vs libc ({:.2} to {:.2}), {} pairs{noisy}",
            ratio.value, ratio.low, ratio.high, row.ratio_pairs
        ),
        name,
    })
}

fn chart(rows: &[Dot], scale: Scale, title: &str) -> String {
    let axis = Axis { scale, title: "time vs libc", label: tick::ratio };
    dots(rows, axis, Some(1.0), &format!("Ratio to libc, {title}"), "Each mechanism with its interval")
}
