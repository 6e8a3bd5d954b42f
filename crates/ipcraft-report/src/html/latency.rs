//! The distribution of latencies: percentiles over time, on an axis of nines.

use ipcraft_bench::{Row, Workload};

use super::panel::{Legend, Panel, common_size, panels, series, sizes};
use super::part::{figure, figures, key, section, tabs};
use super::scale::Scale;
use super::svg::{Axis, Frame, line};
use super::tick;
use crate::{Labelled, units};

const WORKLOADS: [Workload; 2] = [Workload::RoundTrip, Workload::Rate];

/// Returns the section.
pub(super) fn latency(runs: &[Labelled], legend: &Legend) -> String {
    let mut panes = Vec::new();
    let mut selected = 0;
    for workload in WORKLOADS {
        let usual = common_size(runs, workload);
        let mut sizes = sizes(runs, |row| fits(row, workload));
        if workload == Workload::Rate {
            sizes.retain(|size| Some(*size) == usual);
        }
        for size in sizes {
            if workload == Workload::RoundTrip && Some(size) == usual {
                selected = panes.len();
            }
            panes.push((title(workload, size), pane(runs, legend, workload, size)));
        }
    }
    if panes.is_empty() {
        return String::new();
    }
    let content = key(legend) + &tabs("latency", selected, &panes);
    section(
        "latency",
        "Latency",
        "The time of a round trip or, at a fixed rate, of a message from when it was due. Each step \
         up is another nine: at 99 % one message in a hundred takes longer. A curve ends where fewer \
         than one sample remains.",
        &content,
    )
}

fn fits(row: &Row, workload: Workload) -> bool {
    row.workload == workload && !curve(row).is_empty()
}

fn title(workload: Workload, size: usize) -> String {
    let rate = if workload == Workload::Rate { ", fixed rate" } else { "" };
    format!("{}{rate}", units::size(size))
}

fn pane(runs: &[Labelled], legend: &Legend, workload: Workload, size: usize) -> String {
    let panels = panels(runs, |row| row.size == size && fits(row, workload));
    let all = || panels.iter().flat_map(|panel| &panel.rows).flat_map(|row| curve(row));
    let Some(scale) = Scale::log(all().map(|(_, ns)| ns)) else {
        return String::new();
    };
    let nines = Scale::nines(all().map(|(percentile, _)| percentile).fold(0.0, f64::max));
    let chart =
        |panel: &Panel<'_>| figure(panel, &chart(panel, legend, scale, nines, &title(workload, size)));
    figures(&panels.iter().map(chart).collect::<Vec<_>>())
}

fn chart(panel: &Panel<'_>, legend: &Legend, scale: Scale, nines: Scale, size: &str) -> String {
    let frame = Frame::new(
        Axis { scale, title: "time", label: tick::time },
        Axis { scale: nines, title: "share that takes no longer", label: |p| format!("{p} %") },
    );
    let mut shapes = String::new();
    for row in legend.coloured_last(&panel.rows) {
        let points: Vec<_> = curve(row)
            .into_iter()
            .filter_map(|(percentile, ns)| Some((frame.at_x(ns)?, frame.at_y(percentile)?)))
            .collect();
        shapes += &format!("<path {} d=\"{}\"/>", legend.attributes(row, "c"), line(&points));
    }
    let names: Vec<_> = panel.rows.iter().map(|row| series(row)).collect();
    let title = format!("Latency, {size}, {}", panel.title);
    frame.svg(&title, &format!("Distribution of latencies of {}", names.join(", ")), &shapes)
}

/// Returns the percentiles and times of a row up to the last percentile that a sample supports. The
/// longest sample is never drawn.
fn curve(row: &Row) -> Vec<(f64, f64)> {
    let supported = 100.0 * (1.0 - 1.0 / row.samples.max(1) as f64);
    let drawn = |(percentile, ns): &&(f64, f64)| *percentile <= supported && *percentile < 100.0 && *ns > 0.0;
    row.percentiles.iter().filter(drawn).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_results::row;

    #[test]
    fn curve_ends_at_the_last_supported_percentile() {
        let percentiles = vec![(0.0, 0.0), (50.0, 10.0), (90.0, 20.0), (99.0, 30.0), (100.0, 40.0)];
        let row = Row { samples: 20, percentiles, ..row("pipe", Workload::RoundTrip, 64) };
        assert_eq!(curve(&row), [(50.0, 10.0), (90.0, 20.0)]);
        assert_eq!(curve(&Row { samples: 1000, ..row }).last(), Some(&(99.0, 30.0)));
    }
}
