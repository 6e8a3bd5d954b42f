//! A channel in shared memory: the parent sends numbers and a child receives them. System calls are
//! made only when one side has to block.
//!
//! Shows how to pass an endpoint to a child, how to send batches, the end of the stream, and the
//! sender's error when the receiver has left.
//!
//! Run it: `cargo run -p ipcraft-examples --example channel`

use std::process::id;
use std::time::Instant;

use ipcraft::ErrorKind;
use ipcraft::channel::spsc::{self, Receiver, Sender};
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft_examples::{Outcome, expect, finish, println, role, this_program};

/// Messages sent one by one, and messages in total.
const SINGLES: u64 = 100_000;
const TOTAL: u64 = 1_000_000;

const BATCH: usize = 64;

ipcraft::plain_struct! {
    /// The message: any type without pointers.
    #[derive(Debug, PartialEq)]
    struct Sample {
        number: u64,
        square: u64,
    }
}

fn sample(number: u64) -> Sample {
    Sample { number, square: number.wrapping_mul(number) }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(Receiver::from_fd(take_inherited_fd("samples")?)?),
        Some("--quitter") => quit(Receiver::from_fd(take_inherited_fd("samples")?)?),
        _ => {
            produce_everything()?;
            produce_without_receiver()
        }
    }
}

fn produce_everything() -> Outcome {
    let (mut sender, receiver) = spsc::channel(1024)?;
    println!("producer {}: made a channel of 1024 samples", id());
    // The descriptor is the endpoint, and ownership moves to the child with it.
    let receiver = receiver.into_fd()?;
    let consumer = this_program("--consumer")?.spawn_inheriting(Inherit::new().named("samples", receiver))?;

    let start = Instant::now();
    for number in 0..SINGLES {
        sender.send(sample(number))?;
    }
    let rest: Vec<Sample> = (SINGLES..TOTAL).map(sample).collect();
    for batch in rest.chunks(BATCH) {
        sender.send_all(batch)?;
    }
    drop(sender); // ends the stream
    finish(consumer)?;
    let rate = TOTAL as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!("producer {}: sent {TOTAL} samples, {rate:.1} million a second", id());
    Ok(())
}

fn consume(mut receiver: Receiver<Sample>) -> Outcome {
    let mut received = 0;
    for arrived in &mut receiver {
        expect("sample", arrived?, sample(received))?;
        received += 1;
    }
    println!("consumer {}: end of the stream after {received} samples, all correct", id());
    expect("samples received", received, TOTAL)
}

/// Without a receiver, the error of `send` returns the message and the reason.
fn produce_without_receiver() -> Outcome {
    let (mut sender, receiver): (Sender<Sample>, _) = spsc::channel(4)?;
    let receiver = receiver.into_fd()?;
    let quitter = this_program("--quitter")?.spawn_inheriting(Inherit::new().named("samples", receiver))?;
    let mut sent = 0;
    let rejected = loop {
        // The channel has room for four. The fifth send blocks until the receiver leaves.
        match sender.send(sample(sent)) {
            Ok(()) => sent += 1,
            Err(rejected) => break rejected,
        }
    };
    finish(quitter)?;
    println!("producer {}: after {sent} samples: {}", id(), rejected.error());
    expect("kind of error", rejected.kind(), ErrorKind::Disconnected)?;
    expect("returned message", rejected.into_message(), sample(sent))
}

fn quit(mut receiver: Receiver<Sample>) -> Outcome {
    expect("first sample", receiver.recv()?, sample(0))
}
