//! Senders and workers that are killed at random moments and replaced.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::{Duration, Instant, UNIX_EPOCH};

use ipcraft::ErrorKind;
use ipcraft::channel::mpmc::{Channel, Options, Receiver, Sender};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;

use super::tally::Tally;

const SENDERS: usize = 3;
const WORKERS: usize = 3;

/// The duration of the stress.
const DURATION: Duration = Duration::from_millis(2500);

/// How many lives senders have at most, one after the other, and how much each sends.
const LIVES: usize = 1200;
const EACH: u64 = 40_000;

/// Holds its origin in each word, encoded differently.
type Job = [u64; 7];

fn job(life: u64, i: u64) -> Job {
    let mut job = [life << 32 | i; 7];
    for (word, turn) in job.iter_mut().zip(1..) {
        *word = word.rotate_left(9 * turn) ^ u64::from(turn);
    }
    job
}

/// The origin of a whole job.
fn read(found: Job) -> (u64, u64) {
    let origin = (found[0] ^ 1).rotate_right(9);
    let (life, i) = (origin >> 32, origin & u64::from(u32::MAX));
    assert_eq!(found, job(life, i), "a message that no process sent");
    (life, i)
}

/// How a worker works.
type Work = fn(&mut Receiver<Job>, Duration, &Tally) -> Result<(), ErrorKind>;

/// Logs the job while it holds the message.
fn hold(rx: &mut Receiver<Job>, timeout: Duration, ledger: &Tally) -> Result<(), ErrorKind> {
    let held = rx.recv_in_place_timeout(timeout).map_err(|e| e.kind())?;
    note(held.get().map_err(|e| e.kind())?, ledger);
    Ok(())
}

/// Logs the job after it has received the message.
fn take(rx: &mut Receiver<Job>, timeout: Duration, ledger: &Tally) -> Result<(), ErrorKind> {
    let taken = rx.recv_timeout(timeout).map_err(|e| e.kind())?;
    note(taken, ledger);
    Ok(())
}

fn note(job: Job, ledger: &Tally) {
    let (life, i) = read(job);
    ledger.mark(life as usize * EACH as usize + i as usize).fetch_add(1, Relaxed);
}

/// The words of the ledger: how much of each life was acknowledged, and then whether it is over.
const OVER: usize = LIVES;

fn send(channel: &Channel<Job>, life: u64, ledger: &Tally) {
    let mut tx = channel.sender().unwrap();
    let mut i = 0;
    while i < EACH && ledger.get(OVER) == 0 {
        match if i % 5 == 0 {
            lend(&mut tx, job(life, i))
        } else {
            tx.send(job(life, i)).map_err(|e| e.kind())
        } {
            Ok(()) => {
                i += 1;
                ledger.set(life as usize, i);
            }
            // No worker is alive at the moment.
            Err(kind) => assert_eq!(kind, ErrorKind::Disconnected),
        }
    }
    while ledger.get(OVER) == 0 {
        sleep(Duration::from_millis(1));
    }
}

fn lend(tx: &mut Sender<Job>, job: Job) -> Result<(), ErrorKind> {
    let mut loan = tx.loan().map_err(|e| e.kind())?;
    loan.set(&job);
    loan.commit();
    Ok(())
}

fn work(channel: &Channel<Job>, work: Work, ledger: &Tally) {
    let mut rx = channel.receiver().unwrap();
    loop {
        match work(&mut rx, LONG_TIMEOUT, ledger) {
            Ok(()) => {}
            // No sender is alive at the moment, or the stress has ended.
            Err(ErrorKind::Disconnected) if ledger.get(OVER) == 0 => {}
            Err(ErrorKind::Disconnected) => return,
            Err(kind) => panic!("a worker timed out: {kind:?}"),
        }
    }
}

/// The result of a stress.
struct Outcome {
    sent: u64,
    lost: u64,
    repeated: u64,
    workers_killed: u64,
}

fn stress(way: Work) -> Outcome {
    let channel =
        Options::<Job>::new().capacity(64).initial_position(u64::MAX - 1_000_000).anonymous().unwrap();
    let ledger = Tally::new(LIVES + 1, LIVES * EACH as usize);
    let mut lives = 0;
    let mut new_sender = || {
        let (life, channel, ledger) = (lives, &channel, &ledger);
        lives += 1;
        Peer::start(move || send(channel, life, ledger))
    };
    let new_worker = || Peer::start(|| work(&channel, way, &ledger));
    let mut workers: Vec<_> = (0..WORKERS).map(|_| new_worker()).collect();
    let mut senders: Vec<_> = (0..SENDERS).map(|_| new_sender()).collect();
    let mut workers_killed = 0;
    let began = Instant::now();
    for chance in chances() {
        if began.elapsed() > DURATION {
            break;
        }
        sleep(Duration::from_micros(chance % 8000));
        let victim = (chance >> 16) as usize % (SENDERS + WORKERS);
        if victim < SENDERS {
            senders.swap_remove(victim).kill();
            senders.push(new_sender());
        } else {
            workers.swap_remove(victim - SENDERS).kill();
            workers.push(new_worker());
            workers_killed += 1;
        }
    }
    ledger.set(OVER, 1);
    senders.into_iter().for_each(Peer::join);
    workers.into_iter().for_each(Peer::join);
    // The message of a worker that was killed last may still be there.
    let mut rx = channel.receiver().unwrap();
    while way(&mut rx, LONG_TIMEOUT, &ledger).is_ok() {}
    count(&ledger, lives as usize, workers_killed)
}

/// Compares what was received with what was acknowledged. Each sender may have sent one message
/// more than it acknowledged.
fn count(ledger: &Tally, lives: usize, workers_killed: u64) -> Outcome {
    assert!(lives <= LIVES, "the ledger is too small");
    let mut outcome = Outcome { sent: 0, lost: 0, repeated: 0, workers_killed };
    for life in 0..lives {
        let told = ledger.get(life);
        outcome.sent += told;
        for i in 0..EACH {
            let times = u64::from(ledger.mark(life * EACH as usize + i as usize).load(Relaxed));
            assert!(i <= told || times == 0, "{i} of {life} was received and not sent");
            outcome.lost += u64::from(i < told && times == 0);
            outcome.repeated += times.saturating_sub(1);
        }
    }
    println!(
        "{} sent in {lives} lives, {workers_killed} workers killed, {} lost, {} repeated",
        outcome.sent, outcome.lost, outcome.repeated
    );
    outcome
}

/// Random numbers, other ones in each run.
fn chances() -> impl Iterator<Item = u64> {
    let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64);
    let mut state = now | 1;
    println!("chances begin with {state}");
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 8
    })
}

#[serial_test]
fn mpmc_random_kills_lose_no_message_held_in_place() {
    let Outcome { sent, lost, repeated, workers_killed } = stress(hold);
    assert!(sent > 0 && workers_killed > 0);
    assert_eq!(lost, 0);
    // Each worker holds one message at a time.
    assert!(repeated <= workers_killed, "{repeated} were repeated");
}

#[serial_test]
fn mpmc_random_kills_deliver_a_received_message_once() {
    let Outcome { sent, lost, repeated, workers_killed } = stress(take);
    assert!(sent > 0 && workers_killed > 0);
    assert_eq!(repeated, 0);
    // Each killed worker may have received one message that it could not log.
    assert!(lost <= workers_killed, "{lost} were lost");
}
