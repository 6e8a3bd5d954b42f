//! The bounded buffer with one set of three System V semaphores. Taking a slot and the mutex is one
//! atomic operation, and the kernel returns the mutex of a process that dies.
//!
//! The supervisor kills a process that holds the mutex, and the others continue.
//!
//! Run it: `cargo run -p ipcraft-examples --example sysv_semaphore`

use std::path::Path;
use std::process::id;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::shm::{Mapping, posix};
use ipcraft::sysv::Key;
use ipcraft_examples::buffer::{self, Buffer, CONSUMERS, ITEMS, PRODUCERS, SHARE};
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object_after, println, role, this_program};

const TIMEOUT: Duration = Duration::from_secs(30);

const EMPTY: u16 = 0;
const FULL: u16 = 1;
const MUTEX: u16 = 2;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => produce(&Shop::open()?),
        Some("--consumer") => consume(&Shop::open()?),
        Some("--careless") => hold_until_killed(&Shop::open()?),
        _ => supervise(),
    }
}

/// The objects that all processes share.
struct Shop {
    memory: Mapping,
    set: SemaphoreSet,
}

impl Shop {
    fn open() -> Outcome<Shop> {
        let name = argument()?;
        Ok(Shop {
            memory: posix::SharedMemory::open(&name)?.map()?,
            set: SemaphoreSet::open(key(file(&name))?)?,
        })
    }
}

/// The file of the shared memory also gives the key of the semaphores.
fn key(file: impl AsRef<Path>) -> ipcraft::Result<Key> {
    Key::for_file(file, b's')
}

fn file(name: &str) -> String {
    format!("/dev/shm{name}")
}

fn supervise() -> Outcome {
    // A killed run leaves its memory and its semaphores.
    let name = fresh_object_after("ipcraft-example-sysv-semaphore", |stale| {
        let _ = key(stale).and_then(SemaphoreSet::open).and_then(|set| set.remove());
    });
    let shared = posix::Options::new().remove_on_drop(true).create_new(&name, Buffer::SIZE)?;
    let values = [Buffer::SLOTS as u16, 0, 1];
    let set = Options::new().remove_on_drop(true).create_new(key(file(&name))?, &values)?;
    let start_part = |part, number: usize| -> Outcome<_> {
        Ok(this_program(part)?.args([&name, &number.to_string()]).spawn()?)
    };

    let mut careless = start_part("--careless", 0)?;
    set.apply_timeout(&[Operation::wait_zero(MUTEX)], TIMEOUT)?;
    println!("supervisor {}: killing {}, which holds the mutex", id(), careless.id());
    careless.kill()?;
    careless.wait()?;

    let start = Instant::now();
    let producers = (0..PRODUCERS).map(|number| start_part("--producer", number));
    let consumers = (0..CONSUMERS).map(|number| start_part("--consumer", number));
    let children: Vec<_> = producers.chain(consumers).collect::<Outcome<_>>()?;
    children.into_iter().try_for_each(finish)?;
    buffer::check(&shared.map()?)?;
    expect("values at the end", set.values()?, values.into())?;
    println!("supervisor {}: {ITEMS} items in {:?}, nothing lost or duplicated", id(), start.elapsed());
    Ok(())
}

fn hold_until_killed(shop: &Shop) -> Outcome {
    shop.set.apply(&[Operation::subtract(MUTEX, 1).undo()])?;
    sleep(TIMEOUT);
    Err("this process was not killed".into())
}

fn produce(shop: &Shop) -> Outcome {
    let buffer = Buffer::new(&shop.memory);
    for item in buffer::items_of(buffer::number()?) {
        enter(shop, EMPTY)?;
        buffer.put(item)?;
        leave(shop, FULL)?;
    }
    println!("producer {}: done", id());
    Ok(())
}

fn consume(shop: &Shop) -> Outcome {
    let buffer = Buffer::new(&shop.memory);
    for _ in 0..SHARE {
        enter(shop, FULL)?;
        buffer.take()?;
        leave(shop, EMPTY)?;
    }
    println!("consumer {}: took {SHARE} items", id());
    Ok(())
}

/// Takes a slot and the mutex, both or neither.
fn enter(shop: &Shop, slots: u16) -> ipcraft::Result<()> {
    shop.set.apply_timeout(&[Operation::subtract(slots, 1), Operation::subtract(MUTEX, 1).undo()], TIMEOUT)
}

fn leave(shop: &Shop, slots: u16) -> ipcraft::Result<()> {
    shop.set.apply(&[Operation::add(MUTEX, 1).undo(), Operation::add(slots, 1)])
}
