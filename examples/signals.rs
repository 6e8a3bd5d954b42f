//! Realtime signals with a payload, in order and without loss, limited by acknowledgements.
//! Standard signals merge.
//!
//! Run it: `cargo run -p ipcraft-examples --example signals`

use std::process::id;
use std::time::Duration;

use ipcraft::signal::{self, Code, Signal, SignalMaskGuard};
use ipcraft::{ErrorKind, Pid};
use ipcraft_examples::{Outcome, argument, expect, finish, println, role, this_program};

const NUMBERS: i32 = 10_000;
/// Maximum number of unacknowledged signals: all processes of the user share the limit on queued
/// signals.
const WINDOW: i32 = 64;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    // Block first: a realtime signal that is not blocked kills. The consumer inherits the mask.
    let (number, acknowledgement) = (Signal::realtime(0)?, Signal::realtime(1)?);
    match role().as_deref() {
        Some("--consumer") => consume(argument()?.parse()?, number, acknowledgement),
        _ => produce(number, acknowledgement),
    }
}

fn produce(number: Signal, acknowledgement: Signal) -> Outcome {
    let blocked = signal::block(number | acknowledgement | Signal::USR1)?;
    let consumer = this_program("--consumer")?.arg(id().to_string()).spawn()?;
    let (pid, answers) = (Pid::from(&consumer), signal::block(acknowledgement)?);

    merge(pid, &answers)?;
    for value in 0..NUMBERS {
        if value >= WINDOW && value % WINDOW == 0 {
            let acknowledged = answers.wait_timeout(TIMEOUT)?;
            expect("acknowledged", acknowledged.value(), Some(value - WINDOW))?;
        }
        signal::queue(pid, number, value)?;
    }
    println!("producer {}: sent {NUMBERS} {number} to {pid}, at most {} pending", id(), 2 * WINDOW);
    finish(consumer)?;

    expect(
        "whether the consumer is gone",
        signal::check(pid).map_err(|e| e.kind()),
        Err(ErrorKind::NotFound),
    )?;
    while let Ok(last) = blocked.try_wait() {
        expect("remaining signal", last.signal(), acknowledgement)?;
    }
    Ok(())
}

/// Sends three standard signals, of which the consumer sees one: it reads only after all were sent.
fn merge(consumer: Pid, answers: &SignalMaskGuard) -> Outcome {
    let ready = answers.wait_timeout(TIMEOUT)?;
    expect("sender of the ready signal", ready.sender().map(|sender| sender.pid), Some(consumer))?;
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
    expect("the value that announces the end", numbers.wait_timeout(TIMEOUT)?.value(), Some(-1))?;
    expect("a standard signal", standard.try_wait()?.code(), Code::User)?;
    let another = standard.try_wait().map_err(|e| e.kind());
    expect("another one", another, Err(ErrorKind::Empty))?;
    println!("consumer {}: three SIGUSR1 merged into one", id());

    for wanted in 0..NUMBERS {
        let info = numbers.wait_timeout(TIMEOUT)?;
        expect("number", (info.code(), info.value()), (Code::Queue, Some(wanted)))?;
        expect("sender", info.sender().map(|sender| sender.pid), Some(producer))?;
        if wanted % WINDOW == 0 {
            signal::queue(producer, acknowledgement, wanted)?;
        }
    }
    println!("consumer {}: {NUMBERS} numbers from {producer}, each once and in order", id());
    Ok(())
}
