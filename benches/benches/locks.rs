//! The time to lock and unlock, without contention and with another process.
#![allow(missing_docs, reason = "criterion's macros generate undocumented functions")]

use criterion::{criterion_group, criterion_main};
use ipcraft_benches::locks;

criterion_group!(benches, locks);
criterion_main!(benches);
