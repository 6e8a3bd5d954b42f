//! Models of the parts of the locks beside the mutex, which `tests/loom.sh` runs.
//!
//! A model explores every order in which a few threads can run, and every value that weakly ordered
//! memory may show them. The code is that of the locks; only the words and the blocking belong to
//! the checker. A lost wake-up shows as a deadlock, and the checker reports unordered access to
//! data.

pub(crate) mod futex;

use std::cell::UnsafeCell;

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

use crate::sync::atomic::AtomicU32;
use crate::sync::raw::RawMutex;
use crate::sync::slot::{self, Slot};
use crate::sync::state::INITIALIZED;
use crate::sync::{Condvar, Event, Mutex, RwLock, Semaphore};

/// A lock, and data whose accesses it orders.
struct Fixture<T> {
    object: T,
    data: loom::cell::UnsafeCell<u32>,
}

impl<T: 'static> Fixture<T> {
    fn new(object: T) -> Arc<Fixture<T>> {
        Arc::new(Fixture { object, data: loom::cell::UnsafeCell::new(0) })
    }

    fn write(&self) {
        self.data.with_mut(|_| ());
    }

    fn read(&self) {
        self.data.with(|_| ());
    }
}

fn spawn<T: 'static>(fixture: &Arc<Fixture<T>>, role: fn(&Fixture<T>)) -> JoinHandle<()> {
    let fixture = Arc::clone(fixture);
    thread::spawn(move || role(&fixture))
}

fn initialized() -> AtomicU32 {
    AtomicU32::new(INITIALIZED)
}

fn slot() -> Slot {
    Slot(RawMutex::default())
}

#[test]
fn event_wait_sees_what_was_written_before_set() {
    loom::model(|| {
        let fixture = Fixture::new(Event::default());
        let waiters = [(); 2].map(|()| {
            spawn(&fixture, |fixture| {
                fixture.object.wait().unwrap();
                fixture.read();
            })
        });
        fixture.write();
        fixture.object.set().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
fn event_set_by_two_threads_wakes_every_waiter() {
    loom::model(|| {
        let fixture = Fixture::new(Event::default());
        let waiter = spawn(&fixture, |fixture| fixture.object.wait().unwrap());
        let setter = spawn(&fixture, |fixture| fixture.object.set().unwrap());
        fixture.object.reset();
        fixture.object.set().unwrap();
        waiter.join().unwrap();
        setter.join().unwrap();
    });
}

/// A mutex, and a condition variable for its data.
type Number = (Mutex<u32>, Condvar);

fn number() -> Arc<Fixture<Number>> {
    let mutex = Mutex { raw: RawMutex::default(), state: initialized(), data: UnsafeCell::new(0) };
    Fixture::new((mutex, Condvar::default()))
}

fn wait_for_one(fixture: &Fixture<Number>) {
    let (mutex, changed) = &fixture.object;
    drop(changed.wait_while(mutex.lock().unwrap(), |number| *number == 0).unwrap());
    fixture.read();
}

#[test]
fn condvar_notify_after_unlock_wakes_every_waiter() {
    loom::model(|| {
        let fixture = number();
        let waiters = [(); 2].map(|()| spawn(&fixture, wait_for_one));
        fixture.write();
        let (mutex, changed) = &fixture.object;
        *mutex.lock().unwrap() = 1;
        changed.notify_one().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
fn condvar_notify_under_the_lock_wakes_the_waiter() {
    loom::model(|| {
        let fixture = number();
        let waiter = spawn(&fixture, wait_for_one);
        fixture.write();
        let (mutex, changed) = &fixture.object;
        let mut number = mutex.lock().unwrap();
        *number = 1;
        changed.notify_one().unwrap();
        drop(number);
        waiter.join().unwrap();
    });
}

#[test]
fn semaphore_release_wakes_a_waiter() {
    fn use_permit(fixture: &Fixture<Semaphore<1>>) {
        let permit = fixture.object.acquire().unwrap();
        fixture.write();
        drop(permit);
    }
    loom::model(|| {
        let (state, slots) = (initialized(), [slot()]);
        let fixture = Fixture::new(Semaphore {
            state,
            waiters: AtomicU32::default(),
            releases: AtomicU32::default(),
            slots,
        });
        let others = [(); 2].map(|()| spawn(&fixture, use_permit));
        use_permit(&fixture);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// A reader-writer lock whose first slot is the preferred one, so that each run is the same.
type Table<const READERS: usize> = RwLock<u32, READERS>;

fn table<const READERS: usize>() -> Arc<Fixture<Table<READERS>>> {
    slot::prefer(0);
    Fixture::new(Table {
        gate: RawMutex::default(),
        state: initialized(),
        writer: AtomicU32::default(),
        slots: [(); READERS].map(|()| slot()),
        data: UnsafeCell::new(0),
    })
}

fn write<const READERS: usize>(fixture: &Fixture<Table<READERS>>) {
    let guard = fixture.object.write().unwrap();
    fixture.write();
    drop(guard);
}

fn read<const READERS: usize>(fixture: &Fixture<Table<READERS>>) {
    let guard = fixture.object.read().unwrap();
    fixture.read();
    drop(guard);
}

#[test]
fn rwlock_writer_excludes_readers_and_writers() {
    loom::model(|| {
        let fixture = table::<1>();
        let others = [spawn(&fixture, write), spawn(&fixture, read)];
        write(&fixture);
        read(&fixture);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn rwlock_writer_excludes_readers_of_every_slot() {
    loom::model(|| {
        let fixture = table::<2>();
        let others = [spawn(&fixture, read), spawn(&fixture, read)];
        write(&fixture);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn rwlock_tries_exclude_each_other() {
    loom::model(|| {
        let fixture = table::<1>();
        let reader = spawn(&fixture, |fixture| {
            if let Ok(guard) = fixture.object.try_read() {
                fixture.read();
                drop(guard);
            }
        });
        if let Ok(guard) = fixture.object.try_write() {
            fixture.write();
            drop(guard);
        }
        reader.join().unwrap();
    });
}
