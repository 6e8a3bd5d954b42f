//! A parallel sum: a leader writes numbers to shared memory, and four workers each add up a
//! quarter.
//!
//! Run it: `cargo run -p ipcraft-examples --example parallel_sum`

use std::hash::{BuildHasher, RandomState};
use std::os::fd::OwnedFd;
use std::process::{Child, id};
use std::sync::atomic::Ordering::{Acquire, Release};

use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_examples::{Outcome, argument, expect, finish, println, role, this_program};

const NUMBERS: usize = 10_000;
const WORKERS: usize = 4;
const QUARTER: usize = NUMBERS / WORKERS;
const WIDTH: usize = size_of::<f64>();

/// Offset of the partial sums, behind the numbers.
const SIZE: usize = (NUMBERS + WORKERS) * WIDTH;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--worker") => {
            work(Memfd::try_from(take_inherited_fd("numbers")?)?.map()?, argument()?.parse()?)
        }
        _ => lead(),
    }
}

fn lead() -> Outcome {
    let memory = Memfd::create("numbers", SIZE)?;
    let mapping = memory.map()?;
    let numbers = random_numbers();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    mapping.write_at(0, &bytes)?;

    let workers: Outcome<Vec<Child>> = (0..WORKERS).map(|worker| start(&memory, worker)).collect();
    workers?.into_iter().try_for_each(finish)?;

    let mut sum = 0.0;
    for (worker, quarter) in numbers.chunks(QUARTER).enumerate() {
        let partial = f64::from_bits(mapping.atomic_u64(offset_of_sum(worker))?.load(Acquire));
        // The same additions in the same order, so every bit must be equal.
        expect("partial sum", partial, quarter.iter().sum())?;
        sum += partial;
    }
    let mean = sum / NUMBERS as f64;
    println!("leader {}: sum {sum:.6}, mean {mean:.6}", id());
    let difference = sum - numbers.iter().sum::<f64>();
    expect("whether the difference from a serial sum is only rounding", difference.abs() < 1e-6, true)?;
    expect("whether the mean is near 0.5", (0.4..0.6).contains(&mean), true)
}

fn start(memory: &Memfd, worker: usize) -> Outcome<Child> {
    let numbers = OwnedFd::from(memory.try_clone()?);
    let mut command = this_program("--worker")?;
    Ok(command.arg(worker.to_string()).spawn_inheriting(Inherit::new().named("numbers", numbers))?)
}

fn offset_of_sum(worker: usize) -> usize {
    (NUMBERS + worker) * WIDTH
}

fn work(mapping: Mapping, worker: usize) -> Outcome {
    let mut bytes = vec![0; QUARTER * WIDTH];
    mapping.read_at(worker * QUARTER * WIDTH, &mut bytes)?;
    let (numbers, _) = bytes.as_chunks();
    let sum: f64 = numbers.iter().map(|bytes| f64::from_ne_bytes(*bytes)).sum();
    mapping.atomic_u64(offset_of_sum(worker))?.store(sum.to_bits(), Release);
    println!("worker {}: numbers {} to {}: {sum:.6}", id(), worker * QUARTER, (worker + 1) * QUARTER - 1);
    Ok(())
}

/// Numbers evenly distributed from 0 to 1. They differ in each run, because the standard library's
/// hasher has a random key.
fn random_numbers() -> Vec<f64> {
    let random = RandomState::new();
    let fraction = |i: usize| (random.hash_one(i) >> 11) as f64 / (1_u64 << 53) as f64;
    (0..NUMBERS).map(fraction).collect()
}
