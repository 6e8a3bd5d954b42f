//! A naive byte ring each way in shared memory: two positions, each cached by the other side, and
//! `futex(2)` to block. It neither validates what it reads nor recovers from the death of a
//! process.
#![allow(unsafe_code)]

use std::hint::spin_loop;
use std::io;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

use super::futex::futex;
use super::slot::{self, Memory};
use crate::link::{Direction, Directions, Endpoints};

/// The bytes that one direction holds; a power of two.
pub(crate) const CAPACITY: usize = 1 << 18;

/// Bytes between words, so that no two share a cache line, even if the CPU fetches lines in pairs.
const STRIDE: usize = 128;

/// The offset of a direction's bytes.
const BYTES_OFFSET: usize = 4 * STRIDE;

/// The bytes of a direction.
const LANE_SIZE: usize = BYTES_OFFSET + CAPACITY;

/// Spins without limit.
pub(crate) const UNBOUNDED: u32 = u32::MAX;

/// Polls before blocking: about as long as the library spins.
pub(crate) const DEFAULT_SPINS: u32 = 1000;

/// Connects two endpoints that poll `max_spins` times before they block.
pub(crate) fn connect(max_spins: u32) -> io::Result<Endpoints> {
    let memory = Memory::new(2 * LANE_SIZE + STRIDE)?;
    Directions::connect(|direction| {
        Ok(Lane {
            start: memory.at((2 * slot::SIZE).next_multiple_of(STRIDE) + direction * LANE_SIZE),
            own: 0,
            other: 0,
            max_spins,
            _memory: memory.clone(),
        })
    })
}

/// One side of a direction.
struct Lane {
    /// `LANE_SIZE` bytes within `_memory`, aligned to `STRIDE`; the words are used as atomics only.
    start: *mut u8,
    /// The bytes that this side has moved.
    own: u64,
    /// The cached position of the other side.
    other: u64,
    max_spins: u32,
    _memory: Rc<Memory>,
}

/// Selects the position word and the waiting word of a side.
#[derive(Clone, Copy)]
enum Side {
    Sender = 0,
    Receiver = 1,
}

impl Lane {
    fn position(&self, side: Side) -> &AtomicU64 {
        // SAFETY: because of the invariant on `start`.
        unsafe { &*self.start.add(side as usize * STRIDE).cast() }
    }

    fn waiting(&self, side: Side) -> &AtomicU32 {
        // SAFETY: because of the invariant on `start`.
        unsafe { &*self.start.add((2 + side as usize) * STRIDE).cast() }
    }

    /// Waits until the other side's position makes `ready` true.
    #[inline]
    fn wait(&mut self, own: Side, other: Side, ready: impl Fn(u64, u64) -> bool) -> io::Result<()> {
        while !ready(self.own, self.other) {
            self.other = self.position(other).load(Acquire);
            if !ready(self.own, self.other) {
                self.wait_slow(own, other, &ready)?;
            }
        }
        Ok(())
    }

    fn wait_slow(&mut self, own: Side, other: Side, ready: &impl Fn(u64, u64) -> bool) -> io::Result<()> {
        let mut spins = 0;
        while spins < self.max_spins {
            spin_loop();
            self.other = self.position(other).load(Acquire);
            if ready(self.own, self.other) {
                return Ok(());
            }
            spins += u32::from(self.max_spins != UNBOUNDED);
        }
        self.waiting(own).store(1, SeqCst);
        fence(SeqCst);
        self.other = self.position(other).load(Acquire);
        if ready(self.own, self.other) {
            self.waiting(own).store(0, Relaxed);
            return Ok(());
        }
        // If a signal or a changed word ends the wait, the caller polls again.
        futex(self.waiting(own), libc::FUTEX_WAIT, 1);
        Ok(())
    }

    /// Publishes this side's position and wakes the other side if it waits.
    #[inline]
    fn publish(&self, own: Side, other: Side) {
        self.position(own).store(self.own, Release);
        if self.max_spins == UNBOUNDED {
            return;
        }
        fence(SeqCst);
        let waiting = self.waiting(other);
        if waiting.load(Relaxed) != 0 && waiting.swap(0, SeqCst) != 0 {
            futex(waiting, libc::FUTEX_WAKE, 1);
        }
    }

    /// Returns the number of contiguous bytes at this side's position, and their address.
    #[inline]
    fn contiguous(&self, length: usize) -> (usize, *mut u8) {
        let at = self.own as usize & (CAPACITY - 1);
        // SAFETY: because the position modulo the capacity is within the memory.
        (length.min(CAPACITY - at), unsafe { self.start.add(BYTES_OFFSET + at) })
    }
}

impl Direction for Lane {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        for part in message.chunks(CAPACITY / 2) {
            let fits = |own: u64, other: u64| own - other + part.len() as u64 <= CAPACITY as u64;
            self.wait(Side::Sender, Side::Receiver, fits)?;
            let mut rest = part;
            while !rest.is_empty() {
                let (length, into) = self.contiguous(rest.len());
                // SAFETY: because these bytes are free, and the receiver does not read them yet.
                unsafe { ptr::copy_nonoverlapping(rest.as_ptr(), into, length) };
                self.own += length as u64;
                rest = &rest[length..];
            }
            self.publish(Side::Sender, Side::Receiver);
        }
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for part in buffer.chunks_mut(CAPACITY / 2) {
            let wanted = part.len() as u64;
            self.wait(Side::Receiver, Side::Sender, |own, other| other - own >= wanted)?;
            let mut rest = part;
            while !rest.is_empty() {
                let (length, from) = self.contiguous(rest.len());
                // SAFETY: because the sender has written these bytes, and does not reuse them until
                // this position is published.
                unsafe { ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), length) };
                self.own += length as u64;
                rest = &mut rest[length..];
            }
            self.publish(Side::Receiver, Side::Sender);
        }
        Ok(())
    }
}
