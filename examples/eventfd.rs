//! Eventfds: one counts the items that are ready in shared memory, another hands out the free
//! places, one at a time.
//!
//! Run it: `cargo run -p ipcraft-examples --example eventfd`

use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::event::{EventFd, Options};
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_examples::{Outcome, expect, finish, myself, part, pattern, verify};

const ITEMS: usize = 20_000;
const ITEM: usize = 64;
const PLACES: usize = 16;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match part().as_deref() {
        Some("--consumer") => consume(
            &Memfd::try_from(take_inherited_fd("memory")?)?.map()?,
            &EventFd::from(take_inherited_fd("ready")?),
            &EventFd::from(take_inherited_fd("free")?),
        ),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let memory = Memfd::create("example", PLACES * ITEM)?;
    let ready = EventFd::new(0)?;
    let free = Options::new().semaphore(true).create(PLACES as u32)?;
    let inherit = Inherit::new()
        .named("memory", memory.try_clone()?)
        .named("ready", ready.try_clone()?)
        .named("free", free.try_clone()?);
    let consumer = myself("--consumer")?.spawn_inheriting(inherit)?;

    let mapping = memory.map()?;
    for item in 0..ITEMS {
        expect("places taken at once", free.take_timeout(PATIENCE)?, 1)?;
        mapping.write_at(place(item), &pattern(item, ITEM))?;
        ready.add(1)?; // what was written before is seen by who takes this
    }
    println!("producer {}: {ITEMS} items through {PLACES} places, each waited for until it was free", id());
    finish(consumer)?;

    // All is quiet: every place is free again, and nothing is ready.
    for _ in 0..PLACES {
        expect("places taken at once", free.try_take()?, 1)?;
    }
    let error = free.try_take().expect_err("there are no more");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::Empty)?;
    let error = ready.take_timeout(Duration::from_millis(10)).expect_err("nothing is ready");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::TimedOut)
}

fn consume(memory: &Mapping, ready: &EventFd, free: &EventFd) -> Outcome {
    let (mut taken, mut wakes) = (0, 0);
    let mut item = [0; ITEM];
    while taken < ITEMS {
        // However many were announced meanwhile: the counter adds them up.
        let count = ready.take_timeout(PATIENCE)?;
        for _ in 0..count {
            memory.read_at(place(taken), &mut item)?;
            verify(taken, &item)?;
            taken += 1;
        }
        free.add(count)?;
        wakes += 1;
    }
    println!("consumer {}: {taken} items, every byte as expected, announced in {wakes} sums", id());
    expect("items", taken, ITEMS)
}

fn place(item: usize) -> usize {
    item % PLACES * ITEM
}
