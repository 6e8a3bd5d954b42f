//! A descriptor for event loops.

#![allow(unsafe_code)]

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::bell::{Bed, Bell, Sleepers};
use super::end::LOOK;
use super::region::Region;
use super::seat::Seat;
use crate::error::{Error, Result};
use crate::event::{self, EventFd};
use crate::sys::signal;
use crate::time::Deadline;

/// A descriptor that polls as readable when an end may have something to do: a message to receive or room to send, or
/// because the other side has gone.
///
/// A channel sleeps on memory, and an event loop on descriptors; between the two stands a thread, which sleeps while there
/// is nothing to tell. So a message takes one more switch than to an end that waits for it itself.
///
/// The order matters: [`clear`](Readiness::clear) it, then take with `try_` calls until one says
/// [`Empty`](crate::ErrorKind::Empty), and then poll. What comes after the clearing makes it readable again, so nothing is
/// missed; it may also be readable for nothing.
///
/// ```
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use std::os::fd::AsFd;
/// use ipcraft::channel::spsc;
///
/// let (mut sender, mut receiver) = spsc::channel::<u32>(16)?;
/// let readiness = receiver.readiness()?;
/// sender.send(7)?; // usually in another process
/// let mut received = Vec::new();
/// while received.is_empty() {
///     poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
///     readiness.clear()?;
///     while let Ok(number) = receiver.try_recv() {
///         received.push(number);
///     }
/// }
/// assert_eq!(received, [7]);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// Make a new one after a fork: the thread stays with the parent. It has all signals blocked. Dropping it ends the thread.
#[derive(Debug)]
pub struct Readiness {
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner have in common.
#[derive(Debug)]
struct Watch {
    event: EventFd,
    orders: Mutex<Orders>,
    changed: Condvar,
    /// The thread has napped, and heard nothing: so it need not again at once.
    rested: AtomicBool,
    /// Where the end sleeps: words of `_region`.
    bell: NonNull<Bell>,
    _region: Arc<Region>,
    /// The end's own, so that it is free when the end is dropped.
    seat: Weak<Seat>,
    peers: Range<u32>,
    sleepers: Sleepers,
}

// SAFETY: because `bell` leads to atomics of the region, which are not bound to a thread.
unsafe impl Send for Watch {}
// SAFETY: because of the same, and all else is `Sync`.
unsafe impl Sync for Watch {}

#[derive(Clone, Copy, Debug)]
enum Orders {
    /// The descriptor is readable.
    Rest,
    /// Tell when the bell rings, or when a nap is over if it is for one.
    Listen(Bed),
    Stop,
}

impl Readiness {
    /// For an end that sleeps at this bell.
    pub(super) fn new(
        region: Arc<Region>,
        seat: Weak<Seat>,
        bell: NonNull<Bell>,
        peers: Range<u32>,
        sleepers: Sleepers,
    ) -> Result<Readiness> {
        // Readable at first, since there may be something.
        let event = event::Options::new().nonblocking(true).create(1)?;
        let watch = Watch {
            event,
            orders: Mutex::new(Orders::Rest),
            changed: Condvar::new(),
            rested: AtomicBool::new(false),
            bell,
            _region: region,
            seat,
            peers,
            sleepers,
        };
        let watch = Arc::new(watch);
        let thread = start(watch.clone())?;
        Ok(Readiness { watch, thread: Some(thread) })
    }

    /// Makes it unreadable until there may be something again. Then look, with `try_` calls.
    ///
    /// # Errors
    ///
    /// None is known.
    pub fn clear(&self) -> Result<()> {
        match self.watch.event.try_take() {
            Err(e) if e.kind() != crate::ErrorKind::Empty => return Err(e),
            _ => {}
        }
        let rested = self.watch.rested.swap(false, Relaxed);
        let bed = self.watch.bell().lie_down(self.watch.sleepers != Sleepers::One && !rested);
        self.watch.listen_from(bed);
        Ok(())
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.event.as_fd()
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        self.watch.order(Orders::Stop);
        let Some(thread) = self.thread.take() else { return };
        // It may be about to sleep, and then has not heard.
        while !thread.is_finished() {
            self.watch.bell().disturb();
            thread::sleep(Duration::from_micros(50));
        }
        // It does not panic; if it did, there would be nothing left to end.
        let _ = thread.join();
    }
}

impl Watch {
    fn bell(&self) -> &Bell {
        // SAFETY: because the words stay mapped with `_region`.
        unsafe { self.bell.as_ref() }
    }

    fn order(&self, orders: Orders) {
        *self.orders.lock().unwrap_or_else(PoisonError::into_inner) = orders;
        self.changed.notify_one();
    }

    /// Orders the thread to listen. A nap that it has not finished is due all the same.
    fn listen_from(&self, bed: Bed) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let bed = match *orders {
            Orders::Listen(earlier) if earlier.is_for_nap() => bed.for_nap(),
            _ => bed,
        };
        *orders = Orders::Listen(bed);
        self.changed.notify_one();
    }

    /// Waits for orders to do something; `None` for the one to stop.
    fn listen(&self) -> Option<Bed> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *orders {
                Orders::Listen(bed) => return Some(bed),
                Orders::Stop => return None,
                Orders::Rest => {
                    orders = self.changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn run(&self) {
        while let Some(bed) = self.listen() {
            // A bell whose memory is gone is one more reason to let the end look.
            let failed = self.bell().sleep(bed, Deadline::after(bed.most().min(LOOK))).is_err();
            let heard = failed || !self.bell().is_quiet(bed) || self.is_alone();
            if (heard || bed.is_for_nap()) && self.rest() {
                self.rested.store(!heard, Relaxed);
                // A counter that is full is readable too.
                let _ = self.event.try_add(1);
            }
        }
    }

    /// Goes to rest, unless there are other orders by now.
    fn rest(&self) -> bool {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let listened = matches!(*orders, Orders::Listen(_));
        if listened {
            *orders = Orders::Rest;
        }
        listened
    }

    /// Whether nobody of the other side is there, or the end itself is gone.
    fn is_alone(&self) -> bool {
        let Some(seat) = self.seat.upgrade() else { return true };
        !seat.are_taken(self.peers.clone()).unwrap_or(false)
    }
}

/// Starts the thread with all signals blocked, so that none is delivered to it.
fn start(watch: Arc<Watch>) -> Result<JoinHandle<()>> {
    let blocked = signal::block(u64::MAX).map_err(|e| Error::system("pthread_sigmask", e))?;
    let thread = thread::Builder::new().name("ipcraft-readiness".into()).stack_size(64 << 10);
    let started = thread.spawn(move || watch.run());
    signal::set_mask(blocked).map_err(|e| Error::system("pthread_sigmask", e))?;
    started.map_err(|e| {
        let errno = nix::errno::Errno::from_raw(e.raw_os_error().unwrap_or_default());
        Error::system("pthread_create", errno).with_kind(crate::ErrorKind::LimitReached)
    })
}
