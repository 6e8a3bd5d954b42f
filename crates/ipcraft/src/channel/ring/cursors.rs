//! The positions of the subscribers of a broadcast, for a publisher that blocks on a full ring.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};

use crate::channel::ring::Corrupt;
use crate::channel::shared::atomic::{AtomicU64, fence};
use crate::channel::shared::region::DataArea;
use crate::error;

/// The word of one subscriber, on its own cache line because the subscriber writes it per message.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Cursor {
    /// [`VACANT`], [`JOINING`], or [`at`] a position. Zero in a new channel.
    word: AtomicU64,
}

/// No subscriber, or one that the publisher does not wait for.
const VACANT: u64 = 0;
/// A subscriber that is determining its first position.
const JOINING: u64 = 2;

/// The word of a subscriber whose next message is at this position.
const fn at(position: u64) -> u64 {
    position << 1 | 1
}

/// Returns the position in a subscriber's word, without its highest bit; `None` if the publisher
/// does not wait for a subscriber there, or it is joining.
pub(crate) const fn position(word: u64) -> Option<u64> {
    if word & 1 == 1 { Some(word >> 1) } else { None }
}

/// Bytes that the cursors of `count` subscribers take.
pub(crate) const fn bytes_for(count: u64) -> usize {
    count as usize * size_of::<Cursor>()
}

/// The cursors of all possible subscribers, whose leases are numbered from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursors {
    /// The first of `count` cursors, which stay mapped.
    start: NonNull<Cursor>,
    count: u32,
}

// SAFETY: because the cursors are atomics, which any thread may access.
unsafe impl Send for Cursors {}

impl Cursors {
    /// The cursors at the start of the data area. The caller keeps the region while they are used.
    pub(crate) fn of(data_area: &DataArea<'_>, count: u32) -> error::Result<Cursors> {
        let start = data_area.at(0, bytes_for(count.into()))?;
        // SAFETY: because the range is within the mapping, and starts at a cache line as the data
        // area does.
        Ok(unsafe { Cursors::new(start, count) })
    }

    /// # Safety
    ///
    /// `start` is aligned to a cache line, and `count` is at least 1. From there, [`bytes_for`]
    /// bytes stay mapped and writable while the result or a copy of it is used.
    pub(crate) unsafe fn new(start: NonNull<u8>, count: u32) -> Cursors {
        Cursors { start: start.cast(), count }
    }

    /// The word of the subscriber with this lease.
    #[inline]
    fn word(&self, lease_id: u32) -> &AtomicU64 {
        let number = (lease_id.max(1) - 1).min(self.count - 1);
        // SAFETY: because the number is below `count`, and the caller of `new` promised that many
        // cursors.
        unsafe { &self.start.add(number as usize).as_ref().word }
    }

    /// Makes the publisher wait for this subscriber from the position that `tail` returns, and
    /// returns that position. No message from there on is overwritten before the subscriber
    /// [publishes](Cursors::publish) a later position.
    ///
    /// Proof. The publisher sends up to a limit: one round beyond the slowest cursor of its last
    /// scan, or beyond its own position if there was none. A scan finds one of two values here.
    ///
    /// * It finds `JOINING` or the position that follows. While it is `JOINING`, the publisher
    ///   sends nothing before the next scan. The position that follows is one that the publisher
    ///   waits for.
    /// * It finds the previous value. Then the publisher's fence came before the one here, and
    ///   `tail` is at least the publisher's position of that time. Its limit is at most one round
    ///   beyond that, so at most one round beyond `tail`.
    ///
    /// In both cases nothing from `tail` on is overwritten before the next scan.
    pub(crate) fn join(&self, lease_id: u32, tail: impl FnOnce() -> u64) -> u64 {
        self.word(lease_id).store(JOINING, Release);
        fence(SeqCst);
        let tail = tail();
        self.publish(lease_id, tail);
        tail
    }

    /// Publishes that the subscriber has received all messages before this position.
    #[inline]
    pub(crate) fn publish(&self, lease_id: u32, position: u64) {
        self.word(lease_id).store(at(position), Release);
    }

    /// The position of the previous owner of this lease, which passed it to the caller. None if it
    /// had no cursor.
    pub(crate) fn resumed(&self, lease_id: u32, tail: u64) -> Option<u64> {
        let word = self.word(lease_id).load(Acquire);
        // Signed, because the subscriber may have received a message that the publisher has not
        // counted yet.
        let behind = at(tail).wrapping_sub(word) as i64 >> 1;
        (word & 1 == 1).then(|| tail.wrapping_sub(behind as u64))
    }

    /// Frees the cursors of subscribers that have left or died: for each cursor in use, `with_dead`
    /// runs what it is given if the owner is dead. Subscribers do not free their own: one that is
    /// dropped may be a copy in a forked child.
    pub(crate) fn reclaim_dead(&self, with_dead: impl Fn(u32, &dyn Fn())) {
        for lease_id in 1..=self.count {
            if self.word(lease_id).load(Acquire) != VACANT {
                with_dead(lease_id, &|| self.word(lease_id).store(VACANT, Release));
            }
        }
    }

    /// The number of messages before `tail` that the subscriber of this lease has not received. All
    /// `count` if it is joining, and `None` if there is no subscriber.
    #[inline]
    fn behind(&self, lease_id: u32, tail: u64, count: u64) -> Result<Option<u64>, Corrupt> {
        match self.word(lease_id).load(Acquire) {
            VACANT => Ok(None),
            JOINING => Ok(Some(count)),
            word if word & 1 == 1 => {
                let behind = at(tail).wrapping_sub(word) >> 1;
                if behind <= count { Ok(Some(behind)) } else { Err(Corrupt) }
            }
            _ => Err(Corrupt),
        }
    }

    /// Whether the subscriber is a full ring behind.
    #[inline]
    pub(crate) fn is_last(&self, lease_id: u32, tail: u64, count: u64) -> Result<bool, Corrupt> {
        Ok(self.behind(lease_id, tail, count)? == Some(count))
    }

    /// The lease of the slowest subscriber, and the number of messages that it has not received. 0
    /// without subscribers.
    pub(crate) fn slowest(&self, tail: u64, count: u64) -> Result<(u32, u64), Corrupt> {
        fence(SeqCst);
        let mut slowest = (1, 0);
        for lease_id in 1..=self.count {
            match self.behind(lease_id, tail, count)? {
                Some(behind) if behind > slowest.1 => slowest = (lease_id, behind),
                _ => {}
            }
        }
        Ok(slowest)
    }
}
