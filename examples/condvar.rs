//! A condition variable in shared memory: no job is lost when a waiter or a notifier is killed.
//!
//! Run it: `cargo run -p ipcraft-examples --example condvar`

use std::mem::take;
use std::process::id;

use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::sync::{Condvar, Event, Mutex, MutexGuard, WaitTimeoutResult};
use ipcraft_examples::peer::{Peer, TIMEOUT, shared, start, wait_to_be_killed};
use ipcraft_examples::{Outcome, expect, println, role};

const JOBS: u64 = 1000;
const WORKERS: u64 = 3;

ipcraft::plain_struct! {
    #[derive(Debug, Default)]
    struct Desk {
        /// Zero if there is none. A number above `JOBS` ends a worker.
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
    match role().as_deref() {
        Some("--worker") => work(&*shared()?),
        Some("--rival") => put_half(&*shared()?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let memory = Memfd::create("office", Shared::<Office>::SIZE)?;
    let office = Shared::initialize(memory.map()?, |office: &Office| office.desk.init(Desk::default()))?;
    let workers: Outcome<Vec<Peer>> = (0..WORKERS).map(|_| start("--worker", &memory)).collect();
    let mut workers = workers?;
    office.all_wait.wait_timeout(TIMEOUT)?;
    drop(lock(&office)?); // all workers wait: waiting releases the lock atomically
    workers.remove(0).kill()?;
    println!("producer {}: killed one of {WORKERS} workers while it waited", id());
    let rival = start("--rival", &memory)?;
    office.is_halfway.wait_timeout(TIMEOUT)?;
    rival.kill()?;

    let last = JOBS + workers.len() as u64;
    let mut desk = lock(&office)?;
    for job in 1..=last {
        desk = when(&office, desk, |desk| desk.job == 0)?;
        (desk.job, desk.square) = (job, job * job);
        office.changed.notify_one()?;
    }
    drop(desk);
    workers.into_iter().try_for_each(Peer::finish)?;
    let desk = lock(&office)?;
    expect("sum of the squares", desk.done, (1..=last).map(|job| job * job).sum())?;
    expect("repairs", desk.repairs, 1)
}

fn put_half(office: &Office) -> Outcome {
    let mut desk = lock(office)?;
    desk.job = 7; // without its square
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
    office.desk.lock_timeout(TIMEOUT).or_else(|e| e.repair(clear))
}

/// Waits until the condition holds for the desk.
fn when<'a>(office: &'a Office, mut desk: Guard<'a>, is_right: fn(&Desk) -> bool) -> Outcome<Guard<'a>> {
    while !is_right(&desk) {
        desk = match office.changed.wait_timeout(desk, TIMEOUT) {
            Ok((desk, WaitTimeoutResult::Notified)) => desk,
            Ok((_, WaitTimeoutResult::TimedOut)) => return Err("no notification arrived in time".into()),
            Err(error) => error.repair(clear)?,
        };
    }
    Ok(desk)
}

/// Removes an incomplete job of a dead owner.
fn clear(desk: &mut Desk) {
    println!("process {}: repairs what a dead owner left: {desk:?}", id());
    *desk = Desk { job: 0, square: 0, repairs: desk.repairs + 1, ..*desk };
}
