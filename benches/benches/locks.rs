//! The time to lock and unlock, without contention and with another process.
#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_benches::{contended, group, uncontended};

fn locks(criterion: &mut Criterion) {
    uncontended(&mut group(criterion, "uncontended"));
    contended(&mut group(criterion, "contended"));
}

criterion_group!(benches, locks);
criterion_main!(benches);
