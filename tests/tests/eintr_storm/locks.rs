//! Locks: two processes compete for what one at a time can hold, and one waits for what the other
//! signals.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread::sleep;
use std::time::Duration;

use ipcraft::Result;
use ipcraft::futex::pi::{self, PreviousOwner};
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft::sync::{
    Barrier, Condvar, Event, Mutex, Once, Participant, RwLock, Semaphore, WaitTimeoutResult,
};
use ipcraft_tests::eintr_storm::Handler;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;

use crate::exchange::{ENOUGH, LONG, Rain, Route, expires};
use crate::ring::{Counters, SLOTS, Slots, ring};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "condvars",
        sends: &["sync::Condvar::wait"],
        receives: &["sync::Condvar::wait"],
        connect: &|_| ring(Counts::new(wait)),
    },
    Route {
        name: "condvars_with_a_condition",
        sends: &["sync::Condvar::wait_while"],
        receives: &["sync::Condvar::wait_while"],
        connect: &|_| ring(Counts::new(wait_while)),
    },
];

ipcraft::shared_struct! {
    struct Counted {
        counts: Mutex<[u32; 2]>,
        changed: [Condvar; 2],
    }
}

type Wait = fn(&Counted, usize, Form) -> Result<()>;

/// Counts behind a mutex, each with its waiters.
struct Counts {
    counted: Shared<Counted>,
    wait: Wait,
}

impl Counts {
    fn new(wait: Wait) -> Counts {
        Counts { counted: shared(|counted: &Counted| counted.counts.init([SLOTS, 0])), wait }
    }
}

impl Counters for Counts {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        (self.wait)(&self.counted, which as usize, form)
    }

    fn give(&self, which: Slots) -> Result<()> {
        self.counted.counts.lock().or_else(|e| e.repair(alive))?[which as usize] += 1;
        self.counted.changed[which as usize].notify_one()
    }
}

fn wait(counted: &Counted, which: usize, form: Form) -> Result<()> {
    let changed = &counted.changed[which];
    let mut counts = counted.counts.lock().or_else(|e| e.repair(alive))?;
    while counts[which] == 0 {
        counts = match form {
            Form::Wait => changed.wait(counts).or_else(|e| e.repair(alive))?,
            Form::Try => return timed_out(),
            Form::Within(timeout) => match changed.wait_timeout(counts, timeout) {
                Ok((counts, WaitTimeoutResult::TimedOut)) if counts[which] == 0 => return timed_out(),
                Ok((counts, _)) => counts,
                Err(error) => error.repair(alive)?,
            },
        };
    }
    counts[which] -= 1;
    Ok(())
}

fn wait_while(counted: &Counted, which: usize, form: Form) -> Result<()> {
    let changed = &counted.changed[which];
    let counts = counted.counts.lock().or_else(|e| e.repair(alive))?;
    let empty = |counts: &mut [u32; 2]| counts[which] == 0;
    let within = match form {
        Form::Wait => None,
        Form::Try => Some(Duration::ZERO),
        Form::Within(timeout) => Some(timeout),
    };
    let mut counts = match within {
        None => changed.wait_while(counts, empty).or_else(|e| e.repair(alive))?,
        Some(timeout) => match changed.wait_while_timeout(counts, timeout, empty) {
            Ok((_, WaitTimeoutResult::TimedOut)) => return timed_out(),
            Ok((counts, WaitTimeoutResult::Notified)) => counts,
            Err(error) => error.repair(alive)?,
        },
    };
    counts[which] -= 1;
    Ok(())
}

/// The error that timed operations fail with.
fn timed_out() -> Result<()> {
    shared(|_: &Event| Ok(())).wait_timeout(Duration::ZERO)
}

/// For what is never to be repaired.
fn alive<T>(_data: &mut T) {
    panic!("no process dies here");
}

fn shared<T: ProcessShared>(initialise: impl FnOnce(&T) -> ipcraft::Result<()>) -> Shared<T> {
    let memory = Memfd::create("locks", Shared::<T>::SIZE).unwrap();
    Shared::initialize(memory.map().unwrap(), initialise).unwrap()
}

/// How long something is had, and not had.
const WHILE: Duration = Duration::from_millis(1);

ipcraft::shared_struct! {
    struct Zone {
        mutex: Mutex<u32>,
        rwlock: RwLock<u32, 2>,
        semaphore: Semaphore<1>,
        barrier: Barrier<2>,
        word: AtomicU32,
        events: [Event; 2],
        /// Whether a process has it, and how often processes had it.
        had: AtomicU32,
        times: AtomicU32,
        /// How many signals have hit each process in its calls.
        hits: [AtomicU32; 2],
    }
}

fn zone() -> Shared<Zone> {
    shared(|zone: &Zone| {
        zone.mutex.init(0)?;
        zone.rwlock.init(0)?;
        zone.semaphore.init()?;
        zone.barrier.init()
    })
}

/// Takes something that excludes others, does something, and gives it back.
type Take = fn(&Zone, Form, &mut dyn FnMut()) -> Result<()>;

pub(crate) fn mutex(handler: Handler) {
    excludes(handler, lock, lock);
}

pub(crate) fn writers(handler: Handler) {
    excludes(handler, write, write);
}

pub(crate) fn readers(handler: Handler) {
    excludes(handler, read, write);
}

pub(crate) fn permits(handler: Handler) {
    excludes(handler, acquire, acquire);
}

pub(crate) fn words(handler: Handler) {
    excludes(handler, lock_word, lock_word);
}

fn lock_word(zone: &Zone, form: Form, inside: &mut dyn FnMut()) -> Result<()> {
    let previous = match form {
        Form::Wait => pi::lock(&zone.word),
        Form::Try => pi::try_lock(&zone.word),
        Form::Within(timeout) => pi::lock_timeout(&zone.word, timeout),
    }?;
    assert_eq!(previous, PreviousOwner::Unlocked);
    inside();
    pi::unlock(&zone.word)
}

fn lock(zone: &Zone, form: Form, inside: &mut dyn FnMut()) -> Result<()> {
    let guard = match form {
        Form::Wait => zone.mutex.lock(),
        Form::Try => zone.mutex.try_lock(),
        Form::Within(timeout) => zone.mutex.lock_timeout(timeout),
    };
    let _guard = guard.or_else(|e| e.repair(alive))?;
    inside();
    Ok(())
}

fn write(zone: &Zone, form: Form, inside: &mut dyn FnMut()) -> Result<()> {
    let guard = match form {
        Form::Wait => zone.rwlock.write(),
        Form::Try => zone.rwlock.try_write(),
        Form::Within(timeout) => zone.rwlock.write_timeout(timeout),
    };
    let _guard = guard.or_else(|e| e.repair(alive))?;
    inside();
    Ok(())
}

fn read(zone: &Zone, form: Form, inside: &mut dyn FnMut()) -> Result<()> {
    let _guard = match form {
        Form::Wait => zone.rwlock.read(),
        Form::Try => zone.rwlock.try_read(),
        Form::Within(timeout) => zone.rwlock.read_timeout(timeout),
    }?;
    inside();
    Ok(())
}

fn acquire(zone: &Zone, form: Form, inside: &mut dyn FnMut()) -> Result<()> {
    let _permit = match form {
        Form::Wait => zone.semaphore.acquire(),
        Form::Try => zone.semaphore.try_acquire(),
        Form::Within(timeout) => zone.semaphore.acquire_timeout(timeout),
    }?;
    inside();
    Ok(())
}

/// One process takes `here`, and another what it excludes; a deadline ends the waiting for it.
fn excludes(handler: Handler, here: Take, there: Take) {
    for form in [Form::Wait, Form::Within(LONG)] {
        let zone = zone();
        let other = Peer::start(|| takes_often(&zone, 1, handler, form, there));
        takes_often(&zone, 0, handler, form, here);
        other.join();
    }
    let zone = zone();
    let other = Peer::start(|| {
        let until_released = || {
            zone.events[0].set().unwrap();
            zone.events[1].wait().unwrap();
        };
        there(&zone, Form::Wait, &mut { until_released }).unwrap();
    });
    zone.events[0].wait().unwrap();
    expires(&mut Rain::start(handler), |timeout| here(&zone, Form::Within(timeout), &mut || ()));
    zone.events[1].set().unwrap();
    other.join();
}

/// Until both processes were hit often enough.
fn takes_often(zone: &Zone, me: usize, handler: Handler, form: Form, take: Take) {
    let mut rain = Rain::start(handler);
    while zone.hits.iter().any(|hits| hits.load(SeqCst) < ENOUGH) {
        let mut alone = || {
            assert_eq!(zone.had.swap(1, SeqCst), 0, "another process has it");
            sleep(WHILE);
            zone.had.store(0, SeqCst);
        };
        rain.on(|| take(zone, form, &mut alone)).expect("a signal is no error");
        zone.hits[me].store(rain.hits(), SeqCst);
        sleep(WHILE);
    }
}

ipcraft::shared_struct! {
    struct Setup {
        once: Once,
        is_running: Event,
        is_over: Event,
    }
}

/// One process makes the call until the other one, which waits for it, was hit often enough.
pub(crate) fn once(handler: Handler) {
    for form in [Form::Wait, Form::Within(LONG)] {
        let mut rain = Rain::start(handler);
        while rain.hits() < ENOUGH {
            let setup = shared(|setup: &Setup| setup.once.init());
            let caller = Peer::start(|| {
                let call = |_| {
                    setup.is_running.set().unwrap();
                    sleep(WHILE);
                };
                setup.once.call_once(call).unwrap();
            });
            setup.is_running.wait().unwrap();
            rain.on(|| match form {
                Form::Within(timeout) => setup.once.call_once_timeout(timeout, |_| unreachable!()),
                _ => setup.once.call_once(|_| unreachable!()),
            })
            .expect("a signal is no error");
            caller.join();
        }
    }
    let setup = shared(|setup: &Setup| setup.once.init());
    let caller = Peer::start(|| setup.once.call_once(|_| call_until_over(&setup)).unwrap());
    setup.is_running.wait().unwrap();
    expires(&mut Rain::start(handler), |timeout| setup.once.call_once_timeout(timeout, |_| unreachable!()));
    setup.is_over.set().unwrap();
    caller.join();
}

fn call_until_over(setup: &Setup) {
    setup.is_running.set().unwrap();
    setup.is_over.wait().unwrap();
}

/// Each event is set once for each time that it is waited for.
pub(crate) fn events(handler: Handler) {
    for form in [Form::Wait, Form::Within(LONG)] {
        let zone = zone();
        let other = Peer::start(|| answers(&zone, 1, handler, form));
        zone.events[0].set().unwrap();
        answers(&zone, 0, handler, form);
        other.join();
    }
    let zone = zone();
    expires(&mut Rain::start(handler), |timeout| zone.events[0].wait_timeout(timeout));
}

/// The last round, which both know, comes when both were hit often enough at the beginning of one.
fn answers(zone: &Zone, me: usize, handler: Handler, form: Form) {
    const OVER: u32 = u32::MAX;
    let mut rain = Rain::start(handler);
    loop {
        rain.on(|| match form {
            Form::Within(timeout) => zone.events[me].wait_timeout(timeout),
            _ => zone.events[me].wait(),
        })
        .expect("a signal is no error");
        zone.events[me].reset();
        zone.hits[me].store(rain.hits(), SeqCst);
        let over = zone.times.load(SeqCst) == OVER;
        if !over && zone.hits.iter().all(|hits| hits.load(SeqCst) >= ENOUGH) {
            zone.times.store(OVER, SeqCst);
        }
        sleep(WHILE);
        zone.events[1 - me].set().unwrap();
        if over || zone.times.load(SeqCst) == OVER {
            return;
        }
    }
}

/// No process leaves a round before both have arrived.
pub(crate) fn barrier(handler: Handler) {
    for form in [Form::Wait, Form::Within(LONG)] {
        let zone = zone();
        let other = Peer::start(|| meets(&zone, 1, handler, form));
        meets(&zone, 0, handler, form);
        other.join();
    }
    let zone = zone();
    let alone = zone.barrier.join().unwrap();
    expires(&mut Rain::start(handler), |timeout| alone.wait_timeout(timeout).map(drop));
}

fn meets(zone: &Zone, me: usize, handler: Handler, form: Form) {
    let mut rain = Rain::start(handler);
    let participant = zone.barrier.join().unwrap();
    // Both make up their minds between the same two rounds, in which neither counts.
    for round in 0.. {
        let enough = zone.hits.iter().all(|hits| hits.load(SeqCst) >= ENOUGH);
        meet(&participant, form, &mut rain);
        if enough {
            return;
        }
        if round % 2 == me {
            sleep(WHILE);
        }
        zone.times.fetch_add(1, SeqCst);
        meet(&participant, form, &mut rain);
        assert_eq!(zone.times.load(SeqCst) as usize, 2 * (round + 1), "one left before the other had come");
        meet(&participant, form, &mut rain);
        zone.hits[me].store(rain.hits(), SeqCst);
        meet(&participant, form, &mut rain);
    }
}

fn meet(participant: &Participant<'_, 2>, form: Form, rain: &mut Rain) {
    rain.on(|| match form {
        Form::Within(timeout) => participant.wait_timeout(timeout),
        _ => participant.wait(),
    })
    .expect("a signal is no error");
}
