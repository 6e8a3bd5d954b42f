//! A pipe: the parent produces, a child consumes.
//!
//! Shows a byte stream, the end of the stream, and the writer's error when no reader is left.
//!
//! Run it: `cargo run -p ipcraft-examples --example pipe`

use std::process::id;
use std::time::Instant;

use ipcraft::pipe::{self, Reader};
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::{ErrorKind, pipe::Writer};
use ipcraft_examples::{Outcome, expect, finish, pattern, println, role, speed, this_program, verify};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Reader::from(take_inherited_fd("data")?)),
        Some("--quitter") => take_inherited_fd("data").map(drop).map_err(Into::into),
        _ => {
            produce_everything()?;
            produce_without_reader()
        }
    }
}

fn produce_everything() -> Outcome {
    let (reader, writer) = pipe::pipe()?;
    println!("producer {}: made a pipe that holds {} KiB", id(), writer.capacity()? / 1024);
    let consumer = this_program("--consumer")?.spawn_inheriting(Inherit::new().named("data", reader))?;

    let start = Instant::now();
    let mut sent = 0;
    while sent < TOTAL {
        sent += write_all(&writer, &pattern(sent, CHUNK))?;
    }
    drop(writer); // the last writer: this ends the stream
    finish(consumer)?;
    println!("producer {}: sent {}", id(), speed(sent, start.elapsed()));
    Ok(())
}

/// Repeats a partial write with the rest.
fn write_all(writer: &Writer, bytes: &[u8]) -> ipcraft::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        done += writer.write(&bytes[done..])?;
    }
    Ok(done)
}

fn consume(reader: &Reader) -> Outcome {
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match reader.read(&mut buffer)? {
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

fn produce_without_reader() -> Outcome {
    let (reader, writer) = pipe::pipe()?;
    let quitter = this_program("--quitter")?.spawn_inheriting(Inherit::new().named("data", reader))?;
    finish(quitter)?;
    let error = writer.write(b"one more byte").expect_err("the only reader has quit");
    println!("producer {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::Disconnected)
}
