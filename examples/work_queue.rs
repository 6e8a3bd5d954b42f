//! A work queue in shared memory: a worker is killed during a job, another worker repeats that job,
//! and no job is lost.
//!
//! Run it: `cargo run -p ipcraft-examples --example work_queue`

use std::collections::BTreeMap;
use std::io::{Read, stdin};
use std::process::{Child, Stdio, exit, id};
use std::time::Duration;

use ipcraft::channel::mpmc::{Channel, Options, Receiver, Sender};
use ipcraft_examples::{Outcome, argument, expect, finish, fresh_object, println, role, this_program};

const JOBS: u64 = 1000;
const WORKERS: usize = 3;
/// The number of no job, in the report of a worker that has opened the queue.
const READY: u64 = 0;
const TIMEOUT: Duration = Duration::from_secs(30);

ipcraft::plain_struct! {
    /// A worker's report: it is ready, it has begun a job and has no result yet, or it has finished
    /// one.
    #[derive(Debug)]
    struct Report {
        job: u64,
        result: u64,
        worker: u64,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--worker") => work(&argument()?),
        Some("--victim") => begin(&argument()?),
        _ => produce(),
    }
}

fn produce() -> Outcome {
    let queue = fresh_object("ipcraft-work-queue");
    let options = Options::new().capacity(64).remove_on_drop(true);
    let jobs: Channel<u64> = options.create_new(&queue)?;
    // Room for all reports, so that workers never wait for the producer while it waits for them.
    let options = Options::new().capacity(2 * JOBS as usize).remove_on_drop(true);
    let report_queue: Channel<Report> = options.create_new(reports_of(&queue))?;
    let mut reports = report_queue.receiver()?;
    let own_sender = report_queue.sender()?; // keeps the queue connected while workers start
    let mut sender = jobs.sender()?;

    let mut victim = start("--victim", &queue)?;
    sender.send(1)?;
    let begun = reports.recv_timeout(TIMEOUT)?;
    println!("producer {}: worker {} has begun job {}", id(), begun.worker, begun.job);
    let mut workers = (1..WORKERS).map(|_| start("--worker", &queue)).collect::<Outcome<Vec<_>>>()?;
    // The sender must never be without a receiver.
    workers.iter().try_for_each(|_| expect("report", reports.recv_timeout(TIMEOUT)?.job, READY))?;
    drop(own_sender);
    (2..=50).try_for_each(|job| sender.send(job))?; // the other workers continue meanwhile
    victim.kill()?;
    victim.wait()?;
    println!("producer {}: killed worker {}, and starts another", id(), begun.worker);
    workers.push(start("--worker", &queue)?);
    sender.send_all_timeout(&Vec::from_iter(51..=JOBS), TIMEOUT)?;
    drop(sender); // ends the workers after the last job

    let mut done = BTreeMap::from([(begun.job, vec![begun.worker])]);
    let mut share = BTreeMap::new();
    for report in &mut reports {
        let Report { job, result, worker } = report?;
        if job == READY {
            continue;
        }
        expect("result", result, job * job)?;
        done.entry(job).or_default().push(worker);
        *share.entry(worker).or_insert(0) += 1;
    }
    workers.into_iter().try_for_each(finish)?;
    for (worker, jobs) in share {
        println!("producer {}: worker {worker} has done {jobs} jobs", id());
    }
    expect("jobs", done.keys().copied().collect::<Vec<_>>(), (1..=JOBS).collect())?;
    let twice: Vec<u64> = done.iter().filter(|(_, by)| by.len() > 1).map(|(job, _)| *job).collect();
    expect("job that was begun twice", twice, vec![begun.job])?;
    println!("producer {}: all {JOBS} jobs are done, job {} by {:?}", id(), begun.job, done[&begun.job]);
    Ok(())
}

/// The name of the queue for reports.
fn reports_of(queue: &str) -> String {
    format!("{queue}-reports")
}

/// Starts a worker, whose standard input stays open while this process lives.
fn start(part: &str, queue: &str) -> Outcome<Child> {
    Ok(this_program(part)?.arg(queue).stdin(Stdio::piped()).spawn()?)
}

fn work(queue: &str) -> Outcome {
    let mut jobs = Receiver::<u64>::open(queue)?;
    let mut reports = Sender::open(reports_of(queue))?;
    reports.send(Report { job: READY, result: 0, worker: id().into() })?;
    loop {
        // The job stays in the queue until this guard is dropped. After a crash another worker gets
        // it.
        let held = match jobs.recv_in_place_timeout(TIMEOUT) {
            Ok(held) => held,
            Err(e) if e.kind() == ipcraft::ErrorKind::Disconnected => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        let job = held.get()?;
        reports.send(Report { job, result: job * job, worker: id().into() })?;
    }
}

fn begin(queue: &str) -> Outcome {
    let mut jobs = Receiver::<u64>::open(queue)?;
    let held = jobs.recv_in_place_timeout(TIMEOUT)?;
    Sender::open(reports_of(queue))?.send(Report { job: held.get()?, result: 0, worker: id().into() })?;
    let _ = stdin().read(&mut [0]); // blocks until it is killed
    exit(1)
}
