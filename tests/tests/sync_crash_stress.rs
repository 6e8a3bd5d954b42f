//! A crash stress: eight processes use shared locks at random while they are killed at random
//! moments and replaced.
//!
//! The data of each lock has an invariant. Every owner checks it, and repairs it if the last owner
//! died. `IPCRAFT_STRESS=full` runs for 20 s, otherwise the test takes 3 s.
//!
//! No survivor may stall. Waiting for other owners is not a stall. So the test measures for how
//! long no operation on an object completed while one was waiting. On a busy machine even that may
//! be an owner that waits for a core. Workers therefore also run operations without a lock, and
//! twice the longest of these is granted. A run with a stall is repeated, and the test fails if
//! every run has one. The watchdog ends a run that blocks forever.
use std::env;
use std::hint::spin_loop;
use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitTimeoutResult};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::{self, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::time::{ClockId, clock_gettime};

const WORKERS: usize = 8;

/// The longest time in which an object may complete no operation, on an idle machine.
const MAX_STALL: Duration = Duration::from_millis(100);

/// The number of runs; the test fails if survivors stall in each.
const MAX_RUNS: u32 = 3;

/// The watchdog aborts the test after this time: longer than all runs together.
const STRESS_TIMEOUT: Duration = Duration::from_secs(180);

/// The sum of the two accounts.
const TOTAL: u64 = 1 << 32;

/// The number of workers that one run can use up.
const MAX_WORKERS: usize = 1 << 16;

fn main() -> ExitCode {
    suite::main()
}

ipcraft::plain_struct! {
    /// The numbers from `head` to `tail` - 1, each in its own slot.
    struct Queue {
        head: u64,
        tail: u64,
        /// Equal to `tail` and `head`, except in the middle of a change.
        pushed: u64,
        popped: u64,
        slots: [u64; 16],
    }
}

ipcraft::shared_struct! {
    struct Fixture {
        accounts: Mutex<[u64; 2]>,
        table: RwLock<[u64; 2], 4>,
        permits: Semaphore<3>,
        /// The worker that holds each permit.
        holders: [AtomicU32; 3],
        queue: Mutex<Queue>,
        changed: Condvar,
        meeting: Barrier<2>,
        /// The workers that were killed, or are about to be.
        killed: [AtomicU8; MAX_WORKERS],
        records: [Record; 6],
    }
}

ipcraft::shared_struct! {
    /// What happened to one object.
    struct Record {
        operations: AtomicU64,
        /// How often the death of the last owner was reported.
        deaths: AtomicU64,
        /// The end of the last operation, and the times below, in nanoseconds.
        last_end: AtomicU64,
        slowest: AtomicU64,
        longest_stall: AtomicU64,
    }
}

/// The objects, in the order of the records.
const OBJECTS: [&str; 6] = ["mutex", "rwlock", "semaphore", "condvar", "barrier", NO_LOCK];

/// The name of the operations without a lock.
const NO_LOCK: &str = "no lock";

#[serial_test(timeout = STRESS_TIMEOUT)]
fn locks_stay_usable_and_consistent_while_workers_are_killed() {
    let length = match env::var("IPCRAFT_STRESS").as_deref() {
        Ok("full") => Duration::from_secs(20),
        _ => Duration::from_secs(3),
    };
    for attempt in 1..=MAX_RUNS {
        let stalled = stress(length);
        if !stalled {
            return;
        }
        println!("run {attempt} of {MAX_RUNS}: an object completed no operation for too long");
    }
    panic!("survivors stalled in each of {MAX_RUNS} runs");
}

/// Runs workers and kills them, checks every object, and returns whether survivors stalled.
fn stress(length: Duration) -> bool {
    let fixture = new_fixture();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut workers: Vec<_> = (1..=WORKERS).map(|serial| start(&fixture, serial)).collect();
    let mut kills = 0;
    let begin = Instant::now();
    while (begin.elapsed() < length || !each_reported_a_death(&fixture)) && kills + 2 * WORKERS < MAX_WORKERS
    {
        sleep(Duration::from_micros(random.below(4000)));
        let at = random.below(WORKERS as u64) as usize;
        end(&fixture, workers.swap_remove(at));
        kills += 1;
        workers.push(start(&fixture, WORKERS + kills));
    }
    workers.into_iter().for_each(|worker| end(&fixture, worker));
    check_all(&fixture);
    report(&fixture, kills + WORKERS)
}

fn new_fixture() -> Shared<Fixture> {
    shared_value(|fixture: &Fixture| {
        fixture.accounts.init([TOTAL, 0])?;
        fixture.table.init([0, 0])?;
        fixture.permits.init()?;
        fixture.queue.init(Queue { head: 0, tail: 0, pushed: 0, popped: 0, slots: [0; 16] })?;
        fixture.meeting.init()
    })
}

fn start(fixture: &Fixture, serial: usize) -> (usize, Peer) {
    let worker = Worker { fixture, serial: serial as u32, random: Random((serial as u64) << 32 | 1) };
    (serial, Peer::start(|| worker.work()))
}

fn end(fixture: &Fixture, (serial, worker): (usize, Peer)) {
    assert!(!worker.has_status_change().unwrap(), "worker {serial} failed");
    fixture.killed[serial].store(1, SeqCst);
    worker.kill();
}

/// Returns whether each object has reported a death.
fn each_reported_a_death(fixture: &Fixture) -> bool {
    let [objects @ .., _no_lock] = &fixture.records;
    objects.iter().all(|record| record.deaths.load(SeqCst) > 0)
}

/// Checks that a new process can use every object.
fn check_all(fixture: &Fixture) {
    let accounts = fixture
        .accounts
        .lock_timeout(LONG_TIMEOUT)
        .or_else(|e| e.repair(|accounts| repair_accounts(fixture, accounts)));
    check_accounts(&accounts.unwrap());
    let table =
        fixture.table.write_timeout(LONG_TIMEOUT).or_else(|e| e.repair(|table| repair_table(fixture, table)));
    check_table(&table.unwrap());
    check_table(&fixture.table.read_timeout(LONG_TIMEOUT).unwrap());
    let queue =
        fixture.queue.lock_timeout(LONG_TIMEOUT).or_else(|e| e.repair(|queue| repair_queue(fixture, queue)));
    check_queue(&queue.unwrap());
    let permits = [(); 3].map(|()| fixture.permits.acquire_timeout(LONG_TIMEOUT).unwrap());
    assert_eq!(permits.map(|permit| 1 << permit.number()).iter().sum::<u32>(), 0b111);
    drop((fixture.meeting.join().unwrap(), fixture.meeting.join().unwrap()));
}

/// Prints the records, and returns whether survivors stalled.
fn report(fixture: &Fixture, kills: usize) -> bool {
    println!("{kills} kills");
    for (name, record) in OBJECTS.iter().zip(&fixture.records) {
        println!(
            "{name:>10}: {:>8} operations, {:>4} reported deaths; slowest {:?}, longest stall {:?}",
            record.operations.load(SeqCst),
            record.deaths.load(SeqCst),
            Duration::from_nanos(record.slowest.load(SeqCst)),
            Duration::from_nanos(record.longest_stall.load(SeqCst)),
        );
        assert!(record.operations.load(SeqCst) > 0, "{name}: no operation completed");
        assert_eq!(record.deaths.load(SeqCst) > 0, *name != NO_LOCK, "{name}: reported deaths");
    }
    let [objects @ .., no_lock] = &fixture.records;
    // A worker uses one object at a time. Only the barrier reports a death to several workers.
    let deaths: u64 = objects[..4].iter().map(|record| record.deaths.load(SeqCst)).sum();
    assert!(deaths <= kills as u64, "{deaths} reported deaths, with {kills} kills");

    let granted = MAX_STALL + 2 * Duration::from_nanos(no_lock.slowest.load(SeqCst));
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

    fn record_death(&self) {
        self.deaths.fetch_add(1, SeqCst);
    }
}

/// Returns the time on a clock that all processes share, in nanoseconds.
fn now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    Duration::from(now).as_nanos() as u64
}

/// A xorshift generator: cheap, and the same sequence for the same worker.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// A process that works until it is killed.
struct Worker<'a> {
    fixture: &'a Fixture,
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
                _ => self.use_no_lock(),
            }
            self.fixture.records[at].end(start);
            self.spin_randomly();
        }
    }

    /// Spins for a random time, so that kills often hit the middle of a change.
    fn spin_randomly(&mut self) {
        (0..self.random.below(4000)).for_each(|_| spin_loop());
    }

    fn use_no_lock(&mut self) {
        sleep(Duration::from_micros(100));
        self.spin_randomly();
    }

    fn transfer(&mut self) {
        let fixture = self.fixture;
        let result = match self.random.below(3) {
            0 => fixture.accounts.lock(),
            1 => fixture.accounts.try_lock(),
            _ => fixture.accounts.lock_timeout(Duration::from_millis(1)),
        };
        let Some(mut accounts) =
            unless_busy(result.or_else(|e| e.repair(|accounts| repair_accounts(fixture, accounts))))
        else {
            return;
        };
        check_accounts(&accounts);
        let from = self.random.below(2) as usize;
        let amount = self.random.below(1000).min(accounts[from]);
        accounts[from] -= amount;
        self.spin_randomly();
        accounts[1 - from] += amount;
        self.spin_randomly();
    }

    fn read_or_write(&mut self) {
        let fixture = self.fixture;
        let result = match self.random.below(4) {
            0 => fixture.table.write(),
            1 => fixture.table.write_timeout(Duration::from_millis(1)),
            which => {
                let read = if which == 2 { fixture.table.try_read() } else { fixture.table.read() };
                match read {
                    Err(error) if error.kind() == ErrorKind::OwnerDied => fixture.table.write(),
                    read => {
                        let Some(table) = unless_busy(read) else { return };
                        check_table(&table);
                        self.spin_randomly();
                        check_table(&table);
                        return;
                    }
                }
            }
        };
        let Some(mut table) = unless_busy(result.or_else(|e| e.repair(|table| repair_table(fixture, table))))
        else {
            return;
        };
        check_table(&table);
        table[0] += 1;
        self.spin_randomly();
        table[1] += 1;
    }

    fn use_permit(&mut self) {
        let result = match self.random.below(3) {
            0 => self.fixture.permits.acquire(),
            1 => self.fixture.permits.try_acquire(),
            _ => self.fixture.permits.acquire_timeout(Duration::from_millis(1)),
        };
        let Some(permit) = unless_busy(result) else { return };
        let holder = &self.fixture.holders[permit.number()];
        let last = holder.swap(self.serial, SeqCst);
        if last != 0 {
            assert_eq!(
                self.fixture.killed[last as usize].load(SeqCst),
                1,
                "{last} is alive and holds the permit"
            );
            self.fixture.records[2].record_death();
        }
        self.spin_randomly();
        assert_eq!(holder.swap(0, SeqCst), self.serial, "another process holds the permit");
    }

    fn push_or_pop(&mut self) {
        let fixture = self.fixture;
        let pushes = self.random.below(2) == 0;
        let result = fixture.queue.lock().or_else(|e| e.repair(|queue| repair_queue(fixture, queue)));
        let has_to_wait = |queue: &mut Queue| {
            check_queue(queue);
            queue.tail - queue.head == if pushes { queue.slots.len() as u64 } else { 0 }
        };
        let result =
            fixture.changed.wait_while_timeout(result.unwrap(), Duration::from_millis(2), has_to_wait);
        let mut queue = match result {
            Ok((_, WaitTimeoutResult::TimedOut)) => return,
            Ok((queue, WaitTimeoutResult::Notified)) => queue,
            Err(error) => {
                drop(error.repair(|queue| repair_queue(fixture, queue)).unwrap());
                return fixture.changed.notify_all().unwrap();
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
        fixture.changed.notify_one().unwrap();
    }

    fn push(&mut self, queue: &mut Queue) {
        let tail = queue.tail;
        queue.slots[tail as usize % queue.slots.len()] = tail;
        queue.tail += 1;
        self.spin_randomly();
        queue.pushed += 1;
    }

    fn pop(&mut self, queue: &mut Queue) {
        queue.head += 1;
        self.spin_randomly();
        queue.popped += 1;
    }

    fn meet(&mut self) {
        let participant = match self.fixture.meeting.join() {
            Err(error) if error.kind() == ErrorKind::LimitReached => return,
            joined => joined.unwrap(),
        };
        self.spin_randomly();
        match participant.wait_timeout(Duration::from_millis(1)) {
            Err(error) if error.kind() == ErrorKind::OwnerDied => self.fixture.records[4].record_death(),
            result => drop(unless_busy(result)),
        }
    }
}

/// Returns the value, or `None` if the object was busy.
fn unless_busy<T>(outcome: Result<T>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check_accounts(accounts: &[u64; 2]) {
    assert_eq!(accounts[0] + accounts[1], TOTAL, "half changed, and no death was reported");
}

/// A dead owner may have debited one account and not yet credited the other.
fn repair_accounts(fixture: &Fixture, accounts: &mut [u64; 2]) {
    fixture.records[0].record_death();
    let missing = TOTAL - accounts[0] - accounts[1];
    assert!(missing < 1000, "{accounts:?}");
    accounts[0] += missing;
}

fn check_table(table: &[u64; 2]) {
    assert_eq!(table[0], table[1], "half changed, and no death was reported");
}

fn repair_table(fixture: &Fixture, table: &mut [u64; 2]) {
    fixture.records[1].record_death();
    assert!(table[0] - table[1] <= 1, "{table:?}");
    table[1] = table[0];
}

fn check_queue(queue: &Queue) {
    assert_eq!(
        (queue.head, queue.tail),
        (queue.popped, queue.pushed),
        "half changed, and no death was reported"
    );
    let slots = queue.slots.len() as u64;
    assert!(queue.tail - queue.head <= slots);
    assert!((queue.head..queue.tail).all(|number| queue.slots[(number % slots) as usize] == number));
}

fn repair_queue(fixture: &Fixture, queue: &mut Queue) {
    fixture.records[3].record_death();
    assert!(queue.tail - queue.pushed + queue.head - queue.popped <= 1, "at most one change was in progress");
    (queue.popped, queue.pushed) = (queue.head, queue.tail);
}
