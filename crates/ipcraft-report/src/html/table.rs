//! All rows as one table, which the script sorts and filters.

use std::fmt::Write as _;

use ipcraft_bench::{Estimate, Implementation, Row, Waiting};

use super::escape::escape;
use super::panel::{conditions, series, time};
use super::part::section;
use crate::{Labelled, units};

/// One column: its heading, its explanation, and its cells.
struct Column {
    heading: &'static str,
    explanation: &'static str,
    cell: fn(&Row) -> String,
}

const COLUMNS: [Column; 13] = [
    column("workload", "What the processes did", |row| row.workload.name().replace('_', " ")),
    column("size", "Bytes in a message", |row| units::size(row.size)),
    column("cores", "Where the processes ran", |row| conditions(row.placement, row.distance)),
    column("time", "Time per message or round trip", |row| shown(time(row), units::time)),
    column("p99", "The 99th percentile", |row| shown(row.p99_ns, units::time)),
    column("p99.9", "The 99.9th percentile", |row| shown(row.p999_ns, units::time)),
    column("bandwidth", "Bytes per second", |row| shown(row.bytes_per_s, units::bandwidth)),
    column("CPU", "CPU time of both processes per message", |row| shown(row.cpu_ns_per_message, units::time)),
    column("switches", "Context switches per message", |row| shown(row.switches_per_message, two_digits)),
    column("calls", "System calls per message", |row| shown(row.syscalls_per_message, two_digits)),
    column("vs libc", "Time relative to the same program on libc, with its interval", to_libc),
    column("vs limit", "Time relative to the limit of the machine", |row| {
        shown(row.ratio_to_limit, two_digits)
    }),
    column("", "Remarks", remark),
];

const fn column(heading: &'static str, explanation: &'static str, cell: fn(&Row) -> String) -> Column {
    Column { heading, explanation, cell }
}

/// Returns the section. Baselines appear as ratios alone.
pub(super) fn table(runs: &[Labelled]) -> String {
    let mut body = String::new();
    for (run, labelled) in runs.iter().enumerate() {
        let shown =
            |row: &&Row| !matches!(row.implementation, Implementation::Baseline | Implementation::Plain);
        for row in labelled.results.results.iter().filter(shown) {
            let _ = writeln!(body, "{}", line(runs, run, row));
        }
    }
    if body.is_empty() {
        return String::new();
    }
    let run = if runs.len() > 1 { heading("run", "The run") } else { String::new() };
    let headings: String = COLUMNS.iter().map(|column| heading(column.heading, column.explanation)).collect();
    let content = format!(
        "<p class=script><label>Filter <input type=search id=filter placeholder=\"pipe 64 B two\">\
         </label></p>\n<div class=box tabindex=0 role=region aria-label=\"All figures\">\
         <table id=rows><thead><tr>{run}{}{headings}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n",
        heading("mechanism", "The mechanism, or the limit")
    );
    section("table", "All figures", "A click on a heading sorts by its column.", &content)
}

fn heading(name: &str, explanation: &str) -> String {
    let title = escape(explanation);
    if name.is_empty() { format!("<th title=\"{title}\">") } else { format!("<th title=\"{title}\">{name}") }
}

/// Ends of cells and rows are implied in HTML, which saves a tenth of the file.
fn line(runs: &[Labelled], run: usize, row: &Row) -> String {
    let mut line = String::from("<tr");
    if runs.len() > 1 {
        let _ = write!(line, " data-run={run}");
    }
    line += if row.noisy { " class=noisy>" } else { ">" };
    if runs.len() > 1 {
        let _ = write!(line, "<td>{}", escape(&runs[run].label));
    }
    let _ = write!(line, "<td>{}", escape(&series(row)));
    for column in &COLUMNS {
        let _ = write!(line, "<td>{}", escape(&(column.cell)(row)));
    }
    line
}

fn shown(figure: Option<f64>, show: impl FnOnce(f64) -> String) -> String {
    figure.filter(|figure| figure.is_finite()).map_or_else(String::new, show)
}

fn two_digits(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

fn to_libc(row: &Row) -> String {
    let interval = |ratio: Estimate| format!("{:.2} ({:.2}–{:.2})", ratio.value, ratio.low, ratio.high);
    row.ratio_to_baseline.filter(|_| row.equal_baseline == Some(true)).map_or_else(String::new, interval)
}

fn remark(row: &Row) -> String {
    let mut remarks = Vec::new();
    if row.implementation == Implementation::Limit {
        remarks.push("limit");
    }
    if row.waiting == Waiting::Spin && row.implementation != Implementation::Limit {
        remarks.push("busy-waits");
    }
    if row.noisy {
        remarks.push("noisy");
    }
    remarks.join(", ")
}

#[cfg(test)]
mod tests {
    use ipcraft_bench::Workload;

    use super::*;
    use crate::test_results::{results, row};

    #[test]
    fn table_has_a_cell_for_each_heading_and_no_baselines() {
        let baseline = Row { implementation: Implementation::Baseline, ..row("x", Workload::Stream, 64) };
        let row = Row { noisy: true, ..row("pipe", Workload::RoundTrip, 64) };
        let run = |label: &str| Labelled {
            label: label.into(),
            results: results(vec![row.clone(), baseline.clone()]),
        };
        let html = table(&[run("A"), run("B")]);
        let (headings, cells) = (html.matches("<th ").count(), html.matches("<td>").count());
        assert_eq!((headings, cells), (15, 30), "{html}");
        assert_eq!(html.matches("noisy").count(), 4, "{html}");
    }
}
