//! An async receiver: one `select!` over a channel in shared memory, a child and a signal.
//!
//! The child sends numbers with blocking calls, and a signal half way. It needs no runtime. The
//! parent notices the messages, the signal, the end of the stream and the end of the child.
//!
//! Run it: `cargo run -p ipcraft-examples --example async_channel`

use std::process::id;
use std::time::{Duration, Instant};

use ipcraft::channel::spsc::{self, Sender};
use ipcraft::process::{Inherit, take_inherited_fd};
use ipcraft::signal::{self, Signal, SignalFd, SignalMaskGuard};
use ipcraft::{ErrorKind, Pid};
use ipcraft_examples::{Outcome, argument, expect, println, role, this_program};
use ipcraft_tokio::{IntoAsync, process};
use tokio::runtime::Builder;
use tokio::time::timeout;

const NUMBERS: u64 = 100_000;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    if role().as_deref() == Some("--producer") {
        return produce(Sender::from_fd(take_inherited_fd("numbers")?)?);
    }
    // A thread inherits the mask of the thread that starts it: so this comes before the runtime.
    let blocked = signal::block(Signal::USR1)?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { timeout(TIMEOUT, consume(&blocked)).await? })
}

async fn consume(blocked: &SignalMaskGuard) -> Outcome {
    let (sender, receiver) = spsc::channel::<u64>(256)?;
    let mut receiver = receiver.into_async()?;
    let signals = SignalFd::new(blocked)?.into_async()?;

    let inherit = Inherit::new().named("numbers", sender.into_fd()?).reset_signals(true);
    let child = process::spawn(this_program("--producer")?.arg(id().to_string()), inherit)?;

    let (mut received, mut interrupted, mut status) = (0, None, None);
    let (mut is_open, start) = (true, Instant::now());
    while is_open || interrupted.is_none() || status.is_none() {
        // The branches that lose are dropped. They have taken nothing.
        tokio::select! {
            number = receiver.recv(), if is_open => match number {
                Ok(number) => {
                    expect("number", number, received)?;
                    received += 1;
                }
                Err(error) => {
                    expect("kind of error", error.kind(), ErrorKind::Disconnected)?;
                    is_open = false;
                }
            },
            info = signals.read(), if interrupted.is_none() => {
                expect("sender of the signal", info?.sender().map(|sender| sender.pid), Some(child.id()))?;
                interrupted = Some(received);
            }
            exit = child.wait(), if status.is_none() => status = exit?.status(),
        }
    }
    let (interrupted, elapsed) = (interrupted.unwrap_or(0), start.elapsed());
    println!("consumer {}: {received} numbers in {elapsed:.1?}, the signal after {interrupted}", id());
    expect("numbers received", received, NUMBERS)?;
    expect("whether the child succeeded", status.map(|status| status.success()), Some(true))
}

fn produce(mut sender: Sender<u64>) -> Outcome {
    let consumer = Pid::try_from(argument()?.parse::<i32>()?)?;
    for number in 0..NUMBERS {
        if number == NUMBERS / 2 {
            signal::send(consumer, Signal::USR1)?;
        }
        sender.send_timeout(number, TIMEOUT)?;
    }
    println!("producer {}: sent {NUMBERS} numbers and a signal", id());
    Ok(())
}
