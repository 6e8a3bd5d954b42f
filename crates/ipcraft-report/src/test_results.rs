//! Results without a measurement, for tests.

use ipcraft_bench::{
    Cores, Environment, Estimate, Implementation, Placement, Results, Row, SCHEMA, Topology, Waiting,
    Workload, mechanisms,
};

pub(crate) fn results(rows: Vec<Row>) -> Results {
    let environment = Environment::at_start(&Cores::of_this_process());
    Results {
        schema: SCHEMA,
        ipcraft: "0".into(),
        command: vec!["ipcraft".into(), "bench".into()],
        label: None,
        environment,
        topology: Topology::default(),
        mechanisms: mechanisms().iter().map(|mechanism| mechanism.description()).collect(),
        results: rows,
        errors: Vec::new(),
        complete: true,
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
    }
}

/// Returns a figure with an interval of a tenth to either side.
pub(crate) fn estimate(value: f64) -> Estimate {
    Estimate { value, low: value * 0.9, high: value * 1.1 }
}
