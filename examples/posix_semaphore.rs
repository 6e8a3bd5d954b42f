//! The bounded buffer: several producers and consumers, and three POSIX semaphores. `empty` counts
//! the free slots, `full` the used ones, and `mutex` admits one process at a time to the buffer.
//!
//! Every process opens the buffer and the semaphores by name.
//!
//! Run it: `cargo run -p ipcraft-examples --example posix_semaphore`

use std::process::id;
use std::time::{Duration, Instant};

use ipcraft::semaphore::posix::{Options, Semaphore};
use ipcraft::shm::{Mapping, posix};
use ipcraft_examples::buffer::{self, Buffer, CONSUMERS, ITEMS, PRODUCERS, SHARE};
use ipcraft_examples::{Outcome, argument, finish, fresh_object, println, role, this_program};

const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => produce(&Shop::open(&argument()?)?),
        Some("--consumer") => consume(&Shop::open(&argument()?)?),
        _ => supervise(),
    }
}

/// The objects that all processes share.
struct Shop {
    memory: Mapping,
    empty: Semaphore,
    full: Semaphore,
    mutex: Semaphore,
}

impl Shop {
    fn open(name: &str) -> ipcraft::Result<Shop> {
        Ok(Shop {
            memory: posix::SharedMemory::open(name)?.map()?,
            empty: Semaphore::open(format!("{name}-empty"))?,
            full: Semaphore::open(format!("{name}-full"))?,
            mutex: Semaphore::open(format!("{name}-mutex"))?,
        })
    }
}

fn supervise() -> Outcome {
    let name = fresh_object("ipcraft-example-posix-semaphore");
    let shared = posix::Options::new().remove_on_drop(true).create_new(&name, Buffer::SIZE)?;
    let make = |what, value| Options::new().remove_on_drop(true).create_new(format!("{name}-{what}"), value);
    let _semaphores = [make("empty", Buffer::SLOTS)?, make("full", 0)?, make("mutex", 1)?];

    let start = Instant::now();
    let mut children = Vec::new();
    for (role, count) in [("--producer", PRODUCERS), ("--consumer", CONSUMERS)] {
        for number in 0..count {
            children.push(this_program(role)?.arg(&name).arg(number.to_string()).spawn()?);
        }
    }
    children.into_iter().try_for_each(finish)?;
    buffer::check(&shared.map()?)?;
    println!(
        "supervisor {}: {ITEMS} items from {PRODUCERS} producers to {CONSUMERS} consumers in {:?}, nothing lost or duplicated",
        id(),
        start.elapsed()
    );
    Ok(())
}

fn produce(shop: &Shop) -> Outcome {
    let buffer = Buffer::new(&shop.memory);
    for item in buffer::items_of(buffer::number()?) {
        shop.empty.wait_timeout(TIMEOUT)?;
        {
            let _alone = shop.mutex.acquire_timeout(TIMEOUT)?;
            buffer.put(item)?;
        }
        shop.full.post()?;
    }
    println!("producer {}: done", id());
    Ok(())
}

fn consume(shop: &Shop) -> Outcome {
    let buffer = Buffer::new(&shop.memory);
    for _ in 0..SHARE {
        shop.full.wait_timeout(TIMEOUT)?;
        {
            let _alone = shop.mutex.acquire_timeout(TIMEOUT)?;
            buffer.take()?;
        }
        shop.empty.post()?;
    }
    println!("consumer {}: took {SHARE} items", id());
    Ok(())
}
