//! POSIX shared memory: two processes that share only a name, and bytes that never pass through the
//! kernel.
//!
//! Shared memory does not notify. Here the producer publishes its progress in a counter, and the
//! consumer polls it.
//!
//! Run it: `cargo run -p ipcraft-examples --example posix_shm`

use std::process::id;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::shm::posix::{Options, SharedMemory};
use ipcraft::shm::{Mapping, Shared};
use ipcraft::time::Deadline;
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_object, pattern, println, role, speed, this_program, verify,
};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&argument()?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let name = fresh_object("ipcraft-example-shm");
    let memory = Options::new().remove_on_drop(true).create_new(&name, TOTAL)?;
    println!("producer {}: made {name} of {} bytes", id(), memory.size()?);
    let error = SharedMemory::create_new(&name, TOTAL).expect_err("the name is taken");
    expect("kind of error", error.kind(), ErrorKind::AlreadyExists)?;

    let consumer = this_program("--consumer")?.arg(&name).spawn()?;
    // The consumer may start before the counter exists, and waits for it.
    let progress_name = progress_of(&name);
    let progress = Shared::create_new_with(
        &Options::new().remove_on_drop(true),
        &progress_name,
        |progress: &AtomicU64| {
            progress.store(0, Release);
            Ok(())
        },
    )?;

    let (mapping, start) = (memory.map()?, Instant::now());
    for position in (0..TOTAL).step_by(CHUNK) {
        mapping.write_at(position, &pattern(position, CHUNK))?;
        progress.store((position + CHUNK) as u64, Release); // a process that reads this value also sees the chunk
    }
    finish(consumer)?;
    println!("producer {}: wrote {}", id(), speed(TOTAL, start.elapsed()));

    drop((memory, progress));
    for name in [name, progress_name] {
        let error = SharedMemory::open(&name).expect_err("both names are removed");
        expect("kind of error", error.kind(), ErrorKind::NotFound)?;
    }
    Ok(())
}

fn progress_of(name: &str) -> String {
    format!("{name}-progress")
}

fn consume(name: &str) -> Outcome {
    let mapping = SharedMemory::open(name)?.map_read_only()?;
    let progress: Shared<AtomicU64> = Shared::open_timeout(progress_of(name), TIMEOUT)?;
    expect("size", mapping.len(), TOTAL)?;
    let mut seen = 0;
    while seen < TOTAL {
        let written = wait_beyond(&progress, seen)?;
        check(&mapping, seen, written)?;
        seen = written;
    }
    println!("consumer {}: saw {seen} bytes, all correct", id());
    Ok(())
}

fn wait_beyond(progress: &AtomicU64, seen: usize) -> Outcome<usize> {
    let deadline = Deadline::after(TIMEOUT);
    loop {
        let written = usize::try_from(progress.load(Acquire))?;
        if written > seen {
            return Ok(written);
        }
        if deadline.has_passed() {
            return Err("the producer stopped".into());
        }
        sleep(Duration::from_micros(50));
    }
}

fn check(mapping: &Mapping, from: usize, to: usize) -> Outcome {
    let mut bytes = vec![0; to - from];
    mapping.read_at(from, &mut bytes)?;
    verify(from, &bytes)
}
