//! The time of a round trip.
#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_bench::Workload;
use ipcraft_benches::run;

fn latency(criterion: &mut Criterion) {
    run(criterion, Workload::RoundTrip, &[64, 4096]);
}

criterion_group!(benches, latency);
criterion_main!(benches);
