//! A System V message queue: one queue and two consumers. The type of a message is its address.
//!
//! Run it: `cargo run -p ipcraft-examples --example sysv_queue`

use std::fs;
use std::path::Path;
use std::process::id;
use std::time::Duration;

use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Result};
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_path_after, pattern, println, role, this_program, verify,
};

const MESSAGES: usize = 3_000;
const TIMEOUT: Duration = Duration::from_secs(30);

/// The message types: an address for each consumer, and one for the answers.
const ALICE: i64 = 1;
const BOB: i64 = 2;
const PRODUCER: i64 = 3;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--alice") => consume("alice", ALICE),
        Some("--bob") => consume("bob", BOB),
        _ => produce(),
    }
}

/// Both sides compute the key from the path of a file.
fn key(file: impl AsRef<Path>) -> Result<Key> {
    Key::for_file(file, b'q')
}

fn produce() -> Outcome {
    // A killed run leaves its file and its queue.
    let file = fresh_path_after("ipcraft-example-sysv-queue", |stale| {
        let _ = key(stale).and_then(Queue::open).and_then(|queue| queue.remove());
    });
    fs::write(&file, "")?;
    let queue = Options::new().remove_on_drop(true).create_new(key(&file)?)?;
    println!("producer {}: made queue {} with {}", id(), queue.id(), queue.statistics()?.key);

    let consumers =
        [this_program("--alice")?.arg(&file).spawn()?, this_program("--bob")?.arg(&file).spawn()?];
    for number in 0..MESSAGES {
        let address = if number % 3 == 0 { ALICE } else { BOB };
        queue.send_timeout(address, &pattern(number, number % 200), TIMEOUT)?;
    }
    // Receives the answers only, past all other messages in the queue.
    for _ in &consumers {
        let answer = queue.recv_message_timeout(Selector::Type(PRODUCER), TIMEOUT)?;
        println!("producer {}: received the answer: {}", id(), String::from_utf8_lossy(&answer.bytes));
    }
    consumers.into_iter().try_for_each(finish)?;
    let left = queue.try_recv_message(Selector::First).map_err(|e| e.kind());
    expect("message left", left, Err(ErrorKind::Empty))?;

    let key = key(&file)?;
    drop(queue);
    fs::remove_file(&file)?;
    expect(
        "whether the queue exists after the drop",
        Queue::open(key).map(drop).map_err(|e| e.kind()),
        Err(ErrorKind::NotFound),
    )
}

fn consume(name: &str, address: i64) -> Outcome {
    let queue = Queue::open(key(argument()?)?)?;
    let mut buffer = [0; 256];
    let mine = (0..MESSAGES).filter(|number| (number % 3 == 0) == (address == ALICE));
    let mut count = 0;
    for number in mine {
        let (length, kind) = queue.recv_timeout(Selector::Type(address), &mut buffer, TIMEOUT)?;
        expect("length and type", (length, kind), (number % 200, address))?;
        verify(number, &buffer[..length])?;
        count += 1;
    }
    println!("{name} {}: {count} messages with type {address}, in order, every byte correct", id());
    queue.send_timeout(PRODUCER, format!("{name} has all {count}").as_bytes(), TIMEOUT)?;
    Ok(())
}
