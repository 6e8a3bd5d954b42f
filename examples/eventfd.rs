//! Eventfds: one counts the items that are ready in shared memory. Another one, a semaphore, counts
//! the free slots.
//!
//! Run it: `cargo run -p ipcraft-examples --example eventfd`

use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::event::{EventFd, Options};
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_examples::{Outcome, expect, finish, pattern, println, role, this_program, verify};

const ITEMS: usize = 20_000;
const ITEM: usize = 64;
const SLOTS: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(
            &Memfd::try_from(take_inherited_fd("memory")?)?.map()?,
            &EventFd::from(take_inherited_fd("ready")?),
            &EventFd::from(take_inherited_fd("free")?),
        ),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let memory = Memfd::create("example", SLOTS * ITEM)?;
    let ready = EventFd::new(0)?;
    let free = Options::new().semaphore(true).create(SLOTS as u32)?;
    let inherit = Inherit::new()
        .named("memory", memory.try_clone()?)
        .named("ready", ready.try_clone()?)
        .named("free", free.try_clone()?);
    let consumer = this_program("--consumer")?.spawn_inheriting(inherit)?;

    let mapping = memory.map()?;
    for item in 0..ITEMS {
        expect("slots per take", free.take_timeout(TIMEOUT)?, 1)?;
        mapping.write_at(slot_offset(item), &pattern(item, ITEM))?;
        ready.add(1)?; // the consumer that takes this sees all earlier writes
    }
    println!("producer {}: {ITEMS} items through {SLOTS} slots, each after a wait for a free slot", id());
    finish(consumer)?;

    // The consumer is done: every slot is free, and no item is ready.
    for _ in 0..SLOTS {
        expect("slots per take", free.try_take()?, 1)?;
    }
    let error = free.try_take().expect_err("no slot is free");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::Empty)?;
    let error = ready.take_timeout(Duration::from_millis(10)).expect_err("no item is ready");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::TimedOut)
}

fn consume(memory: &Mapping, ready: &EventFd, free: &EventFd) -> Outcome {
    let (mut taken, mut wakes) = (0, 0);
    let mut item = [0; ITEM];
    while taken < ITEMS {
        // The counter adds up all items that were announced since the last take.
        let count = ready.take_timeout(TIMEOUT)?;
        for _ in 0..count {
            memory.read_at(slot_offset(taken), &mut item)?;
            verify(taken, &item)?;
            taken += 1;
        }
        free.add(count)?;
        wakes += 1;
    }
    println!("consumer {}: {taken} items, every byte correct, in {wakes} takes", id());
    expect("items", taken, ITEMS)
}

fn slot_offset(item: usize) -> usize {
    item % SLOTS * ITEM
}
