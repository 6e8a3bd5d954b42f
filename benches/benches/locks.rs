//! How long does it take to take a lock and give it back, when nobody else wants it and when another process does?
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use ipcraft_benches::{contended, group, uncontended};

fn locks(criterion: &mut Criterion) {
    uncontended(&mut group(criterion, "uncontended"));
    contended(&mut group(criterion, "contended"));
}

criterion_group!(benches, locks);
criterion_main!(benches);
