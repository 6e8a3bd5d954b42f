//! One line of advice, drawn from the figures.

use ipcraft_bench::{Implementation, Placement, Results, Row, Workload};

use crate::table::time_per_message;
use crate::units;

/// Mechanisms within this factor of the best are as good: choose among them by what they promise.
const AS_GOOD: f64 = 1.1;

/// What to use on this machine; empty if nothing was measured.
pub(crate) fn advice(results: &Results) -> String {
    let small = contenders(results, Workload::RoundTrip, Iterator::min);
    let large = contenders(results, Workload::Stream, Iterator::max);
    let parts: Vec<_> = [answer(&small), bulk(&large)].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("\nOn this machine: {}.\n", parts.join("; ")) }
}

fn answer(rows: &[&Row]) -> Option<String> {
    let best = rows.first()?;
    Some(format!(
        "for a quick answer to {} {} ({} there and back, {})",
        units::size(best.size),
        named(rows),
        units::time(time_per_message(best)),
        place(best),
    ))
}

fn bulk(rows: &[&Row]) -> Option<String> {
    let best = rows.first()?;
    let speed = best.bytes_per_s.map(units::bandwidth)?;
    Some(format!(
        "for bulk in pieces of {} {} ({speed}, {})",
        units::size(best.size),
        named(rows),
        place(best)
    ))
}

fn named(rows: &[&Row]) -> String {
    let names: Vec<_> = rows.iter().map(|row| row.mechanism.as_str()).collect();
    match names.as_slice() {
        [one] => format!("use {one}"),
        many => format!("{} are equally good, so choose by what they promise", many.join(", ")),
    }
}

fn place(row: &Row) -> &'static str {
    match row.placement {
        Some(Placement::SameCore) => "on one core",
        _ => "on two cores",
    }
}

/// The best and those as good, at the size that `pick` chooses, on two cores where that was measured.
fn contenders(
    results: &Results,
    workload: Workload,
    pick: fn(std::vec::IntoIter<usize>) -> Option<usize>,
) -> Vec<&Row> {
    let all: Vec<&Row> = results
        .results
        .iter()
        .filter(|row| row.implementation == Implementation::Ipcraft && row.workload == workload)
        .collect();
    let placement = all.iter().filter_map(|row| row.placement).min();
    let size = pick(all.iter().map(|row| row.size).collect::<Vec<_>>().into_iter());
    let mut rows: Vec<_> =
        all.into_iter().filter(|row| row.placement == placement && Some(row.size) == size).collect();
    rows.sort_by(|a, b| time_per_message(a).total_cmp(&time_per_message(b)));
    let limit = rows.first().map_or(0.0, |best| time_per_message(best) * AS_GOOD);
    rows.retain(|row| time_per_message(row) <= limit);
    rows
}
