//! The printed tables.

use comfy_table::{Attribute, Cell, CellAlignment, LineStyle, Row, Table as Grid, TableStyle};

use crate::results::{Line, Results, Table};
use crate::work::Task;

/// Rules around the header and at the end, none between rows.
const STYLE: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// From this size in bytes on, the table shows the bandwidth of a stream.
const LARGE: usize = 4096;

/// Returns everything that is printed.
pub(crate) fn text(results: &Results) -> String {
    let mut text = conditions(results);
    for table in &results.rows {
        text += &format!("\n{}\n{}\n", table.title, grid(table).trim_fmt());
        for line in &table.lines {
            if let Some(error) = &line.error {
                text += &format!("FAILED: {}: {error}\n", line.competitor);
            }
        }
    }
    text + &legend(results)
}

fn conditions(results: &Results) -> String {
    let env = &results.environment;
    let versions: Vec<_> =
        results.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let used: Vec<_> = env.cores_used.iter().map(ToString::to_string).collect();
    let machine = match env.virtualised {
        Some(true) => "virtual machine",
        Some(false) => "bare metal",
        None => "virtualization: unknown",
    };
    let mut text = format!(
        "{}\n{}, {} on {}, {}, {machine}\ncores {} of {} allowed, used: {}; {}; clock read: {:.0} ns; load {}; stolen {}; {:.0} s\n",
        versions.join(", "),
        env.date,
        env.kernel,
        env.architecture,
        env.cpu,
        env.cores_allowed,
        env.cores_online,
        used.join(" and "),
        if env.pinned { "all pinned" } else { "NOT all pinned" },
        env.clock_cost_ns,
        shown(env.load_average, |load| format!("{load:.1}")),
        shown(env.steal_ms, |ms| format!("{ms} ms")),
        env.duration_s,
    );
    for note in &env.notes {
        text += &format!("note: {note}\n");
    }
    text
}

fn grid(table: &Table) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(STYLE);
    let reference = table.lines.first().map_or("", |line| line.competitor);
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
    let rate =
        if is_large(table) { shown(line.bytes_per_s, bandwidth) } else { shown(line.messages_per_s, rate) };
    let cells = [
        line.competitor.to_owned(),
        shown(line.p50_ns, time),
        shown(line.p90_ns, time),
        shown(line.p99_ns, time),
        rate,
        shown(line.cpu_ns_per_message, time),
        shown(line.switches_per_message, |switches| format!("{switches:.2}")),
        ratio(line.ratio, line.ratio_spread),
        range(&line.launch_medians_ns),
        flag(line).to_owned(),
    ];
    let is_ours = line.competitor.starts_with("ipcraft");
    let is_limit = line.competitor.starts_with("limit");
    let style = |cell: String| match (is_ours, is_limit) {
        (true, _) => Cell::new(cell).add_attribute(Attribute::Bold),
        (_, true) => Cell::new(cell).add_attribute(Attribute::Dim),
        _ => Cell::new(cell),
    };
    Row::from(cells.into_iter().map(style).collect::<Vec<_>>())
}

fn flag(line: &Line) -> &'static str {
    match (&line.error, line.noisy) {
        (Some(_), _) => "FAILED",
        (None, true) => "noisy",
        (None, false) => "",
    }
}

fn legend(results: &Results) -> String {
    let mut text = String::from(
        "\np50 to p99: per message, over samples. A sample is the mean of 100 round trips if they take less \
         than a microsecond, and of about 30 us of a stream of small messages.\n\
         rate: of the median slice. CPU, switches: of both sides together.\n\
         ×: time relative to the first line (± half the interquartile range).\n\
         launches: lowest and highest median of fresh processes.\n",
    );
    if results.rows.iter().flat_map(|table| &table.lines).any(|line| line.noisy) {
        text += "noisy: launches differ by more than 50 %; another workload probably interfered. \
                 Do not trust this line.\n";
    }
    if !results.complete {
        text += "Interrupted: the results are incomplete.\n";
    }
    text
}

fn shown<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(String::new, show)
}

/// Formats a ratio and its spread with equally many decimals.
fn ratio(ratio: Option<f64>, spread: Option<f64>) -> String {
    match (ratio, spread) {
        (Some(ratio), Some(spread)) => format!("{ratio:.0$} ±{1:.0$}", decimals(ratio), spread / 2.0),
        _ => String::new(),
    }
}

fn range(medians: &[f64]) -> String {
    let least = medians.iter().copied().reduce(f64::min);
    let most = medians.iter().copied().reduce(f64::max);
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
        assert_eq!(ratio(Some(20.04), Some(0.5)), "20.0 ±0.2");
        assert_eq!(ratio(Some(0.0042), Some(0.0)), "0.0042 ±0.0000");
        assert_eq!(range(&[300.0, 250.0]), "250 ns to 300 ns");
    }
}
