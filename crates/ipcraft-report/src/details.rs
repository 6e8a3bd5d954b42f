//! The tables: one per workload and placement, with a block per message size, the fastest first.

use comfy_table::{Attribute, Cell, CellAlignment, LineStyle, Row as Line, Table, TableStyle};
use ipcraft_bench::{Estimate, Implementation, Placement, Results, Row, Workload};

use crate::{Style, locks, units};

/// Rules around the header and at the end, none between rows.
pub(crate) const STYLE: TableStyle =
    TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// Returns the tables of the mechanisms that carry messages, and those of the locks.
pub fn tables(results: &Results, style: Style) -> String {
    let mut text = String::new();
    for &workload in Workload::MESSAGES {
        for &placement in Placement::ALL {
            let rows = of(results, workload, placement);
            if rows.iter().any(|row| row.implementation == Implementation::Ipcraft) {
                text += &format!(
                    "\n{}\n{}\n",
                    title(workload, placement),
                    table(workload, &rows, style).trim_fmt()
                );
            }
        }
    }
    text + &locks::tables(results)
}

/// Returns the library's rows and the limits. The baselines appear as a ratio.
fn of(results: &Results, workload: Workload, placement: Placement) -> Vec<&Row> {
    let belongs = |row: &&Row| match row.implementation {
        Implementation::Ipcraft => row.workload == workload && row.placement == Some(placement),
        Implementation::Limit => is_limit_of(row, workload, placement),
        Implementation::Baseline | Implementation::Plain | Implementation::Peer => false,
    };
    results.results.iter().filter(belongs).collect()
}

fn is_limit_of(row: &Row, workload: Workload, placement: Placement) -> bool {
    match workload {
        Workload::RoundTrip => row.workload == workload && row.placement == Some(placement),
        Workload::Stream => row.mechanism == "memcpy",
        _ => false,
    }
}

fn title(workload: Workload, placement: Placement) -> String {
    let what = match workload {
        Workload::RoundTrip => "ROUND TRIP: a message there and one back",
        Workload::Stream => "STREAM: one way, as fast as the receiver accepts",
        Workload::Rate => "RATE: 1000 messages per second, one way; latency from when each message was due",
        _ => "",
    };
    let place = match placement {
        Placement::TwoCores => "two cores",
        Placement::SameCore => "both processes on one core",
    };
    format!("{what}; {place}")
}

/// Round trips and fixed rates have percentiles; a stream has a rate.
fn table(workload: Workload, rows: &[&Row], style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    let timed = workload != Workload::Stream;
    let figures: &[&str] = if timed { &["p50", "p90", "p99", "p99.9"] } else { &["messages", "bandwidth"] };
    let header = ["size", "mechanism"].iter().chain(figures).chain(&[
        "CPU/msg",
        "switches/msg",
        "× libc",
        "× limit",
        "",
    ]);
    table.set_header(header.copied());
    for (index, size) in sizes(rows).into_iter().enumerate() {
        if index > 0 {
            table.add_row([""]);
        }
        add_block(&mut table, rows, size, timed, style);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn sizes(rows: &[&Row]) -> Vec<usize> {
    let of_library = rows.iter().filter(|row| row.implementation == Implementation::Ipcraft);
    let mut sizes: Vec<_> = of_library.map(|row| row.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn add_block(table: &mut Table, rows: &[&Row], size: usize, timed: bool, style: Style) {
    // A limit without a message appears beside the smallest messages.
    let smallest = sizes(rows).first() == Some(&size);
    let belongs = |row: &&&Row| match row.implementation {
        Implementation::Limit => row.size == size || (smallest && timed),
        _ => row.size == size,
    };
    let mut block: Vec<_> = rows.iter().filter(belongs).copied().collect();
    block.sort_by(|a, b| time_per_message(a).total_cmp(&time_per_message(b)));
    let best = block.iter().position(|row| row.implementation == Implementation::Ipcraft);
    for (index, row) in block.iter().enumerate() {
        table.add_row(line(row, (index == 0).then_some(size), best == Some(index), timed, style));
    }
}

/// Returns the time by which rows are sorted.
pub(crate) fn time_per_message(row: &Row) -> f64 {
    let from_rate = || row.messages_per_s.filter(|rate| *rate > 0.0).map(|rate| 1e9 / rate);
    row.p50_ns.or_else(from_rate).unwrap_or(f64::INFINITY)
}

/// Formats a row. The first one of a block contains the size.
fn line(row: &Row, size: Option<usize>, best: bool, timed: bool, style: Style) -> Line {
    let limit = row.implementation == Implementation::Limit;
    let name = if limit { format!("({} limit)", row.mechanism) } else { row.mechanism.clone() };
    let mut cells = vec![shown(size, units::size), name];
    if timed {
        cells.extend([row.p50_ns, row.p90_ns, row.p99_ns, row.p999_ns].map(|ns| shown(ns, units::time)));
    } else {
        cells.push(shown(row.messages_per_s, units::rate));
        cells.push(shown(row.bytes_per_s, units::bandwidth));
    }
    cells.push(shown(row.cpu_ns_per_message, units::time));
    cells.push(shown(row.switches_per_message, |n| format!("{n:.2}")));
    cells.push(ratio_to_libc(row));
    cells.push(shown(row.ratio_to_limit, |ratio| format!("{ratio:.1}")));
    cells.push(flag(row, best));
    let styled = |cell: String| {
        let cell = Cell::new(cell);
        match (best, limit) {
            (true, _) if style.bold => cell.add_attribute(Attribute::Bold),
            (_, true) if style.bold => cell.add_attribute(Attribute::Dim),
            _ => cell,
        }
    };
    Line::from(cells.into_iter().map(styled).collect::<Vec<_>>())
}

pub(crate) fn shown<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(String::new, show)
}

/// Formats a ratio with half the width of its interval.
pub(crate) fn ratio(ratio: Option<Estimate>) -> String {
    shown(ratio, |ratio| format!("{:.2} ±{:.2}", ratio.value, (ratio.high - ratio.low) / 2.0))
}

/// Formats the ratio to libc. Empty for channels: their baseline is a naive ring, with fewer
/// guarantees.
fn ratio_to_libc(row: &Row) -> String {
    match row.equal_baseline {
        Some(true) => ratio(row.ratio_to_baseline),
        _ => String::new(),
    }
}

pub(crate) fn flag(row: &Row, best: bool) -> String {
    match (best, row.noisy) {
        (true, false) => "best".into(),
        (true, true) => "best, noisy".into(),
        (false, true) => "noisy".into(),
        (false, false) => String::new(),
    }
}

/// Returns the meaning of the columns, and the errors.
pub fn legend(results: &Results) -> String {
    let mut text = String::from(
        "\nCPU, switches: of both processes together.\n\
         × libc: time relative to the same program written on libc (± half the interquartile range); \
         empty for channels, which libc lacks.\n\
         × limit: time relative to the fastest exchange that hardware and kernel allow.\n",
    );
    if results.results.iter().any(|row| row.noisy) {
        text += "noisy: runs differ by more than 50 %; another workload probably interfered. \
                 Do not trust this row.\n";
    }
    for error in &results.errors {
        let place = error.placement.map_or("", Placement::name);
        text += &format!(
            "FAILED: {} {} {place} {}: {}\n",
            error.mechanism,
            error.workload.name(),
            units::size(error.size),
            error.message
        );
    }
    if !results.complete {
        text += "Interrupted: the results are incomplete.\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_results::{results, row};

    #[test]
    fn ratio_to_libc_is_empty_for_channels() {
        let pipe = row("pipe", Workload::RoundTrip, 64);
        let channel = Row { equal_baseline: Some(false), ..row("channel", Workload::RoundTrip, 64) };
        assert_eq!((ratio_to_libc(&pipe), ratio_to_libc(&channel)), ("0.50 ±0.05".into(), String::new()));
        let text = tables(&results(vec![pipe, channel]), Style { bold: false });
        assert_eq!(text.matches("±").count(), 1, "{text}");
    }
}
