//! A descriptor for event loops.

#![allow(unsafe_code)]

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::bell::{Bed, Bell, Sleepers};
use super::end::LOOK;
use super::region::Region;
use super::seat::Seat;
use crate::error::{Error, Result};
use crate::event::{self, EventFd};
use crate::support::errno;
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
/// missed; it may also be readable for nothing: at an end of many it is four times a second, to see who has died and what
/// he has left.
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
    /// The descriptor is readable. With where the thread slept last, if for as long as it had to.
    Rest(Option<Bed>),
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
            orders: Mutex::new(Orders::Rest(None)),
            changed: Condvar::new(),
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
        self.watch.listen_again();
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
        // Where many sleep, it may have been woken in the place of another.
        if self.watch.sleepers != Sleepers::One {
            self.watch.bell().disturb();
        }
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
    fn listen_again(&self) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        *orders = Orders::Listen(match *orders {
            Orders::Rest(rested) => self.bell().lie_down(rested),
            Orders::Listen(earlier) if earlier.is_for_nap() => self.bell().lie_down(None).for_nap(),
            Orders::Listen(earlier) => self.bell().lie_down(Some(earlier)),
            Orders::Stop => return,
        });
        self.changed.notify_one();
    }

    /// Waits for orders to do something; `None` for the one to stop.
    fn listen(&self) -> Option<Bed> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *orders {
                Orders::Listen(bed) => return Some(bed),
                Orders::Stop => return None,
                Orders::Rest(_) => {
                    orders = self.changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn run(&self) {
        while let Some(bed) = self.listen() {
            // A bell whose memory is gone is one more reason to let the end look.
            let until = Deadline::after(bed.most().min(LOOK));
            let failed = self.bell().sleep(bed, until).is_err();
            let in_vain = until.has_passed();
            // Where many sleep, one may be woken while the word says that others still do. And what one of many leaves
            // behind who dies, or holds back, is found by those who look, so they are to do it now and then.
            let of_many = self.sleepers != Sleepers::One || self.peers.len() > 1;
            let heard = failed || of_many || !self.bell().is_quiet(bed) || self.is_alone();
            if (heard || bed.is_for_nap()) && self.rest(in_vain.then_some(bed)) {
                // A counter that is full is readable too.
                let _ = self.event.try_add(1);
            }
        }
    }

    /// Goes to rest, unless there are other orders by now; with where it slept, if that was for as long as it had to.
    fn rest(&self, rested: Option<Bed>) -> bool {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let listened = matches!(*orders, Orders::Listen(_));
        if listened {
            *orders = Orders::Rest(rested);
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
    let blocked = signal::block(u64::MAX).map_err(|e| Error::from_errno("pthread_sigmask", e))?;
    let thread = thread::Builder::new().name("ipcraft-readiness".into()).stack_size(64 << 10);
    let started = thread.spawn(move || watch.run());
    signal::set_mask(blocked).map_err(|e| Error::from_errno("pthread_sigmask", e))?;
    started
        .map_err(|e| Error::from_errno("pthread_create", errno(&e)).with_kind(crate::ErrorKind::LimitReached))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind::{self, Disconnected};
    use crate::channel::spsc::bytes;
    use crate::channel::{broadcast, latest, mpmc, request};
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(10);

    fn is_readable(readiness: &Readiness, within: Duration) -> bool {
        let within = PollTimeout::try_from(within).unwrap();
        poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], within).unwrap() == 1
    }

    /// Does as an event loop does until there is something. Says how often there was nothing.
    fn until<R>(readiness: &Readiness, mut attempt: impl FnMut() -> Option<R>) -> (R, u32) {
        let end = Instant::now() + LONG;
        let mut in_vain = 0;
        loop {
            assert!(is_readable(readiness, LONG), "there is something, and it was not told");
            readiness.clear().unwrap();
            if let Some(found) = attempt() {
                return (found, in_vain);
            }
            in_vain += 1;
            assert!(Instant::now() < end, "readable, and nothing comes");
        }
    }

    /// The end hears of what the other does each time, and of its leaving.
    fn hears<O: Send>(
        readiness: &Readiness,
        other: O,
        act: impl Fn(&mut O) + Sync,
        mut attempt: impl FnMut() -> Result<(), ErrorKind>,
    ) {
        let mut other = other;
        for round in 0..150_u64 {
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_micros(round % 3 * 700));
                    act(&mut other);
                });
                until(readiness, || attempt().ok());
            });
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(5));
                drop(other);
            });
            until(readiness, || (attempt() == Err(Disconnected)).then_some(()));
        });
    }

    #[test]
    fn an_event_loop_hears_of_messages_of_every_kind_and_of_the_end() {
        let (tx, mut rx) = bytes::channel(256).unwrap();
        let mut record = Vec::new();
        let act = |tx: &mut bytes::Sender| tx.send(b"record").unwrap();
        hears(&rx.readiness().unwrap(), tx, act, || rx.try_recv(&mut record).map(drop).map_err(|e| e.kind()));

        let (tx, mut rx) = mpmc::channel::<u64>(16).unwrap();
        let act = |tx: &mut mpmc::Sender<u64>| tx.send(1).unwrap();
        hears(&rx.readiness().unwrap(), tx, act, || rx.try_recv().map(drop).map_err(|e| e.kind()));

        let (tx, mut rx) = broadcast::channel::<u64>(16).unwrap();
        let act = |tx: &mut broadcast::Publisher<u64>| tx.send(1).unwrap();
        hears(&rx.readiness().unwrap(), tx, act, || rx.try_recv().map(drop).map_err(|e| e.kind()));

        let (tx, mut rx) = latest::channel::<u64>().unwrap();
        let act = |tx: &mut latest::Writer<u64>| tx.store(1);
        hears(&rx.readiness().unwrap(), tx, act, || rx.try_changed().map(drop).map_err(|e| e.kind()));
    }

    #[test]
    fn an_event_loop_hears_of_room_in_every_kind_and_of_the_end() {
        let (mut tx, rx) = bytes::channel(256).unwrap();
        while tx.try_send(&[0; 40]).is_ok() {}
        let act = |rx: &mut bytes::Receiver| drop(rx.recv_in_place().unwrap());
        hears(&tx.readiness().unwrap(), rx, act, || tx.try_send(&[0; 40]).map_err(|e| e.kind()));

        let (mut tx, rx) = mpmc::channel::<u64>(2).unwrap();
        while tx.try_send(1).is_ok() {}
        let act = |rx: &mut mpmc::Receiver<u64>| _ = rx.recv().unwrap();
        hears(&tx.readiness().unwrap(), rx, act, || tx.try_send(1).map_err(|e| e.kind()));

        let (mut tx, rx) = broadcast::channel::<u64>(2).unwrap();
        while tx.try_send(1).is_ok() {}
        let act = |rx: &mut broadcast::Subscriber<u64>| _ = rx.recv().unwrap();
        hears(&tx.readiness().unwrap(), rx, act, || tx.try_send(1).map_err(|e| e.kind()));
    }

    #[test]
    fn an_event_loop_hears_of_requests_and_of_answers() {
        let (client, mut server) = request::channel::<u64, u64>(16).unwrap();
        let act = |client: &mut request::Client<u64, u64>| {
            client.cancel_pending();
            client.send(1).unwrap();
        };
        let requests = server.readiness().unwrap();
        hears(&requests, client, act, || {
            server.try_recv().map(|request| drop(request.respond(2))).map_err(|e| e.kind())
        });

        let (mut client, server) = request::channel::<u64, u64>(16).unwrap();
        let answers = client.readiness().unwrap();
        client.send(1).unwrap();
        let act = |server: &mut request::Server<u64, u64>| server.recv().unwrap().respond(2).unwrap();
        hears(&answers, server, act, || match client.try_recv() {
            Ok(_) => {
                client.send(1).unwrap();
                Ok(())
            }
            Err(e) => Err(e.kind()),
        });
    }

    /// As often as it looks who is there, and no more.
    #[test]
    fn an_end_of_many_rests_while_there_is_nothing() {
        let channel = mpmc::Options::<u64>::new().anonymous().unwrap();
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        let mut sleeper = channel.receiver().unwrap();
        let asleep = thread::spawn(move || drop(sleeper.recv()));
        let readiness = rx.readiness().unwrap();
        let late = thread::spawn(move || {
            thread::sleep(4 * LOOK);
            // The other sleeper may take one.
            drop(tx.try_send_all(&[1, 2]));
            tx
        });
        let (_, in_vain) = until(&readiness, || rx.try_recv().ok());
        assert!(in_vain < 50, "{in_vain} times for nothing");
        drop(late.join().unwrap());
        asleep.join().unwrap();
    }
}
