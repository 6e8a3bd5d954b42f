//! The long tables, one per scenario.

use comfy_table::{Attribute, Cell, CellAlignment, LineStyle, Row, Table as Grid, TableStyle};
use ipcraft_bench::{Estimate, Implementation, Launch, Results, RowError};
use ipcraft_report::Style;

use crate::results::{Line, Run, Table};
use crate::work::Task;

/// Rules around the header and at the end, none between rows.
const STYLE: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// From this size in bytes on, the table shows the bandwidth of a stream.
const LARGE: usize = 4096;

/// Returns one table for each scenario, and the legend.
pub(crate) fn text(run: &Run, style: Style) -> String {
    let mut text = String::new();
    for table in &run.tables {
        let mut grid = grid(table);
        if style.bold {
            grid.enforce_styling();
        } else {
            grid.force_no_tty();
        }
        text += &format!("\n{}\n{}\n", table.title, grid.trim_fmt());
    }
    text + &legend(run)
}

/// Returns how soon each competitor noticed that its peer was killed, the fastest first, in lines
/// of at most `width` columns. Empty if nothing was killed.
pub(crate) fn deaths(run: &Run, width: usize) -> String {
    let mut text = String::new();
    for table in run.tables.iter().filter(|table| table.task.is_death()) {
        let mut lines: Vec<&Line> = table.lines.iter().filter(|line| line.error.is_none()).collect();
        let duration = |line: &&Line| line.row.timeout_ns.or(line.row.p50_ns).unwrap_or_default() as u64;
        lines.sort_by_key(duration);
        let items: Vec<_> = lines.into_iter().filter_map(noticed).collect();
        text += &format!("{}\n{}", table.title, wrapped(&items, width));
    }
    text
}

/// Returns `None` if nothing was measured.
fn noticed(line: &Line) -> Option<String> {
    let never = line.row.timeout_ns.map(|ns| format!("{} {}", line.label, never(ns)));
    never.or_else(|| line.row.p50_ns.map(|ns| format!("{} after {}", line.label, time(ns))))
}

/// Joins items by commas, in indented lines of at most `width` columns.
fn wrapped(items: &[String], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len() + item.len() + 3 <= width => *line += &format!(", {item}"),
            Some(line) => {
                line.push(',');
                lines.push(format!("  {item}"));
            }
            None => lines.push(format!("  {item}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Returns what failed, and why.
pub(crate) fn failures(results: &Results) -> String {
    let line = |error: &RowError| format!("FAILED: {}: {}\n", error.workload.name(), error.message);
    results.errors.iter().map(line).collect()
}

fn grid(table: &Table) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(STYLE);
    let reference = table.lines.first().map_or("", |line| &line.label);
    let rate = if is_large(table) { "bandwidth" } else { "rate" };
    let relative = format!("× {reference}");
    grid.set_header(["", "p50", "p90", "p99", rate, "CPU/msg", "switches/msg", &relative, "launches", ""]);
    for line in &table.lines {
        grid.add_row(row(table, line));
    }
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    grid
}

fn is_large(table: &Table) -> bool {
    table.task == Task::Stream && table.size >= LARGE
}

fn row(table: &Table, line: &Line) -> Row {
    let figures = &line.row;
    let rate = if is_large(table) {
        shown(figures.bytes_per_s, bandwidth)
    } else {
        shown(figures.messages_per_s, rate)
    };
    let cells = [
        line.label.clone(),
        // A call that never returned has no time, and the ones before it do not stand for it.
        figures.timeout_ns.map_or_else(|| shown(figures.p50_ns, time), never),
        shown(figures.p90_ns, time),
        shown(figures.p99_ns, time),
        rate,
        shown(figures.cpu_ns_per_message, time),
        shown(figures.switches_per_message, |switches| format!("{switches:.2}")),
        shown(figures.ratio_to_library, ratio),
        range(&figures.launches),
        flag(line).to_owned(),
    ];
    let style = |cell: String| match figures.implementation {
        Implementation::Ipcraft => Cell::new(cell).add_attribute(Attribute::Bold),
        Implementation::Limit => Cell::new(cell).add_attribute(Attribute::Dim),
        _ => Cell::new(cell),
    };
    Row::from(cells.into_iter().map(style).collect::<Vec<_>>())
}

/// Describes a call that was still blocked after that time.
fn never(ns: f64) -> String {
    format!("never (>{:.0} s)", ns / 1e9)
}

fn flag(line: &Line) -> &'static str {
    match (&line.error, line.row.noisy) {
        (Some(_), _) => "FAILED",
        (None, true) => "noisy",
        (None, false) => "",
    }
}

fn legend(run: &Run) -> String {
    let mut text = String::from(
        "\np50 to p99: per message, over samples. A sample is the mean of 100 round trips if they take less \
         than a microsecond, and of about 30 us of a stream of small messages.\n\
         rate: of the undisturbed slices. CPU, switches: of both sides together.\n\
         ×: time relative to the first line in the same round, and the interval over launches.\n\
         launches: lowest and highest median of fresh processes.\n",
    );
    if run.tables.iter().flat_map(|table| &table.lines).any(|line| line.row.noisy) {
        text += "noisy: the interval of the time is wide, or there were fewer than three launches.\n";
    }
    if run.tables.iter().any(|table| table.task.is_death()) {
        text += "DEATH OF A PEER: from the kill to the return of the blocked call.\n";
    }
    if !run.results.complete {
        text += "Interrupted: the results are incomplete.\n";
    }
    text
}

fn shown<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(String::new, show)
}

/// Formats a ratio and its interval with equally many decimals.
fn ratio(ratio: Estimate) -> String {
    let places = decimals(ratio.value);
    format!("{:.places$} ({:.places$} to {:.places$})", ratio.value, ratio.low, ratio.high)
}

fn range(launches: &[Launch]) -> String {
    let least = launches.iter().map(|launch| launch.time_ns).reduce(f64::min);
    let most = launches.iter().map(|launch| launch.time_ns).reduce(f64::max);
    least.zip(most).map_or_else(String::new, |(least, most)| format!("{} to {}", time(least), time(most)))
}

/// Formats a number: `0.0025`, `0.25`, `12.5`, `230`.
fn digits(number: f64) -> String {
    format!("{number:.0$}", decimals(number))
}

fn decimals(number: f64) -> usize {
    match number {
        n if n < 0.1 && n > 0.0 => 4,
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    }
}

/// Formats a time: `1.43 ns`, `340 ns`, `11.0 us`, `4.29 ms`.
fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{} ns", digits(ns)),
        ns if ns < 1e6 => format!("{} us", digits(ns / 1e3)),
        ns => format!("{} ms", digits(ns / 1e6)),
    }
}

/// Formats a rate: `2.30 M/s`, `28.4 k/s`.
fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e6 => format!("{} M/s", digits(r / 1e6)),
        r if r >= 1e3 => format!("{} k/s", digits(r / 1e3)),
        r => format!("{} /s", digits(r)),
    }
}

/// Formats a bandwidth: `4.57 GB/s`, `83.0 MB/s`.
fn bandwidth(bytes_per_second: f64) -> String {
    match bytes_per_second {
        b if b >= 1e9 => format!("{} GB/s", digits(b / 1e9)),
        b => format!("{} MB/s", digits(b / 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_suitable_unit() {
        assert_eq!(
            [time(1.434), time(340.4), time(11_020.0), time(4_292_607.0)],
            ["1.43 ns", "340 ns", "11.0 us", "4.29 ms"]
        );
        assert_eq!([rate(28_423.0), rate(700e6), rate(12.0)], ["28.4 k/s", "700 M/s", "12.0 /s"]);
        assert_eq!([bandwidth(4.571e9), bandwidth(8.3e7)], ["4.57 GB/s", "83.0 MB/s"]);
        assert_eq!(ratio(Estimate { value: 20.04, low: 19.8, high: 21.0 }), "20.0 (19.8 to 21.0)");
        let items = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
        assert_eq!(wrapped(&items, 11), "  one, two,\n  three\n");
        assert_eq!(never(3e9), "never (>3 s)");
    }
}
