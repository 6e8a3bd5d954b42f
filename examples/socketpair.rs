//! A pair of seqpacket sockets: a parent and its child exchange messages with boundaries.
//!
//! Run it: `cargo run -p ipcraft-examples --example socketpair`

use std::os::fd::AsFd;
use std::process::id;
use std::time::Instant;

use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::socket::seqpacket::{self, Connection};
use ipcraft_examples::{Outcome, expect, finish, pattern, println, role, this_program, verify};

const MESSAGES: usize = 10_000;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&Connection::try_from(take_inherited_fd("messages")?)?),
        _ => produce(),
    }
}

/// Message length: 0 to 1023 bytes. An empty message is a message, too.
fn length(number: usize) -> usize {
    number % 1024
}

fn produce() -> Outcome {
    let (ours, theirs) = seqpacket::pair()?;
    let consumer = this_program("--consumer")?.spawn_inheriting(Inherit::new().named("messages", theirs))?;
    let pid = ours.peer_credentials()?.pid.ok_or("the pair has no owner")?;
    println!("producer {}: made a pair of sockets as process {pid}", id());

    let start = Instant::now();
    for number in 0..MESSAGES {
        ours.send(&pattern(number, length(number)))?;
    }
    ours.send(b"how many?")?;
    let mut answer = [0; 16];
    let length = ours.recv(&mut answer)?.ok_or("the consumer left without an answer")?;
    let counted: usize = std::str::from_utf8(&answer[..length])?.parse()?;
    println!(
        "producer {}: {MESSAGES} messages in {:?}, the consumer counted {counted}",
        id(),
        start.elapsed()
    );
    expect("messages", counted, MESSAGES)?;

    drop(ours); // the consumer sees the end of the stream
    finish(consumer)
}

fn consume(connection: &Connection) -> Outcome {
    println!("consumer {}: inherited descriptor {:?}", id(), connection.as_fd());
    let mut buffer = [0; 1024];
    for number in 0..MESSAGES {
        let received = connection.recv(&mut buffer)?.ok_or("the stream ended early")?;
        expect("length of message", received, length(number))?;
        verify(number, &buffer[..received])?;
    }
    let question = connection.recv(&mut buffer)?.ok_or("no question")?;
    expect("question", &buffer[..question], b"how many?".as_slice())?;
    connection.send(MESSAGES.to_string().as_bytes())?;

    expect("end of stream", connection.recv(&mut buffer)?, None)?;
    println!("consumer {}: {MESSAGES} messages, every one of the right length and content", id());
    Ok(())
}
