//! A race: two processes add to one counter in shared memory, and updates are lost. An atomic
//! addition loses none.
//!
//! Run it: `cargo run -p ipcraft-examples --example race`

use std::process::id;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::sync::Barrier;
use ipcraft_examples::peer::{TIMEOUT, shared, start};
use ipcraft_examples::{Outcome, expect, println, role};

const ADDITIONS: u64 = 3_000_000;

ipcraft::shared_struct! {
    struct Counters {
        start: Barrier<2>,
        /// Loaded and stored in two steps.
        divided: AtomicU64,
        /// Added to in one step that no other core can interrupt.
        atomic: AtomicU64,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--adder") => add(&*shared()?),
        _ => race(),
    }
}

fn race() -> Outcome {
    let memory = Memfd::create("counters", Shared::<Counters>::SIZE)?;
    let counters = Shared::initialize(memory.map()?, |counters: &Counters| counters.start.init())?;
    let adder = start("--adder", &memory)?;
    add(&counters)?;
    adder.finish()?;

    let expected = 2 * ADDITIONS;
    let divided = counters.divided.load(Relaxed);
    println!("load and store: expected {expected}, found {divided}, lost {}", expected - divided);
    println!("atomic:         expected {expected}, found {:?}, lost 0", counters.atomic);
    // How many updates are lost depends on the moment; that none is lost needs an atomic.
    if !(2..=expected).contains(&divided) {
        return Err(format!("impossible counter: {divided}").into());
    }
    expect("atomic counter", counters.atomic.load(Relaxed), expected)
}

fn add(counters: &Counters) -> Outcome {
    counters.start.join()?.wait_timeout(TIMEOUT)?;
    println!("process {}: adds {ADDITIONS} to both counters", id());
    for _ in 0..ADDITIONS {
        // Another process can store in between; that update is overwritten.
        let value = counters.divided.load(Relaxed);
        counters.divided.store(std::hint::black_box(value) + 1, Relaxed);
        counters.atomic.fetch_add(1, Relaxed);
    }
    Ok(())
}
