//! From tallies to rows.

use crate::floors;
use crate::interleave::{Case, Group, RATE_PER_S};
use crate::placement::Placement;
use crate::registry::{Implementation, Mechanism, Waiting};
use crate::results::{Row, RowError};
use crate::tally::{Tally, median, spread};
use crate::workload::Workload;

/// A row for everything that was measured.
pub(crate) fn rows(groups: &[Group]) -> Vec<Row> {
    let mut rows: Vec<Row> = tallies(groups).filter(|(.., tally, _)| !tally.is_empty()).map(row).collect();
    let ratios: Vec<_> = rows.iter().map(|row| ratio_to_floor(row, &rows)).collect();
    for (row, ratio) in rows.iter_mut().zip(ratios) {
        row.ratio_to_floor = ratio;
    }
    rows
}

/// An error for everything that failed.
pub(crate) fn errors(groups: &[Group]) -> Vec<RowError> {
    let error = |(group, case, implementation, tally, _): Entry<'_>| {
        Some(RowError {
            mechanism: group.mechanism.id.into(),
            implementation,
            workload: case.workload,
            size: case.size,
            placement: group.placement,
            message: tally.error.clone()?,
        })
    };
    tallies(groups).filter_map(error).collect()
}

/// The last are the ratios to the plain lock.
type Entry<'a> = (&'a Group, &'a Case, Implementation, &'a Tally, &'a [f64]);

fn tallies(groups: &[Group]) -> impl Iterator<Item = Entry<'_>> {
    let cases = groups.iter().flat_map(|group| group.cases.iter().map(move |case| (group, case)));
    cases.flat_map(|(group, case)| {
        let implementations = group.mechanism.implementations.iter();
        let measured = case.tallies.iter().zip(&case.ratios_to_plain);
        implementations
            .zip(measured)
            .map(move |((who, _), (tally, to_plain))| (group, case, *who, tally, &to_plain[..]))
    })
}

fn row((group, case, implementation, tally, to_plain): Entry<'_>) -> Row {
    let percentiles = tally.percentiles();
    let time = tally.time_per_message();
    let rate = (case.workload == Workload::Rate).then_some(RATE_PER_S as f64);
    let messages_per_s = rate.or(time.map(|nanoseconds| 1e9 / nanoseconds));
    let is_ours = implementation == Implementation::Ipcraft;
    let to_plain = if implementation == Implementation::Plain { &[] } else { to_plain };
    let ratios = if is_ours { &case.ratios[..] } else { &[] };
    Row {
        mechanism: group.mechanism.id.into(),
        implementation,
        workload: case.workload,
        size: case.size,
        waiting: group.mechanism.waiting,
        placement: group.placement,
        samples: percentiles.map_or(tally.slices() as u64, |found| found.samples),
        p50_ns: percentiles.map(|found| found.p50_ns),
        p90_ns: percentiles.map(|found| found.p90_ns),
        p99_ns: percentiles.map(|found| found.p99_ns),
        p999_ns: percentiles.map(|found| found.p999_ns),
        max_ns: percentiles.map(|found| found.max_ns),
        messages_per_s,
        bytes_per_s: messages_per_s.filter(|_| case.size > 0).map(|rate| rate * case.size as f64),
        cpu_ns_per_message: Some(tally.cpu_ns_per_message()),
        switches_per_message: Some(tally.switches_per_message()),
        setup_us: group.placement.and(tally.setup_us()),
        ratio_to_raw: median(ratios.iter().copied()),
        ratio_spread: spread(ratios.iter().copied()),
        ratio_to_plain: median(to_plain.iter().copied()),
        ratio_to_plain_spread: spread(to_plain.iter().copied()),
        ratio_to_floor: None,
        ratio_pairs: ratios.len(),
        system_ns_per_message: Some(tally.system_ns_per_message()),
        syscalls_per_message: tally.syscalls_per_message,
        memory_bytes: tally.memory_bytes,
        batch: tally.batch,
        single: tally.single_percentiles(),
        launch_medians_ns: tally.launch_medians(),
        disturbed: tally.disturbed(),
        rate_per_s: rate,
    }
}

/// Time per message to that of the fitting floor: see the front page for which floor fits what.
fn ratio_to_floor(row: &Row, rows: &[Row]) -> Option<f64> {
    if row.implementation == Implementation::Floor {
        return None;
    }
    let floor = match row.workload {
        Workload::RoundTrip => turn_taking(row, rows)?,
        Workload::Stream => moving(row, rows)?,
        Workload::Rate | Workload::Call | Workload::Uncontended | Workload::Contended => return None,
    };
    Some(time_of(row)? / floor)
}

fn time_of(row: &Row) -> Option<f64> {
    row.messages_per_s.map(|rate| 1e9 / rate)
}

/// Two processes have to take turns, asleep or awake; for those awake the better of two ways is the floor.
fn turn_taking(row: &Row, rows: &[Row]) -> Option<f64> {
    let of = |floor| find(rows, floor, row.placement, None);
    match (row.waiting, row.placement?) {
        (Waiting::Block, _) | (Waiting::Adaptive, Placement::SameCore) => of(&floors::FUTEX),
        (Waiting::Spin | Waiting::Adaptive, _) => {
            Some(of(&floors::CACHELINE_CAS)?.min(of(&floors::CACHELINE_STORE)?))
        }
    }
}

/// The bytes have to be copied, and by a sleeper's mechanism within a system call; on one core both ends take that core's
/// time.
fn moving(row: &Row, rows: &[Row]) -> Option<f64> {
    let copy = find(rows, &floors::MEMCPY, None, Some(row.size))?;
    let call = match row.waiting {
        Waiting::Block => find(rows, &floors::NULL_SYSCALL, None, None)?,
        Waiting::Spin | Waiting::Adaptive => 0.0,
    };
    let ends = match row.placement? {
        Placement::TwoCores => 1.0,
        Placement::SameCore => 2.0,
    };
    Some(ends * (copy + call))
}

fn find(rows: &[Row], floor: &Mechanism, placement: Option<Placement>, size: Option<usize>) -> Option<f64> {
    let fits = |row: &&Row| {
        row.mechanism == floor.id && row.placement == placement && size.is_none_or(|size| row.size == size)
    };
    time_of(rows.iter().find(fits)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Cores;
    use crate::plan::{Effort, Plan};
    use crate::registry;
    use crate::workload::Report;

    /// All groups of a plan for one mechanism, with one slice of one message in each row.
    fn measured(workload: Workload) -> Vec<Group> {
        let plan = Plan {
            mechanisms: vec![registry::find("tcp").unwrap()],
            placements: vec![Placement::SameCore],
            workloads: vec![workload],
            ..Plan::new(Effort::Quick)
        };
        let mut groups = crate::groups::of(&plan, &Cores::of_this_process());
        for group in &mut groups {
            let time = if group.placement.is_none() { 10 } else { 100 };
            group.cases.iter_mut().for_each(|case| fill(case, time));
        }
        groups
    }

    fn fill(case: &mut Case, time: u64) {
        let report = Report { samples: vec![time], ..Report::default() };
        for tally in &mut case.tallies {
            tally.begin_launch(7.0);
            tally.record(&report, 1, 1);
        }
        case.ratios = vec![0.9, 1.0, 1.1];
    }

    fn ours(rows: &[Row]) -> &Row {
        rows.iter().find(|row| row.implementation == Implementation::Ipcraft).unwrap()
    }

    #[test]
    fn a_round_trip_is_held_against_the_futex() {
        let rows = rows(&measured(Workload::RoundTrip));
        assert_eq!(ours(&rows).ratio_to_floor, Some(1.0));
        assert_eq!(ours(&rows).ratio_to_raw, Some(1.0));
        assert_eq!(ours(&rows).setup_us, Some(7.0));
    }

    #[test]
    fn a_stream_on_one_core_is_held_against_two_calls_and_two_copies() {
        let rows = rows(&measured(Workload::Stream));
        assert_eq!(ours(&rows).ratio_to_floor, Some(2.5));
    }

    #[test]
    fn only_our_rows_are_held_against_the_twin_and_floors_against_nothing() {
        for row in rows(&measured(Workload::RoundTrip)) {
            assert_eq!(row.ratio_to_raw.is_some(), row.implementation == Implementation::Ipcraft);
            assert_eq!(row.ratio_to_floor.is_some(), row.implementation != Implementation::Floor);
        }
    }

    #[test]
    fn rows_without_a_measurement_are_left_out_and_failures_are_listed() {
        let mut groups = measured(Workload::RoundTrip);
        let last = groups.last_mut().unwrap();
        last.cases[0].tallies[0] = Tally::new();
        last.cases[0].tallies[0].error = Some("it broke".into());
        assert!(rows(&groups).iter().all(|row| row.implementation != Implementation::Ipcraft));
        let errors = errors(&groups);
        assert_eq!(errors.len(), 1);
        assert_eq!((&errors[0].mechanism[..], &errors[0].message[..]), ("tcp", "it broke"));
    }

    #[test]
    fn the_json_has_the_agreed_names_and_null_for_what_does_not_apply() {
        let rows = rows(&measured(Workload::Stream));
        let json = serde_json::to_value(ours(&rows)).unwrap();
        let agreed = [
            "mechanism",
            "implementation",
            "workload",
            "size",
            "waiting",
            "placement",
            "samples",
            "p50_ns",
            "p90_ns",
            "p99_ns",
            "p999_ns",
            "max_ns",
            "messages_per_s",
            "bytes_per_s",
            "cpu_ns_per_message",
            "switches_per_message",
            "system_ns_per_message",
            "syscalls_per_message",
            "memory_bytes",
            "setup_us",
            "ratio_to_raw",
            "ratio_spread",
            "ratio_to_floor",
        ];
        for name in agreed {
            assert!(json.get(name).is_some(), "{name}");
        }
        assert_eq!((&json["implementation"], &json["workload"]), (&"ipcraft".into(), &"stream".into()));
        assert_eq!((&json["waiting"], &json["placement"]), (&"block".into(), &"same_core".into()));
        assert!(json["rate_per_s"].is_null());
    }
}
