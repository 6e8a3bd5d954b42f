//! A FIFO: two processes that share only a path.
//!
//! The consumer is started with the path, inherits no descriptor, and opens the FIFO by name.
//!
//! Run it: `cargo run -p ipcraft-examples --example fifo`

use std::process::id;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::fifo::{Fifo, Options};
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_path, pattern, println, role, speed, this_program, verify,
};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Fifo::open(argument()?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let path = fresh_path("ipcraft-example-fifo");
    let fifo = Options::new().remove_on_drop(true).create_new(&path)?;
    println!("producer {}: made {}", id(), path.display());

    let error = fifo.try_open_write().expect_err("no reader has opened it yet");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::NoReader)?;

    let consumer = this_program("--consumer")?.arg(&path).spawn()?;
    let writer = fifo.open_write_timeout(TIMEOUT)?; // blocks until the consumer has opened its end
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
    expect("the name exists", path.exists(), false)
}

fn consume(fifo: &Fifo) -> Outcome {
    let reader = fifo.open_read_timeout(TIMEOUT)?; // blocks until the producer has opened its end
    println!("consumer {}: met the producer at {}", id(), fifo.path().display());
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match reader.read_timeout(&mut buffer, TIMEOUT)? {
            0 => break,
            length => {
                verify(received, &buffer[..length])?;
                received += length;
            }
        }
    }
    println!("consumer {}: end of stream after {received} bytes, all correct", id());
    expect("bytes received", received, TOTAL)
}
