//! Turns samples into rows.

use super::calibrate::RATE_PER_S;
use super::samples::Samples;
use super::scenario::{BenchmarkGroup, Scenario, Subject};
use super::statistics::LaunchTimes;
use crate::limits::{cacheline, futex, single};
use crate::mechanism::{Implementation, Mechanism, Waiting};
use crate::placement::Placement;
use crate::results::{Distance, Row, RowError};
use crate::workload::Workload;

/// Returns a row for everything that was measured.
pub(super) fn rows(groups: &[BenchmarkGroup]) -> Vec<Row> {
    let mut rows: Vec<Row> =
        entries(groups).filter(|entry| !entry.samples.is_empty()).map(|entry| row(&entry)).collect();
    let ratios: Vec<_> = rows.iter().map(|row| ratio_to_limit(row, &rows)).collect();
    for (row, ratio) in rows.iter_mut().zip(ratios) {
        row.ratio_to_limit = ratio;
    }
    rows
}

/// Returns an error for everything that failed.
pub(super) fn errors(groups: &[BenchmarkGroup]) -> Vec<RowError> {
    let error = |(group, scenario, index): (&BenchmarkGroup, &Scenario, usize)| {
        Some(RowError {
            mechanism: group.mechanism.id.into(),
            implementation: group.mechanism.implementations[index].0,
            workload: scenario.workload,
            size: scenario.size,
            placement: group.placement,
            message: scenario.subjects[index].error.clone()?,
        })
    };
    implementations(groups).filter_map(error).collect()
}

/// One implementation in one scenario at one distance.
struct Entry<'a> {
    group: &'a BenchmarkGroup,
    scenario: &'a Scenario,
    implementation: Implementation,
    subject: &'a Subject,
    distance: Option<Distance>,
    samples: &'a Samples,
    ratios: &'a LaunchTimes,
    ratios_to_plain: &'a LaunchTimes,
}

fn entries(groups: &[BenchmarkGroup]) -> impl Iterator<Item = Entry<'_>> {
    implementations(groups).flat_map(|(group, scenario, index)| {
        scenario.measured.iter().map(move |(&distance, measured)| Entry {
            group,
            scenario,
            implementation: group.mechanism.implementations[index].0,
            subject: &scenario.subjects[index],
            distance,
            samples: &measured.samples[index],
            ratios: &measured.ratios,
            ratios_to_plain: &measured.ratios_to_plain[index],
        })
    })
}

/// Every scenario with the index of each of its implementations.
fn implementations(groups: &[BenchmarkGroup]) -> impl Iterator<Item = (&BenchmarkGroup, &Scenario, usize)> {
    let scenarios =
        groups.iter().flat_map(|group| group.scenarios.iter().map(move |scenario| (group, scenario)));
    scenarios
        .flat_map(|(group, scenario)| (0..scenario.subjects.len()).map(move |index| (group, scenario, index)))
}

fn row(entry: &Entry<'_>) -> Row {
    let &Entry { group, scenario, implementation, subject, distance, samples, .. } = entry;
    let percentiles = samples.percentiles();
    let time = samples.times().time();
    let rate = (scenario.workload == Workload::Rate).then_some(RATE_PER_S as f64);
    let messages_per_s = rate.or(time.map(|time| 1e9 / time.value));
    let is_library = implementation == Implementation::Ipcraft;
    let ratios = is_library.then_some(entry.ratios);
    let to_plain = (implementation != Implementation::Plain).then_some(entry.ratios_to_plain);
    Row {
        mechanism: group.mechanism.id.into(),
        implementation,
        workload: scenario.workload,
        variant: None,
        size: scenario.size,
        waiting: group.mechanism.waiting,
        placement: group.placement,
        distance,
        samples: percentiles.map_or(samples.times().slices() as u64, |found| found.samples),
        time_ns: time,
        p50_ns: percentiles.map(|found| found.p50_ns),
        p90_ns: percentiles.map(|found| found.p90_ns),
        p99_ns: percentiles.map(|found| found.p99_ns),
        p999_ns: percentiles.map(|found| found.p999_ns),
        max_ns: percentiles.map(|found| found.max_ns),
        percentiles: samples.ladder(),
        messages_per_s,
        bytes_per_s: messages_per_s.filter(|_| scenario.size > 0).map(|rate| rate * scenario.size as f64),
        cpu_ns_per_message: Some(samples.per_message(|usage| usage.cpu_ns)),
        switches_per_message: Some(samples.per_message(|usage| usage.switches)),
        setup_us: group.placement.and(samples.setup_us()),
        ratio_to_baseline: ratios.and_then(LaunchTimes::ratio),
        equal_baseline: is_library.then_some(group.mechanism.equal_baseline),
        ratio_to_plain: to_plain.and_then(LaunchTimes::ratio),
        ratio_to_library: None,
        ratio_to_limit: None,
        ratio_pairs: if is_library { samples.times().slices() } else { 0 },
        system_ns_per_message: Some(samples.per_message(|usage| usage.system_ns)),
        syscalls_per_message: subject.syscalls_per_message,
        memory_bytes: subject.memory_bytes,
        batch: samples.batch,
        single: samples.single_percentiles(),
        launches: samples.launches(),
        noisy: time.is_some_and(|time| time.is_wide()),
        rate_per_s: rate,
        timeout_ns: None,
    }
}

/// Returns the time per message relative to the fitting limit. The crate documentation explains
/// which limit fits which row.
fn ratio_to_limit(row: &Row, rows: &[Row]) -> Option<f64> {
    if row.implementation == Implementation::Limit {
        return None;
    }
    let limit = match row.workload {
        Workload::RoundTrip => turn_limit(row, rows)?,
        Workload::Stream => copy_limit(row, rows)?,
        _ => return None,
    };
    Some(time_of(row)? / limit)
}

fn time_of(row: &Row) -> Option<f64> {
    row.messages_per_s.map(|rate| 1e9 / rate)
}

/// Two processes have to take turns, blocking or spinning. For spinning the faster of two ways
/// counts.
fn turn_limit(row: &Row, rows: &[Row]) -> Option<f64> {
    let of = |limit: &Mechanism| {
        let fits = |other: &Row| (other.placement, other.distance) == (row.placement, row.distance);
        find(rows, limit, fits)
    };
    match (row.waiting, row.placement?) {
        (Waiting::Block, _) | (Waiting::Adaptive, Placement::SameCore) => of(&futex::FUTEX),
        (Waiting::Spin | Waiting::Adaptive, _) => {
            Some(of(&cacheline::COMPARE_AND_SWAP)?.min(of(&cacheline::STORE)?))
        }
    }
}

/// The bytes have to be copied, by a blocking mechanism within a system call. On one core both
/// endpoints take that core's time.
fn copy_limit(row: &Row, rows: &[Row]) -> Option<f64> {
    let copy = find(rows, &single::MEMCPY, |limit| limit.size == row.size)?;
    let call = match row.waiting {
        Waiting::Block => find(rows, &single::NULL_SYSCALL, |_| true)?,
        Waiting::Spin | Waiting::Adaptive => 0.0,
    };
    let copies = match row.placement? {
        Placement::TwoCores => 1.0,
        Placement::SameCore => 2.0,
    };
    Some(copies * (copy + call))
}

/// Returns the time of the limit's row that fits.
fn find(rows: &[Row], limit: &Mechanism, fits: impl Fn(&Row) -> bool) -> Option<f64> {
    time_of(rows.iter().find(|row| row.mechanism == limit.id && fits(row))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::engine::expand::expand;
    use crate::engine::measured::Measured;
    use crate::engine::plan::{Plan, Preset};
    use crate::placement::Cores;
    use crate::workload::Report;

    /// Returns the groups of a plan for one mechanism, with one slice of one message in each row.
    fn measured(workload: Workload) -> Vec<BenchmarkGroup> {
        let plan = Plan {
            mechanisms: vec![catalog::find("tcp").unwrap()],
            placements: vec![Placement::SameCore],
            workloads: vec![workload],
            ..Plan::new(Preset::Quick)
        };
        let mut groups = expand(&plan, &Cores::of_this_process());
        for group in &mut groups {
            let time = if group.placement.is_none() { 10 } else { 100 };
            group.scenarios.iter_mut().for_each(|scenario| fill(scenario, None, time));
        }
        groups
    }

    fn fill(scenario: &mut Scenario, distance: Option<Distance>, time: u64) {
        let report = Report { samples: vec![time], ..Report::default() };
        let mut measured = Measured::new(scenario.subjects.len());
        measured.begin_launch();
        for samples in &mut measured.samples {
            samples.begin_launch(0, 7.0);
            samples.record(&report, 1, 1);
        }
        [0.9, 1.0, 1.1].into_iter().for_each(|ratio| measured.ratios.record(ratio));
        scenario.measured.insert(distance, measured);
    }

    fn library(rows: &[Row]) -> &Row {
        rows.iter().find(|row| row.implementation == Implementation::Ipcraft).unwrap()
    }

    #[test]
    fn round_trip_is_compared_with_futex_limit() {
        let rows = rows(&measured(Workload::RoundTrip));
        assert_eq!(library(&rows).ratio_to_limit, Some(1.0));
        assert_eq!(library(&rows).ratio_to_baseline.unwrap().value, 1.0);
        assert_eq!(library(&rows).setup_us, Some(7.0));
    }

    #[test]
    fn near_and_apart_launches_are_different_rows_with_their_own_limits() {
        let mut groups = measured(Workload::RoundTrip);
        for group in groups.iter_mut().filter(|group| group.placement.is_some()) {
            for scenario in &mut group.scenarios {
                scenario.measured.clear();
                let is_limit = group.mechanism.id == "futex";
                fill(scenario, Some(Distance::Near), if is_limit { 50 } else { 100 });
                fill(scenario, Some(Distance::Apart), if is_limit { 100 } else { 300 });
            }
        }
        let rows = rows(&groups);
        let library = rows.iter().filter(|row| row.implementation == Implementation::Ipcraft);
        let ratios: Vec<_> = library.map(|row| (row.distance, row.ratio_to_limit)).collect();
        assert_eq!(ratios, [(Some(Distance::Near), Some(2.0)), (Some(Distance::Apart), Some(3.0))]);
    }

    #[test]
    fn stream_on_one_core_is_compared_with_two_calls_and_two_copies() {
        let rows = rows(&measured(Workload::Stream));
        assert_eq!(library(&rows).ratio_to_limit, Some(2.5));
    }

    #[test]
    fn only_library_rows_have_a_ratio_to_baseline_and_limits_have_none() {
        for row in rows(&measured(Workload::RoundTrip)) {
            assert_eq!(row.ratio_to_baseline.is_some(), row.implementation == Implementation::Ipcraft);
            assert_eq!(row.ratio_to_limit.is_some(), row.implementation != Implementation::Limit);
        }
    }

    #[test]
    fn rows_without_samples_are_left_out_and_errors_are_listed() {
        let mut groups = measured(Workload::RoundTrip);
        let last = groups.last_mut().unwrap();
        last.scenarios[0].measured.get_mut(&None).unwrap().samples[0] = Samples::new();
        last.scenarios[0].subjects[0].error = Some("it broke".into());
        assert!(rows(&groups).iter().all(|row| row.implementation != Implementation::Ipcraft));
        let errors = errors(&groups);
        assert_eq!(errors.len(), 1);
        assert_eq!((&errors[0].mechanism[..], &errors[0].message[..]), ("tcp", "it broke"));
    }

    #[test]
    fn json_has_documented_names_and_null_for_missing_figures() {
        let rows = rows(&measured(Workload::Stream));
        let json = serde_json::to_value(library(&rows)).unwrap();
        let documented = [
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
            "ratio_to_baseline",
            "percentiles",
            "time_ns",
            "launches",
            "equal_baseline",
            "ratio_to_limit",
            "noisy",
        ];
        for name in documented {
            assert!(json.get(name).is_some(), "{name}");
        }
        assert_eq!((&json["implementation"], &json["workload"]), (&"ipcraft".into(), &"stream".into()));
        assert_eq!((&json["waiting"], &json["placement"]), (&"block".into(), &"same_core".into()));
        assert!(json["rate_per_s"].is_null());
    }
}
