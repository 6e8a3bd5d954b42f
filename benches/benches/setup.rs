//! How long does it take to build both ends of a connection?
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_bench::{Connect, build};
use ipcraft_benches::{group, subjects};

fn setup(criterion: &mut Criterion) {
    let mut group = group(criterion, "setup");
    for (name, _, connect) in subjects() {
        group.bench_function(name, |bencher| bencher.iter_custom(|iterations| time(connect, iterations)));
    }
    group.finish();
}

/// Taking the connection down again is not counted.
fn time(connect: Connect, iterations: u64) -> Duration {
    (0..iterations).map(|_| build(connect).expect("both ends of a connection").1).sum()
}

criterion_group!(benches, setup);
criterion_main!(benches);
