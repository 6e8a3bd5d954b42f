//! The throughput in one direction.
#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_bench::Workload;
use ipcraft_benches::run;

fn throughput(criterion: &mut Criterion) {
    run(criterion, Workload::Stream, &[64, 4096, 65_536]);
}

criterion_group!(benches, throughput);
criterion_main!(benches);
