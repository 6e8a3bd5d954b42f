//! The CPU time per message against the latency: what speed costs.

use ipcraft_bench::{Row, Workload};

use super::escape::escape;
use super::panel::{Legend, Panel, common_size, is_mechanism, panels, series, sizes, time};
use super::part::{figure, figures, key, section, tabs};
use super::scale::Scale;
use super::svg::{Axis, Frame, marker};
use super::tick;
use crate::{Labelled, units};

/// Returns the section.
pub(super) fn cpu(runs: &[Labelled], legend: &Legend) -> String {
    let sizes = sizes(runs, fits);
    let usual = common_size(runs, Workload::RoundTrip);
    let selected = sizes.iter().position(|size| Some(*size) == usual).unwrap_or_default();
    let panes: Vec<_> = sizes.iter().map(|&size| (units::size(size), pane(runs, legend, size))).collect();
    if panes.is_empty() {
        return String::new();
    }
    section(
        "cpu",
        "CPU time against latency",
        "CPU time of both processes per round trip, user and system. The best mechanisms are at the \
         lower left: fast, and cheap. Hollow markers are noisy figures.",
        &(key(legend) + &tabs("cpu", selected, &panes)),
    )
}

fn fits(row: &Row) -> bool {
    is_mechanism(row)
        && row.workload == Workload::RoundTrip
        && time(row).is_some()
        && row.cpu_ns_per_message.is_some_and(|cpu| cpu.is_finite() && cpu >= 0.0)
}

fn pane(runs: &[Labelled], legend: &Legend, size: usize) -> String {
    let panels = panels(runs, |row| row.size == size && fits(row));
    let rows = || panels.iter().flat_map(|panel| &panel.rows);
    let cpu = Scale::log(rows().filter_map(|row| row.cpu_ns_per_message));
    let Some((times, cpu)) = Scale::log(rows().filter_map(|row| time(row))).zip(cpu) else {
        return String::new();
    };
    let chart = |panel: &Panel<'_>| figure(panel, &chart(panel, legend, times, cpu, size));
    figures(&panels.iter().map(chart).collect::<Vec<_>>())
}

fn chart(panel: &Panel<'_>, legend: &Legend, times: Scale, cpu: Scale, size: usize) -> String {
    let frame = Frame::new(
        Axis { scale: times, title: "time per round trip", label: tick::time },
        Axis { scale: cpu, title: "CPU time per round trip", label: tick::time },
    );
    let mut shapes = String::new();
    for row in legend.coloured_last(&panel.rows) {
        let at = || Some((frame.at_x(time(row)?)?, frame.at_y(row.cpu_ns_per_message?)?));
        if let Some((x, y)) = at() {
            shapes += &format!(
                "<path {} data-t=\"{}\" d=\"{}\"/>",
                legend.attributes(row, "p"),
                escape(&point(row)),
                marker(legend.family(row), x, y)
            );
        }
    }
    let title = format!("CPU time against latency, {}, {}", units::size(size), panel.title);
    frame.svg(&title, "Each mechanism by its time per round trip and the CPU time of both processes", &shapes)
}

fn point(row: &Row) -> String {
    let noisy = if row.noisy { ", noisy" } else { "" };
    let cpu = row.cpu_ns_per_message.map(units::time).unwrap_or_default();
    let system = row.system_ns_per_message.map(|ns| format!(" ({} in the kernel)", units::time(ns)));
    let time = time(row).map(units::time).unwrap_or_default();
    format!("{}: {time}, CPU {cpu}{}{noisy}", series(row), system.unwrap_or_default())
}
