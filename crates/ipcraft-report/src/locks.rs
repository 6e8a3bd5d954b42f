//! The tables of the locks: the cost of locking and unlocking, beside the baseline and the plain
//! mutex.

use comfy_table::{CellAlignment, Table};
use ipcraft_bench::{Implementation, Placement, Results, Row, Workload};

use crate::details::{flag, new_table, ratio, shown, time_per_message};
use crate::style::Style;
use crate::units;

/// Returns the tables and their legend. Empty if no lock was measured.
pub(crate) fn tables(results: &Results, style: Style) -> String {
    let mut text = String::new();
    let places = [None, Some(Placement::TwoCores), Some(Placement::SameCore)];
    for &workload in Workload::LOCKS {
        for place in places {
            let rows = of(results, workload, place);
            if !rows.is_empty() {
                text +=
                    &format!("\n{}\n{}\n", title(workload, place), table(results, &rows, style).trim_fmt());
            }
        }
    }
    if !text.is_empty() {
        text += LEGEND;
    }
    text
}

/// Returns the locks in few lines, for the summary. Empty if no lock was measured.
pub(crate) fn compact(results: &Results, width: usize) -> Vec<String> {
    let figures = |row: &Row| -> Vec<String> {
        let rows = PLACES.iter().map(|&(workload, place)| {
            let rows = of(results, workload, place);
            rows.into_iter().find(|other| other.mechanism == row.mechanism)
        });
        rows.map(|row| row.map_or("-".into(), short_time)).collect()
    };
    let measured =
        results.results.iter().filter(|row| is_ranked(row) && Workload::LOCKS.contains(&row.workload));
    let mut items: Vec<String> =
        measured.map(|row| format!("{} {}", row.mechanism, figures(row).join("/"))).collect();
    items.dedup();
    items.sort_unstable();
    items.dedup();
    if items.is_empty() {
        items
    } else {
        wrapped("locks, ns, alone/contended/contended on one core:", &items, width)
    }
}

/// The order of the figures in the compact form.
const PLACES: [(Workload, Option<Placement>); 3] = [
    (Workload::Uncontended, None),
    (Workload::Contended, Some(Placement::TwoCores)),
    (Workload::Contended, Some(Placement::SameCore)),
];

fn short_time(row: &Row) -> String {
    format!("{:.0}{}", time_per_message(row), if row.noisy { "~" } else { "" })
}

/// Joins items with spaces into lines of at most `width` columns.
fn wrapped(title: &str, items: &[String], width: usize) -> Vec<String> {
    let mut lines = vec![title.to_owned()];
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + item.len() <= width => *line += &format!(" {item}"),
            _ => lines.push(item.clone()),
        }
    }
    lines
}

const LEGEND: &str = "\nlibc: the closest C primitive (see --list). \
                      plain: a non-robust process-shared pthread mutex.\n";

fn of(results: &Results, workload: Workload, place: Option<Placement>) -> Vec<&Row> {
    let belongs = |row: &&Row| is_ranked(row) && row.workload == workload && row.placement == place;
    results.results.iter().filter(belongs).collect()
}

/// Returns whether the row is one of the library's, or of what it is compared with in other crates.
fn is_ranked(row: &Row) -> bool {
    matches!(row.implementation, Implementation::Ipcraft | Implementation::Peer | Implementation::Limit)
}

fn title(workload: Workload, place: Option<Placement>) -> &'static str {
    match (workload, place) {
        (Workload::Contended, Some(Placement::SameCore)) => {
            "LOCKS, contended: two processes on one core lock and unlock the same lock"
        }
        (Workload::Contended, _) => {
            "LOCKS, contended: two processes on two cores lock and unlock the same lock"
        }
        _ => "LOCKS, uncontended: one process locks and unlocks",
    }
}

fn table(results: &Results, rows: &[&Row], style: Style) -> Table {
    let mut table = new_table(style);
    table.set_header([
        "lock",
        "time",
        "libc time",
        "plain time",
        "CPU/op",
        "switches/op",
        "vs libc",
        "vs plain",
        "libc vs plain",
        "",
    ]);
    for row in rows {
        table.add_row(line(results, row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn line(results: &Results, row: &Row) -> [String; 10] {
    let (baseline, plain) =
        (beside(results, row, Implementation::Baseline), beside(results, row, Implementation::Plain));
    let time = |row: &Row| units::time(time_per_message(row));
    [
        row.mechanism.clone(),
        time(row),
        shown(baseline, time),
        shown(plain, time),
        shown(row.cpu_ns_per_message, units::time),
        shown(row.switches_per_message, |n| format!("{n:.2}")),
        ratio(row.ratio_to_baseline),
        to_plain(row),
        shown(baseline, to_plain),
        flag(row, false),
    ]
}

fn to_plain(row: &Row) -> String {
    ratio(row.ratio_to_plain)
}

/// Returns the row of another implementation in the same scenario.
fn beside<'a>(results: &'a Results, row: &Row, implementation: Implementation) -> Option<&'a Row> {
    let is_beside = |other: &&Row| {
        other.implementation == implementation
            && (&other.mechanism, other.workload, other.placement)
                == (&row.mechanism, row.workload, row.placement)
    };
    results.results.iter().find(is_beside)
}
