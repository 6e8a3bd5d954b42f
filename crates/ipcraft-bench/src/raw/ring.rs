//! A ring of bytes each way in shared memory, as it is written by hand: two positions, each cached by the other side, and
//! `futex(2)` for those who do not look for ever. It survives nobody's death, and believes what it reads.
#![allow(unsafe_code)]

use std::hint::spin_loop;
use std::io;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

use super::futex::futex;
use super::slot::{self, Memory};
use crate::link::{Ends, Link};

/// The bytes that a direction has room for; a power of two.
pub(crate) const CAPACITY: usize = 1 << 18;

/// Bytes from one word to the next, so that no two share a cache line, also when the processor fetches lines in pairs.
const APART: usize = 128;

/// Where the bytes of a direction are.
const BYTES: usize = 4 * APART;

/// What a direction takes.
const LANE: usize = BYTES + CAPACITY;

/// How long one who waits looks before he sleeps.
pub(crate) const FOREVER: u32 = u32::MAX;

/// Both ends, of which those who wait look so often before they sleep.
pub(crate) fn connect(looks: u32) -> io::Result<Ends> {
    let memory = Memory::new(2 * LANE + APART)?;
    let lane = |direction: usize| Lane {
        start: memory.at((2 * slot::SIZE).next_multiple_of(APART) + direction * LANE),
        own: 0,
        other: 0,
        looks,
        _memory: memory.clone(),
    };
    let end = |outgoing, incoming| End { outgoing: lane(outgoing), incoming: lane(incoming) };
    Ok(Ends::new(end(0, 1), end(1, 0)))
}

struct End {
    outgoing: Lane,
    incoming: Lane,
}

/// One side of a direction.
struct Lane {
    /// `LANE` bytes within `_memory`, aligned to `APART`; the words are used as atomics only.
    start: *mut u8,
    /// How many bytes this side has moved.
    own: u64,
    /// How many the other side had when this one looked last.
    other: u64,
    looks: u32,
    _memory: Rc<Memory>,
}

/// Which word: the position of a side, and where it sleeps.
#[derive(Clone, Copy)]
enum Side {
    Sender = 0,
    Receiver = 1,
}

impl Lane {
    fn position(&self, side: Side) -> &AtomicU64 {
        // SAFETY: because of the invariant on `start`.
        unsafe { &*self.start.add(side as usize * APART).cast() }
    }

    fn asleep(&self, side: Side) -> &AtomicU32 {
        // SAFETY: because of the invariant on `start`.
        unsafe { &*self.start.add((2 + side as usize) * APART).cast() }
    }

    /// Waits until `ready` finds the other side far enough.
    #[inline]
    fn wait(&mut self, own: Side, other: Side, ready: impl Fn(u64, u64) -> bool) -> io::Result<()> {
        while !ready(self.own, self.other) {
            self.other = self.position(other).load(Acquire);
            if !ready(self.own, self.other) {
                self.wait_longer(own, other, &ready)?;
            }
        }
        Ok(())
    }

    fn wait_longer(&mut self, own: Side, other: Side, ready: &impl Fn(u64, u64) -> bool) -> io::Result<()> {
        let mut looked = 0;
        while looked < self.looks {
            spin_loop();
            self.other = self.position(other).load(Acquire);
            if ready(self.own, self.other) {
                return Ok(());
            }
            looked += u32::from(self.looks != FOREVER);
        }
        self.asleep(own).store(1, SeqCst);
        fence(SeqCst);
        self.other = self.position(other).load(Acquire);
        if ready(self.own, self.other) {
            self.asleep(own).store(0, Relaxed);
            return Ok(());
        }
        // What else it can end with, a signal or that somebody was faster, is found out by looking again.
        futex(self.asleep(own), libc::FUTEX_WAIT, 1);
        Ok(())
    }

    /// Tells the other side how far this one is.
    #[inline]
    fn publish(&self, own: Side, other: Side) {
        self.position(own).store(self.own, Release);
        if self.looks == FOREVER {
            return;
        }
        fence(SeqCst);
        let asleep = self.asleep(other);
        if asleep.load(Relaxed) != 0 && asleep.swap(0, SeqCst) != 0 {
            futex(asleep, libc::FUTEX_WAKE, 1);
        }
    }

    /// The bytes at this side's position: how many there are until the ring begins anew, and where.
    #[inline]
    fn place(&self, length: usize) -> (usize, *mut u8) {
        let at = self.own as usize & (CAPACITY - 1);
        // SAFETY: because the position is cut to what the ring has, which is within the memory.
        (length.min(CAPACITY - at), unsafe { self.start.add(BYTES + at) })
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        for part in message.chunks(CAPACITY / 2) {
            let fits = |own: u64, other: u64| own - other + part.len() as u64 <= CAPACITY as u64;
            self.wait(Side::Sender, Side::Receiver, fits)?;
            let mut rest = part;
            while !rest.is_empty() {
                let (length, into) = self.place(rest.len());
                // SAFETY: because the place has that room, which the receiver does not look at yet.
                unsafe { ptr::copy_nonoverlapping(rest.as_ptr(), into, length) };
                self.own += length as u64;
                rest = &rest[length..];
            }
            self.publish(Side::Sender, Side::Receiver);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for part in buffer.chunks_mut(CAPACITY / 2) {
            let wanted = part.len() as u64;
            self.wait(Side::Receiver, Side::Sender, |own, other| other - own >= wanted)?;
            let mut rest = part;
            while !rest.is_empty() {
                let (length, from) = self.place(rest.len());
                // SAFETY: because the sender has written these bytes, and leaves them alone until he is told.
                unsafe { ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), length) };
                self.own += length as u64;
                rest = &mut rest[length..];
            }
            self.publish(Side::Receiver, Side::Sender);
        }
        Ok(())
    }
}

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.outgoing.send(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.incoming.receive(buffer)
    }
}
