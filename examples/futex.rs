//! Futexes: a relay race. The runners block on a word of shared memory until the gate opens, and
//! then on a second word until they have the baton.
//!
//! Run it: `cargo run -p ipcraft-examples --example futex`

use std::process::id;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::time::Duration;

use ipcraft::process::{CommandExt, Inherit, take_inherited_fd};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{ErrorKind, futex};
use ipcraft_examples::{Outcome, argument, expect, finish, println, role, this_program};

const RUNNERS: u32 = 3;
const LEGS: u32 = 3000;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Offsets of the words, each on its own cache line, and of the log of the runners of each leg.
const READY: usize = 0;
const GATE: usize = 64;
const BATON: usize = 128;
const LOG: usize = 192;

fn main() -> Outcome {
    match role().as_deref() {
        Some("--runner") => run(&Memfd::try_from(take_inherited_fd("track")?)?.map()?, argument()?.parse()?),
        _ => supervise(),
    }
}

fn supervise() -> Outcome {
    let memory = Memfd::create("example", LOG + 4 * LEGS as usize)?;
    let track = memory.map()?;
    let mut runners = Vec::new();
    for number in 0..RUNNERS {
        let inherit = Inherit::new().named("track", memory.try_clone()?);
        runners.push(this_program("--runner")?.arg(number.to_string()).spawn_inheriting(inherit)?);
    }
    wait_until(track.atomic_u32(READY)?, |ready| ready == RUNNERS)?;
    let gate = track.atomic_u32(GATE)?;
    let error = futex::wait_timeout(gate, 0, Duration::from_millis(10)).expect_err("the gate is closed");
    println!("supervisor {}: {error}", id());
    expect("kind of error", error.kind(), ErrorKind::TimedOut)?;

    gate.store(1, Release); // change the word before waking: a runner about to block sees the change
    println!("supervisor {}: the gate is open; {} runners were blocked", id(), futex::wake_all(gate)?);
    runners.into_iter().try_for_each(finish)?;

    expect("legs", track.atomic_u32(BATON)?.load(Acquire), LEGS)?;
    for leg in 0..LEGS {
        expect("runner of a leg", track.atomic_u32(LOG + 4 * leg as usize)?.load(Acquire), leg % RUNNERS)?;
    }
    println!("supervisor {}: {LEGS} legs, each run by the right runner", id());
    Ok(())
}

fn run(track: &Mapping, number: u32) -> Outcome {
    let ready = track.atomic_u32(READY)?;
    ready.fetch_add(1, AcqRel);
    futex::wake(ready, 1)?;
    wait_until(track.atomic_u32(GATE)?, |gate| gate == 1)?;

    let baton = track.atomic_u32(BATON)?;
    for leg in (number..LEGS).step_by(RUNNERS as usize) {
        wait_until(baton, |now| now == leg)?;
        track.atomic_u32(LOG + 4 * leg as usize)?.store(number, Release);
        baton.store(leg + 1, Release);
        futex::wake_all(baton)?;
    }
    println!("runner {}: done; the words are at {:p} here", id(), track.pointer(0, 4, 4)?);
    Ok(())
}

/// Re-checks the word in a loop, because a wait may end without a wake.
fn wait_until(word: &AtomicU32, condition: impl Fn(u32) -> bool) -> Outcome {
    loop {
        let now = word.load(Acquire);
        if condition(now) {
            return Ok(());
        }
        futex::wait_timeout(word, now, TIMEOUT)?;
    }
}
