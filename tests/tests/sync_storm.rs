//! A kill storm: eight processes do random things to shared locks, and are killed at random moments and replaced.
//!
//! What the locks guard has invariants, which every owner checks, and restores when it is told that the last one died.
//! `IPCRAFT_STORM=full` has it blow for 20 s; otherwise it takes 3 s.
//!
//! No survivor may stall. Waiting while others have their turn is no stall, so what counts is how long an object let
//! *nobody* come to an end while somebody waited. On a busy machine even that may be an owner's waiting for a processor:
//! so the workers also do something that waits for nobody, and twice the longest that this took is granted. A storm with
//! a stall is repeated, since a single one may still be the machine's; it fails if there is one each time. What hangs for
//! good fails by the watchdog.

use std::env;
use std::hint::spin_loop;
use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sync::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitTimeoutResult};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, Outcome};
use nix::time::{ClockId, clock_gettime};

const WORKERS: usize = 8;

/// How long an object may let nobody come to an end, on a machine that has nothing else to do.
const STALL: Duration = Duration::from_millis(100);

/// A storm with a stall is repeated until so many had one.
const TRIES: u32 = 3;

/// Beyond all storms that there may be, somebody waits for ever.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is in the two accounts together.
const TOTAL: u64 = 1 << 32;

/// The most workers that a storm can use up.
const MOST: usize = 1 << 16;

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        suite::skippable_within(PATIENCE, "survivors_proceed_and_find_their_data_in_order", || {
            survivors_proceed();
            Outcome::Passed
        }),
        suite::nothing_is_left_behind(before),
    ])
}

ipcraft::plain_struct! {
    /// Numbers from `head` to before `tail`, each at its own place.
    struct Queue {
        head: u64,
        tail: u64,
        /// Equal to `tail` and `head`, but in the middle of a change.
        pushed: u64,
        popped: u64,
        places: [u64; 16],
    }
}

ipcraft::shared_struct! {
    struct Zone {
        accounts: Mutex<[u64; 2]>,
        table: RwLock<[u64; 2], 4>,
        permits: Semaphore<3>,
        /// Who has which.
        holders: [AtomicU32; 3],
        queue: Mutex<Queue>,
        changed: Condvar,
        meeting: Barrier<2>,
        /// Workers that were killed, or are about to be.
        doomed: [AtomicU8; MOST],
        records: [Record; 6],
    }
}

ipcraft::shared_struct! {
    /// What happened to one object.
    struct Record {
        operations: AtomicU64,
        /// How many owners were told that the last one died.
        told: AtomicU64,
        /// When anybody's operation last ended, and the times below, in nanoseconds.
        last_end: AtomicU64,
        slowest: AtomicU64,
        longest_stall: AtomicU64,
    }
}

/// The objects, in the order of the records.
const OBJECTS: [&str; 6] = ["mutex", "rwlock", "semaphore", "condvar", "barrier", NOBODY];

/// What workers wait for that wait for nobody.
const NOBODY: &str = "nobody";

fn survivors_proceed() {
    let length = match env::var("IPCRAFT_STORM").as_deref() {
        Ok("full") => Duration::from_secs(20),
        _ => Duration::from_secs(3),
    };
    for attempt in 1..=TRIES {
        let stalled = blow(length);
        if !stalled {
            return;
        }
        println!("storm {attempt} of {TRIES}: nobody proceeded for too long");
    }
    panic!("survivors stalled in each of {TRIES} storms");
}

/// Lets a storm blow, checks what is left of everything, and says whether survivors stalled.
fn blow(length: Duration) -> bool {
    let zone = new_zone();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut workers: Vec<_> = (1..=WORKERS).map(|serial| start(&zone, serial)).collect();
    let mut kills = 0;
    let begin = Instant::now();
    while (begin.elapsed() < length || !each_was_told_of(&zone)) && kills + 2 * WORKERS < MOST {
        sleep(Duration::from_micros(random.below(4000)));
        let at = random.below(WORKERS as u64) as usize;
        end(&zone, workers.swap_remove(at));
        kills += 1;
        workers.push(start(&zone, WORKERS + kills));
    }
    workers.into_iter().for_each(|worker| end(&zone, worker));
    all_is_in_order(&zone);
    report(&zone, kills + WORKERS)
}

fn new_zone() -> Shared<Zone> {
    let memory = Memfd::create("storm", Shared::<Zone>::SIZE).unwrap();
    Shared::initialize(memory.map().unwrap(), |zone: &Zone| {
        zone.accounts.init([TOTAL, 0])?;
        zone.table.init([0, 0])?;
        zone.permits.init()?;
        zone.queue.init(Queue { head: 0, tail: 0, pushed: 0, popped: 0, places: [0; 16] })?;
        zone.meeting.init()
    })
    .unwrap()
}

fn start(zone: &Zone, serial: usize) -> (usize, Peer) {
    let worker = Worker { zone, serial: serial as u32, random: Random((serial as u64) << 32 | 1) };
    (serial, Peer::start(|| worker.work()))
}

fn end(zone: &Zone, (serial, worker): (usize, Peer)) {
    assert!(!worker.has_status_change().unwrap(), "worker {serial} has failed");
    zone.doomed[serial].store(1, SeqCst);
    worker.kill();
}

/// Whether deaths have come at a moment that matters to each of the objects.
fn each_was_told_of(zone: &Zone) -> bool {
    let [objects @ .., _nobody] = &zone.records;
    objects.iter().all(|record| record.told.load(SeqCst) > 0)
}

/// Everything can be had, by one who has never used it before.
fn all_is_in_order(zone: &Zone) {
    const LONG: Duration = Duration::from_secs(10);
    let accounts =
        zone.accounts.lock_timeout(LONG).or_else(|e| e.repair(|accounts| repair_accounts(zone, accounts)));
    check_accounts(&accounts.unwrap());
    let table = zone.table.write_timeout(LONG).or_else(|e| e.repair(|table| repair_table(zone, table)));
    check_table(&table.unwrap());
    check_table(&zone.table.read_timeout(LONG).unwrap());
    let queue = zone.queue.lock_timeout(LONG).or_else(|e| e.repair(|queue| repair_queue(zone, queue)));
    check_queue(&queue.unwrap());
    let permits = [(); 3].map(|()| zone.permits.acquire_timeout(LONG).unwrap());
    assert_eq!(permits.map(|permit| 1 << permit.number()).iter().sum::<u32>(), 0b111);
    drop((zone.meeting.join().unwrap(), zone.meeting.join().unwrap()));
}

/// Prints what has happened, and says whether survivors stalled.
fn report(zone: &Zone, kills: usize) -> bool {
    println!("{kills} kills");
    for (name, record) in OBJECTS.iter().zip(&zone.records) {
        println!(
            "{name:>10}: {:>8} operations, {:>4} told of a death; slowest {:?}, longest stall {:?}",
            record.operations.load(SeqCst),
            record.told.load(SeqCst),
            Duration::from_nanos(record.slowest.load(SeqCst)),
            Duration::from_nanos(record.longest_stall.load(SeqCst)),
        );
        assert!(record.operations.load(SeqCst) > 0, "{name}: nobody has had it");
        assert_eq!(record.told.load(SeqCst) > 0, *name != NOBODY, "{name}: told of deaths");
    }
    let [objects @ .., nobody] = &zone.records;
    // A worker has one of the first at a time; the last, the barrier, tells everybody.
    let told: u64 = objects[..4].iter().map(|record| record.told.load(SeqCst)).sum();
    assert!(told <= kills as u64, "{told} owners were told of a death, with {kills} deaths");

    let granted = STALL + 2 * Duration::from_nanos(nobody.slowest.load(SeqCst));
    objects.iter().any(|record| Duration::from_nanos(record.longest_stall.load(SeqCst)) > granted)
}

impl Record {
    fn end(&self, start: u64) {
        let end = now();
        let last = self.last_end.swap(end, SeqCst);
        self.operations.fetch_add(1, SeqCst);
        self.slowest.fetch_max(end - start, SeqCst);
        self.longest_stall.fetch_max(end.saturating_sub(start.max(last)), SeqCst);
    }

    fn tell(&self) {
        self.told.fetch_add(1, SeqCst);
    }
}

/// Nanoseconds on the clock that all processes have in common.
fn now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    Duration::from(now).as_nanos() as u64
}

/// A xorshift generator: what is random has to be cheap, and the same for the same worker.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// One that works until it is killed.
struct Worker<'a> {
    zone: &'a Zone,
    serial: u32,
    random: Random,
}

impl Worker<'_> {
    fn work(mut self) {
        loop {
            let at = self.random.below(OBJECTS.len() as u64) as usize;
            let start = now();
            match at {
                0 => self.transfer(),
                1 => self.read_or_write(),
                2 => self.use_permit(),
                3 => self.push_or_pop(),
                4 => self.meet(),
                _ => self.wait_for_nobody(),
            }
            self.zone.records[at].end(start);
            self.dawdle();
        }
    }

    /// Takes some time, so that a kill often comes in between.
    fn dawdle(&mut self) {
        (0..self.random.below(4000)).for_each(|_| spin_loop());
    }

    fn wait_for_nobody(&mut self) {
        sleep(Duration::from_micros(100));
        self.dawdle();
    }

    fn transfer(&mut self) {
        let zone = self.zone;
        let taken = match self.random.below(3) {
            0 => zone.accounts.lock(),
            1 => zone.accounts.try_lock(),
            _ => zone.accounts.lock_timeout(Duration::from_millis(1)),
        };
        let Some(mut accounts) = had(taken.or_else(|e| e.repair(|accounts| repair_accounts(zone, accounts))))
        else {
            return;
        };
        check_accounts(&accounts);
        let from = self.random.below(2) as usize;
        let amount = self.random.below(1000).min(accounts[from]);
        accounts[from] -= amount;
        self.dawdle();
        accounts[1 - from] += amount;
        self.dawdle();
    }

    fn read_or_write(&mut self) {
        let zone = self.zone;
        let taken = match self.random.below(4) {
            0 => zone.table.write(),
            1 => zone.table.write_timeout(Duration::from_millis(1)),
            which => {
                let read = if which == 2 { zone.table.try_read() } else { zone.table.read() };
                match read {
                    Err(error) if error.kind() == ErrorKind::OwnerDied => zone.table.write(),
                    read => {
                        let Some(table) = had(read) else { return };
                        check_table(&table);
                        self.dawdle();
                        check_table(&table);
                        return;
                    }
                }
            }
        };
        let Some(mut table) = had(taken.or_else(|e| e.repair(|table| repair_table(zone, table)))) else {
            return;
        };
        check_table(&table);
        table[0] += 1;
        self.dawdle();
        table[1] += 1;
    }

    fn use_permit(&mut self) {
        let taken = match self.random.below(3) {
            0 => self.zone.permits.acquire(),
            1 => self.zone.permits.try_acquire(),
            _ => self.zone.permits.acquire_timeout(Duration::from_millis(1)),
        };
        let Some(permit) = had(taken) else { return };
        let holder = &self.zone.holders[permit.number()];
        let last = holder.swap(self.serial, SeqCst);
        if last != 0 {
            assert_eq!(self.zone.doomed[last as usize].load(SeqCst), 1, "{last} lives, and has it");
            self.zone.records[2].tell();
        }
        self.dawdle();
        assert_eq!(holder.swap(0, SeqCst), self.serial, "somebody else has it");
    }

    fn push_or_pop(&mut self) {
        let zone = self.zone;
        let pushes = self.random.below(2) == 0;
        let taken = zone.queue.lock().or_else(|e| e.repair(|queue| repair_queue(zone, queue)));
        let has_to_wait = |queue: &mut Queue| {
            check_queue(queue);
            queue.tail - queue.head == if pushes { queue.places.len() as u64 } else { 0 }
        };
        let waited = zone.changed.wait_while_timeout(taken.unwrap(), Duration::from_millis(2), has_to_wait);
        let mut queue = match waited {
            Ok((_, WaitTimeoutResult::TimedOut)) => return,
            Ok((queue, WaitTimeoutResult::Notified)) => queue,
            Err(error) => {
                drop(error.repair(|queue| repair_queue(zone, queue)).unwrap());
                return zone.changed.notify_all().unwrap();
            }
        };
        if pushes {
            self.push(&mut queue);
        } else {
            self.pop(&mut queue);
        }
        if self.random.below(2) == 0 {
            drop(queue);
        }
        zone.changed.notify_one().unwrap();
    }

    fn push(&mut self, queue: &mut Queue) {
        let tail = queue.tail;
        queue.places[tail as usize % queue.places.len()] = tail;
        queue.tail += 1;
        self.dawdle();
        queue.pushed += 1;
    }

    fn pop(&mut self, queue: &mut Queue) {
        queue.head += 1;
        self.dawdle();
        queue.popped += 1;
    }

    fn meet(&mut self) {
        let participant = match self.zone.meeting.join() {
            Err(error) if error.kind() == ErrorKind::LimitReached => return,
            joined => joined.unwrap(),
        };
        self.dawdle();
        match participant.wait_timeout(Duration::from_millis(1)) {
            Err(error) if error.kind() == ErrorKind::OwnerDied => self.zone.records[4].tell(),
            waited => drop(had(waited)),
        }
    }
}

/// What was to be had, if it was.
fn had<T>(outcome: Result<T>) -> Option<T> {
    match outcome {
        Ok(had) => Some(had),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check_accounts(accounts: &[u64; 2]) {
    assert_eq!(accounts[0] + accounts[1], TOTAL, "half changed, and nobody was told");
}

/// Some of it has left one account and has not come to the other.
fn repair_accounts(zone: &Zone, accounts: &mut [u64; 2]) {
    zone.records[0].tell();
    let missing = TOTAL - accounts[0] - accounts[1];
    assert!(missing < 1000, "{accounts:?}");
    accounts[0] += missing;
}

fn check_table(table: &[u64; 2]) {
    assert_eq!(table[0], table[1], "half changed, and nobody was told");
}

fn repair_table(zone: &Zone, table: &mut [u64; 2]) {
    zone.records[1].tell();
    assert!(table[0] - table[1] <= 1, "{table:?}");
    table[1] = table[0];
}

fn check_queue(queue: &Queue) {
    assert_eq!((queue.head, queue.tail), (queue.popped, queue.pushed), "half changed, and nobody was told");
    let places = queue.places.len() as u64;
    assert!(queue.tail - queue.head <= places);
    assert!((queue.head..queue.tail).all(|number| queue.places[(number % places) as usize] == number));
}

fn repair_queue(zone: &Zone, queue: &mut Queue) {
    zone.records[3].tell();
    assert!(queue.tail - queue.pushed + queue.head - queue.popped <= 1, "more than one change was under way");
    (queue.popped, queue.pushed) = (queue.head, queue.tail);
}
