//! Results without a measurement, for tests.

use ipcraft_bench::{
    Environment, Estimate, Implementation, Placement, Results, Row, SCHEMA, Topology, Waiting, Workload,
    mechanisms,
};

pub(crate) fn results(rows: Vec<Row>) -> Results {
    Results {
        schema: SCHEMA,
        ipcraft: "0".into(),
        command: vec!["ipcraft".into(), "bench".into()],
        label: None,
        environment: environment(),
        topology: Topology::default(),
        mechanisms: mechanisms().iter().map(|mechanism| mechanism.description()).collect(),
        results: rows,
        errors: Vec::new(),
        complete: true,
    }
}

/// An idle machine that does not exist.
fn environment() -> Environment {
    Environment {
        date: "2026-01-01T00:00:00Z".into(),
        kernel: "Linux 6.1.0".into(),
        architecture: "x86_64".into(),
        cpu: "Some CPU".into(),
        cores_online: 2,
        cores_allowed: 2,
        cores_used: vec![0, 1],
        virtualised: Some(false),
        pinned: true,
        governor: None,
        clock_cost_ns: 20.0,
        load_average: Some(0.0),
        steal_ms: Some(0),
        duration_s: 10.0,
        warnings: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn row(mechanism: &str, workload: Workload, size: usize) -> Row {
    Row {
        mechanism: mechanism.into(),
        implementation: Implementation::Ipcraft,
        workload,
        variant: None,
        size,
        waiting: Waiting::Block,
        placement: Some(Placement::TwoCores),
        distance: None,
        samples: 1,
        time_ns: None,
        p50_ns: None,
        p90_ns: None,
        p99_ns: None,
        p999_ns: None,
        max_ns: None,
        percentiles: Vec::new(),
        messages_per_s: None,
        bytes_per_s: None,
        cpu_ns_per_message: None,
        switches_per_message: None,
        setup_us: None,
        ratio_to_baseline: Some(estimate(0.5)),
        equal_baseline: Some(true),
        ratio_to_plain: None,
        ratio_to_library: None,
        ratio_to_limit: None,
        ratio_pairs: 1,
        system_ns_per_message: None,
        syscalls_per_message: None,
        memory_bytes: None,
        batch: 1,
        single: None,
        launches: Vec::new(),
        noisy: false,
        rate_per_s: None,
        timeout_ns: None,
    }
}

/// Returns a figure with an interval of a tenth to either side.
pub(crate) fn estimate(value: f64) -> Estimate {
    Estimate { value, low: value * 0.9, high: value * 1.1 }
}
