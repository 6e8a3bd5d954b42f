//! A FIFO: two processes that know nothing of each other but a path.
//!
//! The consumer is started with the path alone, inherits no descriptor, and opens it by name.
//!
//! Run it: `cargo run -p ipcraft-examples --example fifo`

use std::process::id;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::fifo::{Fifo, Options};
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_path, myself, part, pattern, speed, verify};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match part().as_deref() {
        Some("--consumer") => consume(&Fifo::open(argument()?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let path = fresh_path("ipcraft-example-fifo");
    let fifo = Options::new().remove_on_drop(true).create_new(&path)?;
    println!("producer {}: made {}", id(), path.display());

    let error = fifo.try_open_write().expect_err("nobody can have it open yet");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::NoReader)?;

    let consumer = myself("--consumer")?.arg(&path).spawn()?;
    let writer = fifo.open_write_timeout(PATIENCE)?; // until the consumer has opened its end
    println!("producer {}: met the consumer", id());

    let start = Instant::now();
    let mut sent = 0;
    while sent < TOTAL {
        let chunk = pattern(sent, CHUNK);
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            rest = &rest[writer.write(rest)?..];
        }
        sent += chunk.len();
    }
    drop(writer);
    finish(consumer)?;
    println!("producer {}: sent {}", id(), speed(sent, start.elapsed()));

    drop(fifo);
    expect("the name is still there", path.exists(), false)
}

fn consume(fifo: &Fifo) -> Outcome {
    let reader = fifo.open_read_timeout(PATIENCE)?; // until the producer has opened its end
    println!("consumer {}: met the producer at {}", id(), fifo.path().display());
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match reader.read_timeout(&mut buffer, PATIENCE)? {
            0 => break,
            length => {
                verify(received, &buffer[..length])?;
                received += length;
            }
        }
    }
    println!("consumer {}: end of stream after {received} bytes, every one as expected", id());
    expect("bytes received", received, TOTAL)
}
