//! The time of a round trip.
#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_bench::Workload;
use ipcraft_benches::{group, run};

fn latency(criterion: &mut Criterion) {
    let mut group = group(criterion, "latency");
    run(&mut group, Workload::RoundTrip, &[64, 4096]);
    group.finish();
}

criterion_group!(benches, latency);
criterion_main!(benches);
