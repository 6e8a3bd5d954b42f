//! The long tables: one per workload and place, with a block per message size, the fastest first.

use comfy_table::{Attribute, Cell, CellAlignment, LineStyle, Row as Line, Table, TableStyle, presets};
use ipcraft_bench::{Distance, Estimate, Implementation, Placement, Results, Row, Workload};

use crate::conditions::header;
use crate::style::Style;
use crate::{locks, units};

/// Rules around the header and at the end, none between rows.
const RULES: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// Returns everything that was measured: the conditions, the tables, and the failures.
pub fn details(results: &Results, style: Style) -> String {
    let text = [header(results), tables(results, style), locks::tables(results, style), legend(results)];
    style.encode(text.concat())
}

/// Creates a table in the style of this crate.
pub(crate) fn new_table(style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(if style.rules { RULES } else { presets::NOTHING });
    table
}

/// Returns the tables of the mechanisms that carry messages.
fn tables(results: &Results, style: Style) -> String {
    let mut text = String::new();
    for &workload in Workload::MESSAGES {
        for (placement, distance) in PLACES {
            let rows = of(results, workload, placement, distance);
            if rows.iter().any(|row| row.implementation != Implementation::Limit) {
                let table = table(workload, &rows, style);
                text += &format!("\n{}\n{}\n", title(workload, placement, distance), table.trim_fmt());
            }
        }
    }
    text
}

/// The places that have tables of their own. Near and apart cores are never mixed.
const PLACES: [(Placement, Option<Distance>); 4] = [
    (Placement::TwoCores, None),
    (Placement::TwoCores, Some(Distance::Near)),
    (Placement::TwoCores, Some(Distance::Apart)),
    (Placement::SameCore, None),
];

/// Returns the rows of the mechanisms and the limits. The baselines appear as a ratio.
fn of(results: &Results, workload: Workload, placement: Placement, distance: Option<Distance>) -> Vec<&Row> {
    let is_here = |row: &Row| row.placement == Some(placement) && row.distance == distance;
    let belongs = |row: &&Row| match row.implementation {
        Implementation::Ipcraft | Implementation::Peer => row.workload == workload && is_here(row),
        Implementation::Limit if workload == Workload::Stream && row.mechanism == "memcpy" => true,
        Implementation::Limit => row.workload == workload && workload != Workload::Rate && is_here(row),
        Implementation::Baseline | Implementation::Plain => false,
    };
    results.results.iter().filter(belongs).collect()
}

fn title(workload: Workload, placement: Placement, distance: Option<Distance>) -> String {
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
    let distance = distance.map_or(String::new(), |distance| format!(" that are {}", distance.name()));
    format!("{what}; {place}{distance}")
}

/// Round trips and fixed rates have percentiles; a stream has a rate.
fn table(workload: Workload, rows: &[&Row], style: Style) -> Table {
    let mut table = new_table(style);
    let timed = workload != Workload::Stream;
    let figures: &[&str] = if timed { &["p50", "p90", "p99", "p99.9"] } else { &["messages", "bandwidth"] };
    let header = ["size", "mechanism"].iter().chain(figures).chain(&[
        "CPU/msg",
        "switches/msg",
        "vs libc",
        "vs limit",
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
    let of_mechanisms = rows.iter().filter(|row| row.implementation != Implementation::Limit);
    let mut sizes: Vec<_> = of_mechanisms.map(|row| row.size).collect();
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
    let best = block.iter().position(|row| row.implementation != Implementation::Limit && !row.noisy);
    for (index, row) in block.iter().enumerate() {
        table.add_row(line(row, (index == 0).then_some(size), best == Some(index), timed, style));
    }
}

/// Returns the time by which rows are sorted.
pub(crate) fn time_per_message(row: &Row) -> f64 {
    row.time_ns.map_or(f64::INFINITY, |time| time.value)
}

/// Formats a row. The first one of a block contains the size.
fn line(row: &Row, size: Option<usize>, best: bool, timed: bool, style: Style) -> Line {
    let limit = row.implementation == Implementation::Limit;
    let variant = row.variant.as_ref().map_or(String::new(), |variant| format!(" {variant}"));
    let name = format!("{}{variant}", row.mechanism);
    let name = if limit { format!("({name} limit)") } else { name };
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

/// Explains what the names of the columns cannot, and lists the failures.
fn legend(results: &Results) -> String {
    let mut text = String::from(
        "\nCPU and switches are those of both processes. vs libc: time relative to the same program on \
         libc,\n± half the interval; empty for channels, which libc lacks. vs limit: time relative to \
         the fastest\nexchange that hardware and kernel allow.\n",
    );
    if results.results.iter().any(|row| row.noisy) {
        text +=
            "noisy: the launches differ too much to rank the row; another workload probably interfered.\n";
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
        let text = tables(&results(vec![pipe, channel]), Style::default());
        assert_eq!(text.matches("±").count(), 1, "{text}");
    }

    #[test]
    fn details_without_rules_and_unicode_are_ascii() {
        let text = |style| details(&results(vec![row("pipe", Workload::RoundTrip, 64)]), style);
        assert!(text(Style::default()).is_ascii());
        let full = text(Style { unicode: true, rules: true, bold: false });
        assert!(full.contains('─') && full.contains("0.50 ±0.05"), "{full}");
    }

    #[test]
    fn near_and_apart_cores_have_tables_of_their_own() {
        let at = |distance| Row { distance: Some(distance), ..row("pipe", Workload::RoundTrip, 64) };
        let text = details(&results(vec![at(Distance::Near), at(Distance::Apart)]), Style::default());
        assert_eq!(text.matches("\nROUND TRIP").count(), 2, "{text}");
        assert!(text.contains("two cores that are near") && text.contains("two cores that are apart"));
    }
}
