//! The time to build both endpoints of a connection.
#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_bench::{Connect, build};
use ipcraft_benches::{group, implementations};

fn setup(criterion: &mut Criterion) {
    for (name, _, connect) in implementations() {
        let mut group = group(criterion, &name);
        group.bench_function("setup", |bencher| bencher.iter_custom(|iterations| time(connect, iterations)));
        group.finish();
    }
}

/// Returns the time to build connections, without dropping them.
fn time(connect: Connect, iterations: u64) -> Duration {
    (0..iterations).map(|_| build(connect).expect("both endpoints of a connection").1).sum()
}

criterion_group!(benches, setup);
criterion_main!(benches);
