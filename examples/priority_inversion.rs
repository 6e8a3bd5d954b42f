//! Priority inversion: an urgent process waits for a lock whose owner does not get to run. A lock
//! with priority inheritance lends the owner the priority of the waiter.
//!
//! The kernel shows the priority with which the owner runs. Without the right to real-time
//! priorities the waiter is an ordinary process, and nothing is lent. `ipcraft lab inversion`
//! measures how long the urgent process waits.
//!
//! Run it: `cargo run -p ipcraft-examples --example priority_inversion`

use std::env;
use std::fs;
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::futex::pi::{self, PreviousOwner};
use ipcraft::process::{CommandExt, Inherit};
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft_examples::peer::{TIMEOUT, shared};
use ipcraft_examples::{Outcome, expect, finish, println, role, this_program};

/// The real-time priority of the urgent process, and how the kernel shows it.
const URGENT: i32 = 10;
const SHOWN_URGENT: i32 = -1 - URGENT;

ipcraft::shared_struct! {
    struct Guarded {
        lock: AtomicU32,
        visits: AtomicU32,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--urgent") => wait(&*shared()?),
        _ => own(),
    }
}

fn own() -> Outcome {
    let memory = Memfd::create("guarded", Shared::<Guarded>::SIZE)?;
    let guarded = Shared::initialize(memory.map()?, |_: &Guarded| Ok(()))?;
    expect("previous owner", pi::lock(&guarded.lock)?, PreviousOwner::Unlocked)?;
    let before = priority()?;
    println!("owner {}: holds the lock, runs with priority {before}", id());

    let (urgent, is_realtime) = start(&memory)?;
    let wanted = if is_realtime { SHOWN_URGENT } else { before };
    let lent = await_waiter(&guarded.lock, wanted)?;
    println!("owner {}: process {} waits, the owner runs with priority {lent}", id(), urgent.id());
    expect("priority while a process waits", lent, wanted)?;

    pi::unlock(&guarded.lock)?;
    println!("owner {}: has unlocked, runs with priority {}", id(), priority()?);
    expect("priority after unlocking", priority()?, before)?;
    finish(urgent)?;

    // The other process ended without unlocking. The next owner receives the lock and the news.
    expect("previous owner", pi::lock(&guarded.lock)?, PreviousOwner::Died)?;
    expect("visits", guarded.visits.load(Relaxed), 1)?;
    println!("owner {}: the other process died with the lock, which is free again", id());
    Ok(pi::unlock(&guarded.lock)?)
}

/// Starts the process that waits, with a real-time priority if this user may.
fn start(memory: &Memfd) -> Outcome<(Child, bool)> {
    let priority = URGENT.to_string();
    let realtime = || {
        let mut command = Command::new("chrt");
        command.args(["--fifo", &priority]);
        command
    };
    let test = realtime().arg("true").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_realtime = test.is_ok_and(|status| status.success());
    let mut command = if is_realtime { realtime() } else { this_program("--urgent")? };
    if is_realtime {
        command.arg(env::current_exe()?).arg("--urgent");
    } else {
        println!("no right to a real-time priority: the other process is an ordinary one");
    }
    let inherit = Inherit::new().named("memory", memory.try_clone()?);
    Ok((command.spawn_inheriting(inherit)?, is_realtime))
}

fn wait(guarded: &Guarded) -> Outcome {
    expect("previous owner", pi::lock_timeout(&guarded.lock, TIMEOUT)?, PreviousOwner::Unlocked)?;
    println!("urgent {}: owns the lock, and ends with it", id());
    guarded.visits.fetch_add(1, Relaxed);
    Ok(())
}

/// Waits until a process waits for the lock and this one has the wanted priority. Returns the
/// priority.
fn await_waiter(lock: &AtomicU32, wanted: i32) -> Outcome<i32> {
    let (start, own) = (Instant::now(), id());
    // The kernel sets a bit beside the owner's id when a thread waits.
    while (lock.load(Relaxed) == own || priority()? != wanted) && start.elapsed() < TIMEOUT / 2 {
        sleep(Duration::from_millis(1));
    }
    priority()
}

/// The priority with which this thread runs now: 20 for an ordinary thread of nice value 0, and
/// below zero for a real-time one (field 18 of proc_pid_stat(5)).
fn priority() -> Outcome<i32> {
    let stat = fs::read_to_string("/proc/thread-self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no such file as expected")?;
    Ok(fields.split(' ').nth(18 - 3).ok_or("a field is missing")?.parse()?)
}
