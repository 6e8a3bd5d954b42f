//! Models of the parts of the locks that are not a mutex: every order in which a few threads can go, and every value that
//! weakly ordered memory may show them. `tests/loom.sh` runs them.
//!
//! The code is that of the locks; only the words and the sleeping are the checker's. A lost wake-up is a deadlock, and data
//! that is used without order is told as such.

pub(crate) mod futex;

use std::cell::UnsafeCell;

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

use super::atomic::AtomicU32;
use super::condition::INITIALISED;
use super::raw::RawMutex;
use super::slot::Slot;
use super::{Condvar, Event, Mutex, RwLock, Semaphore};

/// An object, and data that it orders the use of.
struct World<T> {
    object: T,
    data: loom::cell::UnsafeCell<u32>,
}

impl<T: 'static> World<T> {
    fn new(object: T) -> Arc<World<T>> {
        Arc::new(World { object, data: loom::cell::UnsafeCell::new(0) })
    }

    fn write(&self) {
        self.data.with_mut(|_| ());
    }

    fn read(&self) {
        self.data.with(|_| ());
    }
}

fn beside<T: 'static>(world: &Arc<World<T>>, role: fn(&World<T>)) -> JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || role(&world))
}

fn initialised() -> AtomicU32 {
    AtomicU32::new(INITIALISED)
}

fn slot() -> Slot {
    Slot(RawMutex::default())
}

#[test]
fn an_event_carries_what_was_written_before() {
    loom::model(|| {
        let world = World::new(Event::default());
        let waiters = [(); 2].map(|()| {
            beside(&world, |world| {
                world.object.wait().unwrap();
                world.read();
            })
        });
        world.write();
        world.object.set().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
fn an_event_that_is_set_twice_wakes_everybody() {
    loom::model(|| {
        let world = World::new(Event::default());
        let waiter = beside(&world, |world| world.object.wait().unwrap());
        let setter = beside(&world, |world| world.object.set().unwrap());
        world.object.reset();
        world.object.set().unwrap();
        waiter.join().unwrap();
        setter.join().unwrap();
    });
}

/// A mutex and a place to wait for its data.
type Place = (Mutex<u32>, Condvar);

fn place() -> Arc<World<Place>> {
    let mutex = Mutex { raw: RawMutex::default(), condition: initialised(), data: UnsafeCell::new(0) };
    World::new((mutex, Condvar::default()))
}

fn wait_for_one(world: &World<Place>) {
    let (mutex, changed) = &world.object;
    drop(changed.wait_while(mutex.lock().unwrap(), |number| *number == 0).unwrap());
    world.read();
}

#[test]
fn a_condvar_loses_no_notification() {
    loom::model(|| {
        let world = place();
        let waiters = [(); 2].map(|()| beside(&world, wait_for_one));
        world.write();
        let (mutex, changed) = &world.object;
        *mutex.lock().unwrap() = 1;
        changed.notify_one().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
fn a_condvar_may_be_notified_under_the_lock() {
    loom::model(|| {
        let world = place();
        let waiter = beside(&world, wait_for_one);
        world.write();
        let (mutex, changed) = &world.object;
        let mut number = mutex.lock().unwrap();
        *number = 1;
        changed.notify_one().unwrap();
        drop(number);
        waiter.join().unwrap();
    });
}

#[test]
fn a_semaphore_hands_its_permit_on() {
    fn use_permit(world: &World<Semaphore<1>>) {
        let permit = world.object.acquire().unwrap();
        world.write();
        drop(permit);
    }
    loom::model(|| {
        let (condition, slots) = (initialised(), [slot()]);
        let world = World::new(Semaphore {
            condition,
            waiters: AtomicU32::default(),
            releases: AtomicU32::default(),
            slots,
        });
        let others = [(); 2].map(|()| beside(&world, use_permit));
        use_permit(&world);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn a_writer_keeps_everybody_out() {
    type Table = RwLock<u32, 1>;
    fn write(world: &World<Table>) {
        let guard = world.object.write().unwrap();
        world.write();
        drop(guard);
    }
    fn read(world: &World<Table>) {
        let guard = world.object.read().unwrap();
        world.read();
        drop(guard);
    }
    loom::model(|| {
        let world = World::new(Table {
            gate: RawMutex::default(),
            condition: initialised(),
            writer: AtomicU32::default(),
            slots: [slot()],
            data: UnsafeCell::new(0),
        });
        let others = [beside(&world, write), beside(&world, read)];
        write(&world);
        read(&world);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}
