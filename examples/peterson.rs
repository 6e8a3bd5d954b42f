//! Peterson's algorithm between two processes: two flags and a turn keep both out of the critical
//! section at the same time.
//!
//! It needs sequentially consistent accesses. With weaker ones a core may load the other flag
//! before its own store is visible, and both enter: see `ipcraft lab peterson`.
//!
//! Run it: `cargo run -p ipcraft-examples --example peterson`

use std::process::id;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread;

use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft_examples::peer::{shared, start};
use ipcraft_examples::{Outcome, expect, println, role};

const ENTRIES: u64 = 200_000;

ipcraft::shared_struct! {
    struct Section {
        wants: [AtomicU64; 2],
        turn: AtomicU64,
        /// Changed in two steps, inside only.
        counter: AtomicU64,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--second") => {
            enter_often(&*shared()?, 1);
            Ok(())
        }
        _ => both(),
    }
}

fn both() -> Outcome {
    let memory = Memfd::create("section", Shared::<Section>::SIZE)?;
    let section = Shared::initialize(memory.map()?, |_: &Section| Ok(()))?;
    let second = start("--second", &memory)?;
    enter_often(&section, 0);
    second.finish()?;
    let counter = section.counter.load(Relaxed);
    println!("counter {counter}: no update was lost");
    expect("counter", counter, 2 * ENTRIES)
}

fn enter_often(section: &Section, me: usize) {
    println!("process {}: enters {ENTRIES} times", id());
    for _ in 0..ENTRIES {
        enter(section, me);
        let value = section.counter.load(Relaxed);
        section.counter.store(std::hint::black_box(value) + 1, Relaxed);
        section.wants[me].store(0, SeqCst);
    }
}

/// Waits until this process is inside alone.
fn enter(section: &Section, me: usize) {
    let other = 1 - me;
    section.wants[me].store(1, SeqCst);
    section.turn.store(other as u64, SeqCst);
    while section.wants[other].load(SeqCst) == 1 && section.turn.load(SeqCst) == other as u64 {
        // On one core a process that spins would keep the other one from leaving.
        thread::yield_now();
    }
}
