//! Made-up runs with all that a page can show, and markup in every text.

use ipcraft_bench::{
    Distance, HandOver, HeatMap, Implementation, Launch, LaunchFigures, Percentiles, Placement, Results, Row,
    RowError, Waiting, Workload,
};
use ipcraft_report::Labelled;

use crate::test_results::{estimate, results, row};

/// A text that would leave every element and attribute.
pub(crate) const HOSTILE: &str =
    "</script></title></svg><script>hostile()</script><img src=x onerror=hostile()>\"'&";

/// The mechanisms, with the nanoseconds of a small round trip.
const MECHANISMS: [(&str, f64); 7] = [
    ("channel", 210.0),
    ("channel_spin", 180.0),
    ("pipe", 9_000.0),
    ("unix_stream", 11_000.0),
    ("sysv_queue", 8_500.0),
    ("shm_futex", 7_900.0),
    (HOSTILE, 10_000.0),
];

/// Returns two runs.
pub(crate) fn runs() -> Vec<Labelled> {
    [("quiet machine", 1.0), (HOSTILE, 1.4)].map(|(label, factor)| run(label, factor)).into()
}

fn run(label: &str, factor: f64) -> Labelled {
    let mut rows: Vec<Row> = limits(factor);
    for (index, (mechanism, ns)) in MECHANISMS.into_iter().enumerate() {
        for size in [8, 64, 4096, 65_536] {
            for (placement, distance, slower) in [
                (Placement::TwoCores, Some(Distance::Near), 1.0),
                (Placement::TwoCores, Some(Distance::Apart), 3.0),
                (Placement::SameCore, None, 2.0),
            ] {
                let ns = ns * factor * slower + size as f64 / 20.0;
                for workload in [Workload::RoundTrip, Workload::Stream, Workload::Rate] {
                    let noisy = (index + size) % 5 == 0;
                    let base =
                        Row { placement: Some(placement), distance, noisy, ..row(mechanism, workload, size) };
                    rows.extend(measured(base, ns));
                }
            }
        }
    }
    let mut results = results(rows);
    describe(&mut results, factor);
    Labelled { label: label.into(), results }
}

/// Fills in the figures of the library, and adds the baseline.
fn measured(row: Row, ns: f64) -> [Row; 2] {
    let timed = row.workload != Workload::Stream;
    let is_channel = row.mechanism.starts_with("channel");
    let at = |factor: f64| timed.then_some(ns * factor);
    let launch = |launch| Launch {
        launch,
        time_ns: ns,
        slices: 9,
        setup_us: Some(20.0),
        hand_over_ns: Some(ns),
        figures: LaunchFigures::default(),
    };
    let steps = [0.0, 1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 99.999, 100.0];
    let ladder =
        (1..).zip(steps).map(|(step, p): (u32, _)| (p, ns * (0.9 + 0.003 * f64::from(step * step * step))));
    let single = Percentiles { samples: 100, p50_ns: ns, p90_ns: ns, p99_ns: ns, p999_ns: ns, max_ns: ns };
    let library = Row {
        variant: (row.mechanism == "channel" && row.size == 64).then(|| "64 slots".into()),
        waiting: if row.mechanism == "channel_spin" { Waiting::Spin } else { Waiting::Block },
        samples: 20_000,
        time_ns: Some(ipcraft_bench::Estimate { value: ns, low: ns * 0.97, high: ns * 1.05 }),
        p50_ns: at(1.0),
        p90_ns: at(1.2),
        p99_ns: at(1.7),
        p999_ns: at(4.0),
        max_ns: at(900.0),
        percentiles: if timed { ladder.collect() } else { Vec::new() },
        messages_per_s: Some(1e9 / ns),
        bytes_per_s: Some(1e9 / ns * row.size as f64),
        cpu_ns_per_message: Some(if is_channel { 0.0 } else { ns * 1.6 }),
        system_ns_per_message: Some(ns * 0.4),
        switches_per_message: Some(2.0),
        syscalls_per_message: Some(4.0),
        setup_us: Some(ns / 100.0),
        memory_bytes: Some(65_536),
        ratio_to_baseline: Some(estimate(1.02)),
        equal_baseline: Some(!is_channel),
        ratio_to_limit: Some(1.3),
        ratio_pairs: 24,
        single: Some(single),
        launches: (0..3).map(launch).collect(),
        ..row
    };
    let baseline = Row {
        implementation: Implementation::Baseline,
        ratio_to_baseline: None,
        equal_baseline: None,
        ..library.clone()
    };
    [library, baseline]
}

fn limits(factor: f64) -> Vec<Row> {
    let limit = |mechanism: &str, workload, size| Row {
        implementation: Implementation::Limit,
        ratio_to_baseline: None,
        equal_baseline: None,
        ..row(mechanism, workload, size)
    };
    let copy = |size: usize| Row {
        placement: None,
        messages_per_s: Some(5e10 / (size as f64 + 50.0)),
        bytes_per_s: Some(5e10 * size as f64 / (size as f64 + 50.0)),
        ..limit("memcpy", Workload::Call, size)
    };
    let mut rows: Vec<Row> = [8, 64, 4096, 65_536].map(copy).into();
    rows.push(Row { p50_ns: Some(100.0 * factor), ..limit("futex", Workload::RoundTrip, 0) });
    rows
}

fn describe(results: &mut Results, factor: f64) {
    let environment = &mut results.environment;
    environment.cpu = HOSTILE.into();
    environment.kernel = HOSTILE.into();
    environment.governor = Some(HOSTILE.into());
    environment.warnings = vec![HOSTILE.into(), "The machine was busy.".into()];
    environment.notes = vec![HOSTILE.into()];
    results.command = vec!["ipcraft".into(), HOSTILE.into()];
    results.complete = factor < 1.2;
    let mut described = results.mechanisms[0].clone();
    (described.id, described.family, described.summary) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    results.mechanisms.push(described);
    let ns =
        [[None, Some(90.0), Some(410.0)], [Some(95.0), None, Some(430.0)], [Some(400.0), Some(425.0), None]];
    results.topology.heat_maps = vec![HeatMap {
        mechanism: HOSTILE.into(),
        cores: vec![0, 1, 2],
        ns: ns.iter().map(|row| row.map(|ns: Option<f64>| ns.map(|ns| ns * factor)).to_vec()).collect(),
    }];
    let hand_over = |launch, ns, distance| HandOver { launch, cores: [0, 1], ns, distance };
    results.topology.hand_overs =
        vec![hand_over(0, 120.0, Distance::Near), hand_over(1, 530.0, Distance::Apart)];
    results.errors = vec![RowError {
        mechanism: HOSTILE.into(),
        implementation: Implementation::Ipcraft,
        workload: Workload::Stream,
        size: 1 << 20,
        placement: Some(Placement::TwoCores),
        message: HOSTILE.into(),
    }];
}
