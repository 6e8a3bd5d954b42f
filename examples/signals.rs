//! Realtime signals with a payload, in order and none lost, held back by acknowledgements; standard
//! signals that merge.
//!
//! Run it: `cargo run -p ipcraft-examples --example signals`

use std::process::id;
use std::time::Duration;

use ipcraft::signal::{self, Code, Signal, SignalMaskGuard};
use ipcraft::{ErrorKind, Pid};
use ipcraft_examples::{Outcome, argument, expect, finish, myself, part};

const NUMBERS: i32 = 10_000;
/// How many may be on their way: the room for queued signals is shared by all processes of the
/// user.
const WINDOW: i32 = 64;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    // Before anything else: a realtime signal that nobody blocks kills. The consumer inherits this.
    let (number, acknowledgement) = (Signal::realtime(0)?, Signal::realtime(1)?);
    match part().as_deref() {
        Some("--consumer") => consume(argument()?.parse()?, number, acknowledgement),
        _ => produce(number, acknowledgement),
    }
}

fn produce(number: Signal, acknowledgement: Signal) -> Outcome {
    let blocked = signal::block(number | acknowledgement | Signal::USR1)?;
    let consumer = myself("--consumer")?.arg(id().to_string()).spawn()?;
    let (pid, answers) = (Pid::from(&consumer), signal::block(acknowledgement)?);

    merge(pid, &answers)?;
    for value in 0..NUMBERS {
        if value >= WINDOW && value % WINDOW == 0 {
            let acknowledged = answers.wait_timeout(PATIENCE)?;
            expect("acknowledged", acknowledged.value(), Some(value - WINDOW))?;
        }
        signal::queue(pid, number, value)?;
    }
    println!("producer {}: sent {NUMBERS} {number} to {pid}, at most {} on their way", id(), 2 * WINDOW);
    finish(consumer)?;

    expect("who is gone", signal::check(pid).map_err(|e| e.kind()), Err(ErrorKind::NotFound))?;
    while let Ok(last) = blocked.try_wait() {
        expect("what is left", last.signal(), acknowledgement)?;
    }
    Ok(())
}

/// Three standard signals, of which the consumer sees one: it looks only when it is told that all
/// have been sent.
fn merge(consumer: Pid, answers: &SignalMaskGuard) -> Outcome {
    let ready = answers.wait_timeout(PATIENCE)?;
    expect("who is ready", ready.sender().map(|sender| sender.pid), Some(consumer))?;
    for _ in 0..3 {
        signal::send(consumer, Signal::USR1)?;
    }
    println!("producer {}: sent SIGUSR1 three times", id());
    Ok(signal::queue(consumer, Signal::realtime(0)?, -1)?)
}

fn consume(producer: Pid, number: Signal, acknowledgement: Signal) -> Outcome {
    let numbers = signal::block(number)?;
    let standard = signal::block(Signal::USR1)?;
    signal::queue(producer, acknowledgement, -1)?;
    expect("the word that all were sent", numbers.wait_timeout(PATIENCE)?.value(), Some(-1))?;
    expect("a standard signal", standard.try_wait()?.code(), Code::User)?;
    let another = standard.try_wait().map_err(|e| e.kind());
    expect("another one", another, Err(ErrorKind::Empty))?;
    println!("consumer {}: three SIGUSR1 have become one", id());

    for wanted in 0..NUMBERS {
        let info = numbers.wait_timeout(PATIENCE)?;
        expect("number", (info.code(), info.value()), (Code::Queue, Some(wanted)))?;
        expect("sender", info.sender().map(|sender| sender.pid), Some(producer))?;
        if wanted % WINDOW == 0 {
            signal::queue(producer, acknowledgement, wanted)?;
        }
    }
    println!("consumer {}: {NUMBERS} numbers from {producer}, each once and in order", id());
    Ok(())
}
