//! The bounded buffer of one producer and one consumer, with each method of sleeping and waking.

use std::mem::ManuallyDrop;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sync::{Condvar, Mutex};
use ipcraft::{Pid, Result, futex};

use super::Method;
use super::wait_point::{Prepared, WaitPoint};

/// One of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Producer,
    Consumer,
}

ipcraft::shared_struct! {
    /// What the processes share.
    pub(super) struct Place {
        /// The items in the buffer.
        pub(super) count: AtomicU32,
        /// The items that were put, and taken.
        pub(super) put: AtomicU32,
        pub(super) taken: AtomicU32,
        pids: [AtomicU32; 2],
        /// How each process has ended: [`DONE`], or an errno, or zero if it was killed.
        ended: [AtomicU32; 2],
        /// Guards the count, for the condition variables.
        guarded: Mutex<u32>,
        changed: [Condvar; 2],
    }
}

/// A process has done all its work.
const DONE: u32 = u32::MAX;

pub(super) struct Buffer {
    method: Method,
    capacity: u32,
    place: Shared<Place>,
    /// What each side sleeps on. A semaphore or eventfd counts the free places, or the items.
    points: [WaitPoint; 2],
}

impl Buffer {
    pub(super) fn new(method: Method, capacity: u32) -> Result<Buffer> {
        let memory = Memfd::create("ipcraft-lab", Shared::<Place>::SIZE)?;
        let place = Shared::initialize(memory.map()?, |place: &Place| place.guarded.init(0))?;
        Ok(Buffer {
            method,
            capacity,
            place,
            points: [WaitPoint::new(method, capacity)?, WaitPoint::new(method, 0)?],
        })
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Runs one side in the calling process.
    pub(super) fn play(&self, side: Side, work: impl FnOnce(&End<'_>) -> Result<()>) {
        let played = self.points[side as usize].prepare().and_then(|prepared| {
            self.place.pids[side as usize].store(std::process::id(), SeqCst);
            // Never dropped, because a pending signal would then be delivered, and end the process.
            work(&ManuallyDrop::new(End { buffer: self, side, prepared }))
        });
        let ended = played.map_or_else(|error| error.errno().map_or(0, i32::unsigned_abs), |()| DONE);
        self.place.ended[side as usize].store(ended, SeqCst);
    }

    /// Returns the failure of a process, after both have ended.
    pub(super) fn result(&self) -> nix::Result<()> {
        for ended in &self.place.ended {
            match ended.load(SeqCst) {
                DONE => {}
                0 => return Err(nix::Error::ECHILD),
                errno => return Err(nix::Error::from_raw(errno as i32)),
            }
        }
        Ok(())
    }
}

/// The buffer as one process uses it.
pub(super) struct End<'a> {
    buffer: &'a Buffer,
    side: Side,
    prepared: Prepared,
}

impl End<'_> {
    /// Puts one item, and blocks while the buffer is full.
    pub(super) fn put(&self) -> Result<()> {
        self.change(self.buffer.capacity, &mut || ())?;
        self.buffer.place.put.fetch_add(1, SeqCst);
        Ok(())
    }

    /// Takes one item, and blocks while the buffer is empty. Calls `between` after each test that
    /// finds it empty, before sleeping.
    pub(super) fn take(&self, between: &mut dyn FnMut()) -> Result<()> {
        self.change(0, between)?;
        self.buffer.place.taken.fetch_add(1, SeqCst);
        Ok(())
    }

    /// Changes the count by one, after it is no longer the limit at which this side waits.
    fn change(&self, limit: u32, between: &mut dyn FnMut()) -> Result<()> {
        let count = &self.buffer.place.count;
        match self.buffer.method {
            Method::Signal | Method::WaitingBit | Method::QueuedSignal => {
                while count.load(SeqCst) == limit {
                    between();
                    self.point().sleep(&self.prepared)?;
                }
                self.wake_other_if(self.step(count) == self.buffer.capacity - limit)
            }
            Method::Semaphore | Method::EventFd => {
                if count.load(SeqCst) == limit {
                    between();
                }
                self.point().sleep(&self.prepared)?;
                self.step(count);
                self.wake_other_if(true)
            }
            Method::Futex => {
                while count.load(SeqCst) == limit {
                    between();
                    futex::wait(count, limit)?;
                }
                if self.step(count) == self.buffer.capacity - limit {
                    futex::wake(count, 1)?;
                }
                Ok(())
            }
            Method::Condvar => self.change_under_mutex(limit, between),
        }
    }

    fn change_under_mutex(&self, limit: u32, between: &mut dyn FnMut()) -> Result<()> {
        let place = &self.buffer.place;
        // The data is one number, so a death leaves nothing to repair.
        let mut count = place.guarded.lock().or_else(|error| error.repair(|_| ()))?;
        while *count == limit {
            between();
            count = place.changed[self.side as usize].wait(count).or_else(|error| error.repair(|_| ()))?;
        }
        *count = self.next(*count);
        place.count.store(*count, SeqCst);
        drop(count);
        place.changed[1 - self.side as usize].notify_one()
    }

    fn point(&self) -> &WaitPoint {
        &self.buffer.points[self.side as usize]
    }

    fn next(&self, count: u32) -> u32 {
        if self.side == Side::Producer { count + 1 } else { count - 1 }
    }

    /// Changes the count by one, and returns the previous one.
    fn step(&self, count: &AtomicU32) -> u32 {
        if self.side == Side::Producer { count.fetch_add(1, SeqCst) } else { count.fetch_sub(1, SeqCst) }
    }

    /// Wakes the other process if it may sleep.
    fn wake_other_if(&self, may_sleep: bool) -> Result<()> {
        let other = 1 - self.side as usize;
        let id = Pid::try_from(self.buffer.place.pids[other].load(Relaxed)).ok();
        if may_sleep { self.buffer.points[other].wake(id) } else { Ok(()) }
    }
}
