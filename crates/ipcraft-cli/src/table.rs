//! The tables: one for each workload and placement, in blocks of one message size, the fastest first.

use comfy_table::{Attribute, Cell, CellAlignment, LineStyle, Row as Line, Table, TableStyle};
use ipcraft_bench::{Implementation, Placement, Results, Row, Workload};

use crate::units;

/// Lines around the header and at the end, none between rows.
pub(crate) const STYLE: TableStyle =
    TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// The tables of what carries messages.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    for &workload in Workload::MESSAGES {
        for &placement in Placement::ALL {
            let rows = of(results, workload, placement);
            if rows.iter().any(|row| row.implementation == Implementation::Ipcraft) {
                text += &format!("\n{}\n{}\n", title(workload, placement), table(workload, &rows).trim_fmt());
            }
        }
    }
    text
}

/// The library's rows and the floors beside them; the raw twins show as a ratio.
fn of(results: &Results, workload: Workload, placement: Placement) -> Vec<&Row> {
    let belongs = |row: &&Row| match row.implementation {
        Implementation::Ipcraft => row.workload == workload && row.placement == Some(placement),
        Implementation::Floor => is_floor_of(row, workload, placement),
        Implementation::Raw | Implementation::Plain => false,
    };
    results.results.iter().filter(belongs).collect()
}

fn is_floor_of(row: &Row, workload: Workload, placement: Placement) -> bool {
    match workload {
        Workload::RoundTrip => row.workload == workload && row.placement == Some(placement),
        Workload::Stream => row.mechanism == "memcpy",
        _ => false,
    }
}

fn title(workload: Workload, placement: Placement) -> String {
    let what = match workload {
        Workload::RoundTrip => "ROUND TRIP: a message there and one back",
        Workload::Stream => "STREAM: one way, as fast as the receiver takes",
        Workload::Rate => "RATE: 1000 messages a second, one way, from when each was due",
        _ => "",
    };
    let place = match placement {
        Placement::TwoCores => "two cores",
        Placement::SameCore => "both processes on one core",
    };
    format!("{what}; {place}")
}

/// A round trip or a schedule has percentiles; a stream has a rate.
fn table(workload: Workload, rows: &[&Row]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    let timed = workload != Workload::Stream;
    let figures: &[&str] = if timed { &["p50", "p90", "p99", "p99.9"] } else { &["messages", "bandwidth"] };
    let header =
        ["size", "mechanism"].iter().chain(figures).chain(&["CPU", "switches", "x raw", "x floor", ""]);
    table.set_header(header.copied());
    for (index, size) in sizes(rows).into_iter().enumerate() {
        if index > 0 {
            table.add_row([""]);
        }
        add_block(&mut table, rows, size, timed);
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

fn add_block(table: &mut Table, rows: &[&Row], size: usize, timed: bool) {
    // A floor in which nothing but the turn travels stands beside the smallest messages.
    let smallest = sizes(rows).first() == Some(&size);
    let belongs = |row: &&&Row| match row.implementation {
        Implementation::Floor => row.size == size || (smallest && timed),
        _ => row.size == size,
    };
    let mut block: Vec<_> = rows.iter().filter(belongs).copied().collect();
    block.sort_by(|a, b| time_per_message(a).total_cmp(&time_per_message(b)));
    let best = block.iter().position(|row| row.implementation == Implementation::Ipcraft);
    for (index, row) in block.iter().enumerate() {
        table.add_row(line(row, (index == 0).then_some(size), best == Some(index), timed));
    }
}

/// What rows are sorted by.
pub(crate) fn time_per_message(row: &Row) -> f64 {
    let from_rate = || row.messages_per_s.filter(|rate| *rate > 0.0).map(|rate| 1e9 / rate);
    row.p50_ns.map(|ns| ns as f64).or_else(from_rate).unwrap_or(f64::INFINITY)
}

/// The first line of a block says the size.
fn line(row: &Row, size: Option<usize>, best: bool, timed: bool) -> Line {
    let floor = row.implementation == Implementation::Floor;
    let name = if floor { format!("({} floor)", row.mechanism) } else { row.mechanism.clone() };
    let mut cells = vec![shown(size, units::size), name];
    if timed {
        cells.extend(
            [row.p50_ns, row.p90_ns, row.p99_ns, row.p999_ns]
                .map(|ns| shown(ns, |ns| units::time(ns as f64))),
        );
    } else {
        cells.push(shown(row.messages_per_s, units::rate));
        cells.push(shown(row.bytes_per_s, units::bandwidth));
    }
    cells.push(shown(row.cpu_ns_per_message, units::time));
    cells.push(shown(row.switches_per_message, |n| format!("{n:.2}")));
    cells.push(ratio(row.ratio_to_raw, row.ratio_spread));
    cells.push(shown(row.ratio_to_floor, |ratio| format!("{ratio:.1}")));
    cells.push(remark(row, best));
    let style = |cell: String| {
        let cell = Cell::new(cell);
        match (best, floor) {
            (true, _) => cell.add_attribute(Attribute::Bold),
            (_, true) => cell.add_attribute(Attribute::Dim),
            _ => cell,
        }
    };
    Line::from(cells.into_iter().map(style).collect::<Vec<_>>())
}

pub(crate) fn shown<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(String::new, show)
}

/// With half the distance between the quartiles.
pub(crate) fn ratio(ratio: Option<f64>, spread: Option<f64>) -> String {
    match (ratio, spread) {
        (Some(ratio), Some(spread)) => format!("{ratio:.2} ±{:.2}", spread / 2.0),
        _ => String::new(),
    }
}

pub(crate) fn remark(row: &Row, best: bool) -> String {
    match (best, row.disturbed) {
        (true, false) => "best".into(),
        (true, true) => "best, disturbed".into(),
        (false, true) => "disturbed".into(),
        (false, false) => String::new(),
    }
}

/// What the columns mean, and what went wrong.
pub(crate) fn legend(results: &Results) -> String {
    let mut text = String::from(
        "\nCPU and switches: of both processes, per message. x raw: time as a multiple of the same thing in hand-written C, with half the \
         distance between the quartiles. x floor: of what the machine allows at best.\n",
    );
    if results.results.iter().any(|row| row.disturbed) {
        text +=
            "disturbed: the launches differ by more than half; something else ran, believe none of them.\n";
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
        text += "Interrupted: this is what had been measured until then.\n";
    }
    text
}
