//! The lost wake-up: a process decides to sleep, is woken before it does, and sleeps forever.
//!
//! The consumer stops itself between its test and its sleep. Meanwhile the producer puts an item
//! and wakes it. A plain signal is lost; a blocked signal and a futex are not.
//!
//! Run it: `cargo run -p ipcraft-examples --example lost_wakeup`

use std::process::id;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::process::{CommandExt, Inherit, PidFd, State};
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::signal::{self, Signal};
use ipcraft::{Pid, futex};
use ipcraft_examples::peer::{TIMEOUT, shared};
use ipcraft_examples::{Outcome, argument, expect, println, role, this_program};
use nix::unistd::pause;

const WAYS: [&str; 3] = ["plain signal", "blocked signal", "futex"];
/// A process that sleeps at each check for so long is not going to wake.
const FOREVER: Duration = Duration::from_millis(200);

ipcraft::shared_struct! {
    struct Buffer {
        items: AtomicU32,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--consumer") => consume(&*shared()?, &argument()?),
        _ => WAYS.into_iter().try_for_each(produce),
    }
}

fn produce(way: &str) -> Outcome {
    let memory = Memfd::create("buffer", Shared::<Buffer>::SIZE)?;
    let buffer = Shared::initialize(memory.map()?, |_: &Buffer| Ok(()))?;
    // It dies with this process, also while it is stopped.
    let inherit = Inherit::new().named("memory", memory).death_signal(Signal::KILL);
    let (_child, consumer) = this_program("--consumer")?.arg(way).spawn_pidfd(inherit)?;

    expect("signal", consumer.wait_stopped_timeout(TIMEOUT)?, Signal::STOP)?;
    buffer.items.fetch_add(1, SeqCst);
    match way {
        "futex" => drop(futex::wake(&buffer.items, 1)?),
        _ => consumer.send_signal(Signal::USR1)?,
    }
    println!("producer {}: has put an item and woken the consumer, which is awake", id());
    consumer.send_signal(Signal::CONT)?;

    if way == WAYS[0] {
        expect("whether it sleeps forever", sleeps_forever(&consumer)?, true)?;
        expect("items", buffer.items.load(SeqCst), 1)?;
        println!("producer {}: {way}: lost; the consumer sleeps beside an item", id());
        return Ok(consumer.send_signal(Signal::KILL)?);
    }
    let status = consumer.wait_timeout(TIMEOUT)?.status();
    expect("whether it succeeded", status.map(|status| status.success()), Some(true))?;
    expect("items", buffer.items.load(SeqCst), 0)?;
    println!("producer {}: {way}: not lost; the consumer has taken the item", id());
    Ok(())
}

fn consume(buffer: &Buffer, way: &str) -> Outcome {
    // The handler does nothing that matters. A blocked signal stays pending instead.
    let _handler = signal::catch(Signal::USR1)?;
    let blocked = (way == WAYS[1]).then(|| signal::block(Signal::USR1)).transpose()?;
    while buffer.items.load(SeqCst) == 0 {
        println!("consumer {}: {way}: finds the buffer empty", id());
        signal::send(Pid::current(), Signal::STOP)?;
        match (way, &blocked) {
            ("futex", _) => futex::wait(&buffer.items, 0)?,
            (_, Some(blocked)) => drop(blocked.wait()?),
            _ => pause(),
        }
    }
    buffer.items.fetch_sub(1, SeqCst);
    Ok(())
}

fn sleeps_forever(process: &PidFd) -> Outcome<bool> {
    let start = Instant::now();
    // Until it reaches its sleep it may run.
    while process.state()? != State::Sleeping && start.elapsed() < TIMEOUT {
        sleep(Duration::from_millis(1));
    }
    let asleep_since = Instant::now();
    while asleep_since.elapsed() < FOREVER {
        if process.state()? != State::Sleeping {
            return Ok(false);
        }
        sleep(Duration::from_millis(1));
    }
    Ok(true)
}
