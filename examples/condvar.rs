//! A condition variable in shared memory: neither a waiter that is killed nor a notifier takes a
//! job with it.
//!
//! Run it: `cargo run -p ipcraft-examples --example condvar`

use std::mem::take;
use std::process::id;

use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::sync::{Condvar, Event, Mutex, MutexGuard, WaitTimeoutResult};
use ipcraft_examples::relatives::{PATIENCE, Relative, shared, start, wait_to_be_killed};
use ipcraft_examples::{Outcome, expect, part};

const JOBS: u64 = 1000;
const WORKERS: u64 = 3;

ipcraft::plain_struct! {
    #[derive(Debug, Default)]
    struct Desk {
        /// Zero if there is none; one beyond `JOBS` sends a worker home.
        job: u64,
        square: u64,
        done: u64,
        idle: u64,
        repairs: u64,
    }
}

ipcraft::shared_struct! {
    struct Office {
        desk: Mutex<Desk>,
        changed: Condvar,
        all_wait: Event,
        is_halfway: Event,
    }
}

fn main() -> Outcome {
    match part().as_deref() {
        Some("--worker") => work(&*shared()?),
        Some("--rival") => put_half(&*shared()?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let memory = Memfd::create("office", Shared::<Office>::SIZE)?;
    let office = Shared::initialize(memory.map()?, |office: &Office| office.desk.init(Desk::default()))?;
    let workers: Outcome<Vec<Relative>> = (0..WORKERS).map(|_| start("--worker", &memory)).collect();
    let mut workers = workers?;
    office.all_wait.wait_timeout(PATIENCE)?;
    drop(lock(&office)?); // the last of them, too, has let go, and that is one step with beginning to wait
    workers.remove(0).kill()?;
    println!("producer {}: killed one of {WORKERS} workers while it waited", id());
    let rival = start("--rival", &memory)?;
    office.is_halfway.wait_timeout(PATIENCE)?;
    rival.kill()?;

    let last = JOBS + workers.len() as u64;
    let mut desk = lock(&office)?;
    for job in 1..=last {
        desk = when(&office, desk, |desk| desk.job == 0)?;
        (desk.job, desk.square) = (job, job * job);
        office.changed.notify_one()?;
    }
    drop(desk);
    workers.into_iter().try_for_each(Relative::finish)?;
    let desk = lock(&office)?;
    expect("sum of the squares", desk.done, (1..=last).map(|job| job * job).sum())?;
    expect("how often somebody was told", desk.repairs, 1)
}

fn put_half(office: &Office) -> Outcome {
    let mut desk = lock(office)?;
    desk.job = 7; // and never its square
    office.is_halfway.set()?;
    wait_to_be_killed()
}

fn work(office: &Office) -> Outcome {
    let mut desk = lock(office)?;
    desk.idle += 1;
    if desk.idle == WORKERS {
        office.all_wait.set()?;
    }
    let mut job = 0;
    while job <= JOBS {
        desk = when(office, desk, |desk| desk.job != 0)?;
        job = take(&mut desk.job);
        desk.done += take(&mut desk.square);
        office.changed.notify_one()?;
    }
    Ok(())
}

type Guard<'a> = MutexGuard<'a, Desk>;

fn lock(office: &Office) -> ipcraft::Result<Guard<'_>> {
    office.desk.lock_timeout(PATIENCE).or_else(|e| e.repair(clear))
}

/// Waits until the desk is as it should be.
fn when<'a>(office: &'a Office, mut desk: Guard<'a>, is_right: fn(&Desk) -> bool) -> Outcome<Guard<'a>> {
    while !is_right(&desk) {
        desk = match office.changed.wait_timeout(desk, PATIENCE) {
            Ok((desk, WaitTimeoutResult::Notified)) => desk,
            Ok((_, WaitTimeoutResult::TimedOut)) => return Err("nobody has done anything".into()),
            Err(error) => error.repair(clear)?,
        };
    }
    Ok(desk)
}

/// Takes away what somebody who died had not put there as a whole.
fn clear(desk: &mut Desk) {
    println!("process {}: found what somebody left who died: {desk:?}", id());
    *desk = Desk { job: 0, square: 0, repairs: desk.repairs + 1, ..*desk };
}
