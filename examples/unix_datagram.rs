//! Unix datagrams: several producers send records to one consumer, with no connection between them.
//!
//! Run it: `cargo run -p ipcraft-examples --example unix_datagram`

use std::process::id;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::socket::datagram::Socket;
use ipcraft::socket::{Address, Options};
use ipcraft_examples::{
    Outcome, argument, expect, finish, fresh_path, pattern, println, role, this_program, verify,
};

const PRODUCERS: usize = 3;
const MESSAGES: usize = 2_000;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => produce(&argument()?),
        _ => consume(),
    }
}

/// The consumer: receives at a path, and starts the producers.
fn consume() -> Outcome {
    let path = fresh_path("ipcraft-example-datagram");
    let socket = Options::new().remove_on_drop(true).bind_datagram(&path)?;
    println!("consumer {}: receiving at {}", id(), path.display());
    let start = || Ok(this_program("--producer")?.arg(&path).spawn()?);
    let producers = (0..PRODUCERS).map(|_| start()).collect::<Outcome<Vec<_>>>()?;

    // Each producer's progress. The kernel keeps the order of each producer and loses nothing: a
    // sender blocks while the queue is full.
    let mut progress: Vec<(Address, usize)> = Vec::new();
    let mut buffer = [0; 2048];
    for _ in 0..PRODUCERS * MESSAGES {
        let (length, from) = socket.recv_from_timeout(&mut buffer, TIMEOUT)?;
        let number = match progress.iter_mut().find(|(address, _)| *address == from) {
            Some((_, number)) => number,
            None => {
                progress.push((from.clone(), 0));
                &mut progress.last_mut().ok_or("just pushed")?.1
            }
        };
        expect("length of message", length, *number % 1024)?;
        verify(*number, &buffer[..length])?;
        *number += 1;
    }
    for (address, number) in &progress {
        println!("consumer {}: {number} messages from {address}, in order, every byte correct", id());
        expect("messages", *number, MESSAGES)?;
        socket.send_to(b"thanks", address)?;
    }
    expect("producers", progress.len(), PRODUCERS)?;
    expect("more messages", socket.try_recv(&mut buffer).map_err(|e| e.kind()), Err(ErrorKind::Empty))?;
    producers.into_iter().try_for_each(finish)
}

fn produce(path: &str) -> Outcome {
    // A free abstract name: an address by which the consumer distinguishes the producers and
    // answers.
    let socket = Socket::bind(Address::unnamed())?;
    socket.connect(path)?;
    for number in 0..MESSAGES {
        socket.send_timeout(&pattern(number, number % 1024), TIMEOUT)?;
    }
    let mut buffer = [0; 16];
    let length = socket.recv_timeout(&mut buffer, TIMEOUT)?;
    println!("producer {}: sent {MESSAGES} messages from {}", id(), socket.local_address()?);
    expect("answer", &buffer[..length], b"thanks".as_slice())
}
