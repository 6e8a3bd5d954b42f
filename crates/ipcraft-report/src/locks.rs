//! The tables of the locks: the cost of locking and unlocking, beside the baseline and the plain
//! mutex.

use comfy_table::{CellAlignment, Table};
use ipcraft_bench::{Implementation, Placement, Results, Row, Workload};

use crate::details::{STYLE, flag, ratio, shown, time_per_message};
use crate::units;

/// Returns the tables and their legend. Empty if no lock was measured.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    let places = [None, Some(Placement::TwoCores), Some(Placement::SameCore)];
    for &workload in Workload::LOCKS {
        for place in places {
            let rows = of(results, workload, place);
            if !rows.is_empty() {
                text += &format!("\n{}\n{}\n", title(workload, place), table(results, &rows).trim_fmt());
            }
        }
    }
    if !text.is_empty() {
        text += LEGEND;
    }
    text
}

const LEGEND: &str = "\nlibc: the closest C primitive (see --list). \
                      plain: a non-robust process-shared pthread mutex.\n";

fn of(results: &Results, workload: Workload, place: Option<Placement>) -> Vec<&Row> {
    let belongs = |row: &&Row| {
        row.implementation == Implementation::Ipcraft && row.workload == workload && row.placement == place
    };
    results.results.iter().filter(belongs).collect()
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

fn table(results: &Results, rows: &[&Row]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header([
        "lock",
        "time",
        "libc",
        "plain",
        "CPU/op",
        "switches/op",
        "× libc",
        "× plain",
        "libc × plain",
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
