//! Turns samples into rows.

use super::calibrate::RATE_PER_S;
use super::samples::Samples;
use super::scenario::{BenchmarkGroup, Scenario};
use super::statistics::estimate;
use crate::limits::{cacheline, futex, single};
use crate::mechanism::{Implementation, Mechanism, Waiting};
use crate::placement::Placement;
use crate::results::{Row, RowError};
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
    let error = |entry: Entry<'_>| {
        Some(RowError {
            mechanism: entry.group.mechanism.id.into(),
            implementation: entry.implementation,
            workload: entry.scenario.workload,
            size: entry.scenario.size,
            placement: entry.group.placement,
            message: entry.samples.error.clone()?,
        })
    };
    entries(groups).filter_map(error).collect()
}

/// One implementation in one scenario.
struct Entry<'a> {
    group: &'a BenchmarkGroup,
    scenario: &'a Scenario,
    implementation: Implementation,
    samples: &'a Samples,
    ratios_to_plain: &'a [f64],
}

fn entries(groups: &[BenchmarkGroup]) -> impl Iterator<Item = Entry<'_>> {
    let scenarios =
        groups.iter().flat_map(|group| group.scenarios.iter().map(move |scenario| (group, scenario)));
    scenarios.flat_map(|(group, scenario)| {
        let measured = scenario.samples.iter().zip(&scenario.ratios_to_plain);
        group.mechanism.implementations.iter().zip(measured).map(
            move |(&(implementation, _), (samples, ratios_to_plain))| Entry {
                group,
                scenario,
                implementation,
                samples,
                ratios_to_plain,
            },
        )
    })
}

fn row(entry: &Entry<'_>) -> Row {
    let &Entry { group, scenario, implementation, samples, ratios_to_plain } = entry;
    let percentiles = samples.percentiles();
    let rate = (scenario.workload == Workload::Rate).then_some(RATE_PER_S as f64);
    let messages_per_s = rate.or(samples.times().median().map(|nanoseconds| 1e9 / nanoseconds));
    let is_library = implementation == Implementation::Ipcraft;
    let to_plain = if implementation == Implementation::Plain { &[] } else { ratios_to_plain };
    let ratios = if is_library { &scenario.ratios[..] } else { &[] };
    Row {
        mechanism: group.mechanism.id.into(),
        implementation,
        workload: scenario.workload,
        variant: None,
        size: scenario.size,
        waiting: group.mechanism.waiting,
        placement: group.placement,
        distance: None,
        samples: percentiles.map_or(samples.times().slices() as u64, |found| found.samples),
        time_ns: estimate(samples.launches().iter().map(|launch| launch.time_ns)),
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
        ratio_to_baseline: estimate(ratios.iter().copied()),
        equal_baseline: is_library.then_some(group.mechanism.equal_baseline),
        ratio_to_plain: estimate(to_plain.iter().copied()),
        ratio_to_library: None,
        ratio_to_limit: None,
        ratio_pairs: ratios.len(),
        system_ns_per_message: Some(samples.per_message(|usage| usage.system_ns)),
        syscalls_per_message: samples.syscalls_per_message,
        memory_bytes: samples.memory_bytes,
        batch: samples.batch,
        single: samples.single_percentiles(),
        launches: samples.launches(),
        noisy: samples.times().noisy(),
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
    let of = |limit| find(rows, limit, row.placement, None);
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
    let copy = find(rows, &single::MEMCPY, None, Some(row.size))?;
    let call = match row.waiting {
        Waiting::Block => find(rows, &single::NULL_SYSCALL, None, None)?,
        Waiting::Spin | Waiting::Adaptive => 0.0,
    };
    let copies = match row.placement? {
        Placement::TwoCores => 1.0,
        Placement::SameCore => 2.0,
    };
    Some(copies * (copy + call))
}

fn find(rows: &[Row], limit: &Mechanism, placement: Option<Placement>, size: Option<usize>) -> Option<f64> {
    let fits = |row: &&Row| {
        row.mechanism == limit.id && row.placement == placement && size.is_none_or(|size| row.size == size)
    };
    time_of(rows.iter().find(fits)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::engine::expand::expand;
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
            group.scenarios.iter_mut().for_each(|scenario| fill(scenario, time));
        }
        groups
    }

    fn fill(scenario: &mut Scenario, time: u64) {
        let report = Report { samples: vec![time], ..Report::default() };
        for samples in &mut scenario.samples {
            samples.begin_launch(7.0);
            samples.record(&report, 1, 1);
        }
        scenario.ratios = vec![0.9, 1.0, 1.1];
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
        last.scenarios[0].samples[0] = Samples::new();
        last.scenarios[0].samples[0].error = Some("it broke".into());
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
