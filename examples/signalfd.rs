//! Signals read from a descriptor: in batches, polled beside a pipe, with the end of a child among
//! them.
//!
//! Run it: `cargo run -p ipcraft-examples --example signalfd`

use std::io::Read;
use std::process::{Stdio, id};
use std::time::Duration;

use ipcraft::signal::{self, ChildEvent, Code, Signal, SignalFd};
use ipcraft::{ErrorKind, Pid};
use ipcraft_examples::{Outcome, argument, expect, finish, println, role, this_program};

/// Several times the maximum of one read.
const NUMBERS: i32 = 10 * signal::MAX_BATCH as i32;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match role().as_deref() {
        Some("--producer") => produce(argument()?.parse()?),
        _ => consume(),
    }
}

/// Sends everything before the consumer reads, and then exits.
fn produce(consumer: Pid) -> Outcome {
    let (low, high) = (Signal::realtime(0)?, Signal::realtime(1)?);
    for value in 0..NUMBERS {
        let number = if value % 2 == 0 { high } else { low };
        signal::queue(consumer, number, value)?;
    }
    println!("producer {}: queued {NUMBERS} signals for {consumer}", id());
    Ok(())
}

fn consume() -> Outcome {
    let (low, high) = (Signal::realtime(0)?, Signal::realtime(1)?);
    // Block first: the producer knows the pid as soon as it runs.
    let blocked = signal::block(low | high | Signal::CHLD)?;
    let signals = SignalFd::new(&blocked)?;
    let mut producer = this_program("--producer")?.arg(id().to_string()).stdout(Stdio::piped()).spawn()?;
    // Its output ends when it has sent everything.
    let mut said = String::new();
    producer.stdout.take().ok_or("no output")?.read_to_string(&mut said)?;
    println!("{}", said.trim_end());

    let (mut lows, mut highs, mut batches, mut ended) = (Vec::new(), Vec::new(), 0, false);
    while lows.len() + highs.len() < NUMBERS as usize || !ended {
        for info in signals.read_many_timeout(TIMEOUT)? {
            expect("sender", info.sender().map(|sender| sender.pid), Some(Pid::from(&producer)))?;
            match info.code() {
                Code::Child(change) => {
                    expect("end of the producer", change, ChildEvent::Exited(0))?;
                    ended = true;
                }
                _ if info.signal() == low => lows.extend(info.value()),
                _ => highs.extend(info.value()),
            }
        }
        batches += 1;
    }
    expect("values of the lower number", lows, (0..NUMBERS).filter(|value| value % 2 == 1).collect())?;
    expect("values of the higher number", highs, (0..NUMBERS).filter(|value| value % 2 == 0).collect())?;
    expect("remaining signals", signals.try_read().map_err(|e| e.kind()), Err(ErrorKind::Empty))?;
    println!("consumer {}: {NUMBERS} signals and the end of {} in {batches} reads", id(), producer.id());
    finish(producer)
}
