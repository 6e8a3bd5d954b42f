//! Frames of 1 MiB that are never copied: written in the channel's memory, and read there by
//! another process.
//!
//! Run it: `cargo run -p ipcraft-examples --example zero_copy`

use std::process::id;
use std::time::Instant;

use ipcraft::channel::spsc::bytes::{Receiver, channel};
use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft_examples::{Outcome, expect, finish, pattern, println, role, speed, this_program, verify};

const FRAME: usize = 1 << 20;
const FRAMES: usize = 64;
/// Bytes that one side processes at a time.
const PIECE: usize = 64 << 10;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(Receiver::from_fd(take_inherited_fd("frames")?)?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let (mut sender, receiver) = channel(4 * FRAME)?;
    let inherit = Inherit::new().named("frames", receiver.into_fd()?);
    let consumer = this_program("--consumer")?.spawn_inheriting(inherit)?;

    let (start, mut sum) = (Instant::now(), 0);
    for number in 0..FRAMES {
        let mut frame = sender.loan(FRAME)?;
        for offset in (0..FRAME).step_by(PIECE) {
            let piece = pattern(number * FRAME + offset, PIECE);
            sum = add(sum, &piece);
            frame.write_at(offset, &piece)?;
        }
        frame.commit();
    }
    // A loan that is dropped is not sent. A loan can be committed with a shorter length.
    sender.loan(FRAME)?.fill(0xff);
    let mut total = sender.loan(FRAME)?;
    total.write_at(0, &sum.to_le_bytes())?;
    total.commit_len(size_of_val(&sum))?;
    drop(sender);
    finish(consumer)?;
    println!("producer {}: {FRAMES} frames, {}", id(), speed(FRAMES * FRAME, start.elapsed()));
    Ok(())
}

fn consume(mut receiver: Receiver) -> Outcome {
    let (mut sum, mut piece) = (0, vec![0; PIECE]);
    for number in 0..FRAMES {
        let frame = receiver.recv_in_place()?; // dropping it returns the memory to the producer
        expect("length of a frame", frame.len(), FRAME)?;
        for offset in (0..FRAME).step_by(PIECE) {
            frame.read_at(offset, &mut piece)?;
            verify(number * FRAME + offset, &piece)?;
            sum = add(sum, &piece);
        }
    }
    let mut total = [0; 8];
    expect("length of the sum", receiver.recv_into(&mut total)?, total.len())?;
    expect("sum", sum, u64::from_le_bytes(total))?;
    println!("consumer {}: verified every byte, sum {sum:x}", id());
    expect("frames after the last", receiver.iter().count(), 0)
}

fn add(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte))
}
