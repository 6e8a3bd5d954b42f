//! The recommendation: the mechanism with the lowest latency, and the one with the highest
//! throughput.
//!
//! It compares only rows with the same message size, the same placement and the same promise.

use std::collections::BTreeMap;

use ipcraft_bench::{Implementation, Placement, Promise, Results, Row, Waiting, Workload, find};

use crate::details::time_per_message;
use crate::units;

/// Mechanisms within this factor of the best one count as equal.
const TIE_FACTOR: f64 = 1.1;

/// Returns the recommendation for this machine. Empty if nothing comparable was measured.
pub fn recommendation(results: &Results) -> String {
    let latency = best(results, Workload::RoundTrip, |sizes| sizes.into_iter().min());
    let throughput = best(results, Workload::Stream, |sizes| sizes.into_iter().max());
    let lines = [latency.map(|rows| latency_line(&rows)), throughput.map(|rows| throughput_line(&rows))];
    let text: String = lines.into_iter().flatten().collect();
    if text.is_empty() { text } else { format!("\n{text}{LEGEND}") }
}

const LEGEND: &str =
    "Compared: mechanisms that deliver every message in order and do not busy-wait without limit.\n";

fn latency_line(rows: &[&Row]) -> String {
    let best = rows[0];
    let time = units::time(time_per_message(best));
    format!(
        "Lowest latency ({}): {}, {time} per round trip{}.\n",
        conditions(best),
        best.mechanism,
        ties(rows)
    )
}

fn throughput_line(rows: &[&Row]) -> String {
    let best = rows[0];
    let bandwidth = best.bytes_per_s.map(units::bandwidth).unwrap_or_default();
    format!("Highest throughput ({}): {}, {bandwidth}{}.\n", conditions(best), best.mechanism, ties(rows))
}

fn conditions(row: &Row) -> String {
    let place = if row.placement == Some(Placement::SameCore) { "one core" } else { "two cores" };
    format!("{}, {place}", units::size(row.size))
}

fn ties(rows: &[&Row]) -> String {
    let names: Vec<_> = rows[1..].iter().map(|row| row.mechanism.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("; equal within 10 %: {}", names.join(", ")) }
}

/// Returns the best row and its ties, best first, at a common size. It prefers two cores.
fn best(
    results: &Results,
    workload: Workload,
    select: impl FnOnce(Vec<usize>) -> Option<usize>,
) -> Option<Vec<&Row>> {
    let comparable = |row: &&Row| {
        row.implementation == Implementation::Ipcraft && row.workload == workload && has_common_promise(row)
    };
    let rows: Vec<&Row> = results.results.iter().filter(comparable).collect();
    let placement = rows.iter().filter_map(|row| row.placement).min()?;
    let mut rows: Vec<&Row> = rows.into_iter().filter(|row| row.placement == Some(placement)).collect();
    let size = select(common_sizes(&rows))?;
    rows.retain(|row| row.size == size);
    rows.sort_by(|a, b| time_per_message(a).total_cmp(&time_per_message(b)));
    let limit = time_per_message(rows.first()?) * TIE_FACTOR;
    rows.retain(|row| time_per_message(row) <= limit);
    Some(rows)
}

fn has_common_promise(row: &Row) -> bool {
    let reliable = |mechanism: &ipcraft_bench::Mechanism| mechanism.promise == Promise::EveryMessage;
    row.waiting != Waiting::Spin && find(&row.mechanism).is_some_and(reliable)
}

/// Returns the sizes at which more than half of the mechanisms were measured.
fn common_sizes(rows: &[&Row]) -> Vec<usize> {
    let mut mechanisms: Vec<&str> = rows.iter().map(|row| row.mechanism.as_str()).collect();
    mechanisms.sort_unstable();
    mechanisms.dedup();
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row.size).or_insert(0) += 1;
    }
    counts.into_iter().filter(|(_, count)| 2 * count > mechanisms.len()).map(|(size, _)| size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_results::{results, row};

    fn round_trip(mechanism: &str, size: usize, p50_ns: f64) -> Row {
        Row { p50_ns: Some(p50_ns), ..row(mechanism, Workload::RoundTrip, size) }
    }

    fn stream(mechanism: &str, size: usize, messages_per_s: f64) -> Row {
        let bytes_per_s = Some(messages_per_s * size as f64);
        Row { messages_per_s: Some(messages_per_s), bytes_per_s, ..row(mechanism, Workload::Stream, size) }
    }

    #[test]
    fn recommendation_compares_only_a_common_size() {
        let text = recommendation(&results(vec![
            round_trip("signalfd", 4, 34_800.0),
            round_trip("eventfd", 8, 100.0),
            round_trip("channel_broadcast", 64, 145.0),
            round_trip("channel_mpmc", 64, 150.0),
            round_trip("pipe", 64, 40_000.0),
        ]));
        assert!(text.contains("Lowest latency (64 B, two cores): channel_broadcast, 145 ns"), "{text}");
        assert!(text.contains("equal within 10 %: channel_mpmc."), "{text}");
        assert!(!text.contains("signalfd") && !text.contains("eventfd"), "{text}");
    }

    #[test]
    fn recommendation_excludes_weaker_promises_and_spinning() {
        let text = recommendation(&results(vec![
            round_trip("channel", 64, 200.0),
            round_trip("channel_latest", 64, 100.0),
            Row { waiting: Waiting::Spin, ..round_trip("channel_spin", 64, 110.0) },
            round_trip("udp", 64, 120.0),
        ]));
        assert!(text.contains("two cores): channel, 200 ns per round trip.\n"), "{text}");
    }

    #[test]
    fn recommendation_for_throughput_takes_the_largest_common_size() {
        let text = recommendation(&results(vec![
            stream("pipe", 64, 2e6),
            stream("channel", 64, 50e6),
            stream("pipe", 65_536, 4e4),
            stream("channel", 65_536, 2e5),
        ]));
        assert!(text.contains("Highest throughput (64 KiB, two cores): channel, 13.11 GB/s.\n"), "{text}");
    }

    #[test]
    fn recommendation_without_a_common_size_is_empty() {
        let text =
            recommendation(&results(vec![round_trip("signalfd", 4, 1.0), round_trip("pipe", 64, 2.0)]));
        assert_eq!(text, "");
    }
}
