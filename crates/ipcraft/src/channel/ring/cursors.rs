//! How far each subscriber is, for a publisher that is held back by them.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};

use crate::channel::ring::Corrupt;
use crate::channel::shared::atomic::{AtomicU64, fence};
use crate::channel::shared::region::DataArea;
use crate::error;

/// The word of one subscriber, on a line of its own since he writes it for each message.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Cursor {
    /// [`VACANT`], [`JOINING`], or [`at`] a position. Zero in a new channel.
    word: AtomicU64,
}

/// No subscriber, or none that the publisher has to wait for.
const VACANT: u64 = 0;
/// A subscriber who is about to find out where to begin.
const JOINING: u64 = 2;

/// A subscriber whose next message is this one.
const fn at(position: u64) -> u64 {
    position << 1 | 1
}

/// Bytes that the cursors of so many subscribers take.
pub(crate) const fn bytes_for(count: u64) -> usize {
    count as usize * size_of::<Cursor>()
}

/// The cursors of all subscribers there can be, who have the seats from 1 on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursors {
    /// The first of `count`, which stay where they are.
    start: NonNull<Cursor>,
    count: u32,
}

// SAFETY: because the cursors are atomics, and not bound to a thread.
unsafe impl Send for Cursors {}

impl Cursors {
    /// Those at the beginning of these parts, which stay for as long as the region that they are of is kept.
    pub(crate) fn of(data_area: &DataArea<'_>, count: u32) -> error::Result<Cursors> {
        let start = data_area.at(0, bytes_for(count.into()))?;
        // SAFETY: because the range is within the mapping, and starts at a line as the parts do.
        Ok(unsafe { Cursors::new(start, count) })
    }

    /// # Safety
    ///
    /// From `start` on, which is aligned to a line, [`bytes_for`] bytes for `count` cursors, at least one, stay mapped and writable for as long
    /// as the result or a copy of it is used.
    pub(crate) unsafe fn new(start: NonNull<u8>, count: u32) -> Cursors {
        Cursors { start: start.cast(), count }
    }

    /// The word of the subscriber who has this seat.
    #[inline]
    fn word(&self, lease_id: u32) -> &AtomicU64 {
        let number = (lease_id.max(1) - 1).min(self.count - 1);
        // SAFETY: because the number is below that of the cursors, for which `new` was given a promise.
        unsafe { &self.start.add(number as usize).as_ref().word }
    }

    /// Makes the publisher wait, and says where `tail` then says that he is: what is sent from there on is not overwritten
    /// before the subscriber [says](Cursors::say) that he has it.
    ///
    /// The publisher goes by a limit: one round beyond the slowest cursor that he found, or beyond his own position if there
    /// was none. Take any look of his. Either it finds what is stored here, `JOINING` or what follows: while it is `JOINING`,
    /// he sends nothing more before he has looked again, and what follows is a position to wait for. Or it finds what was
    /// there before: then his fence came before the one here, `tail` is not before the position that he had, and his limit,
    /// at most one round beyond that, is at most one round beyond `tail`. In neither case is anything from `tail` on
    /// overwritten before he looks again.
    pub(crate) fn join(&self, lease_id: u32, tail: impl FnOnce() -> u64) -> u64 {
        self.word(lease_id).store(JOINING, Release);
        fence(SeqCst);
        let tail = tail();
        self.publish(lease_id, tail);
        tail
    }

    /// Says that the subscriber has all messages before this one.
    #[inline]
    pub(crate) fn publish(&self, lease_id: u32, position: u64) {
        self.word(lease_id).store(at(position), Release);
    }

    /// Where the subscriber was who had this seat before and gave it to the caller; nothing if he kept no place.
    pub(crate) fn resumed(&self, lease_id: u32, tail: u64) -> Option<u64> {
        let word = self.word(lease_id).load(Acquire);
        // Signed, since he may have got a message that the publisher had not counted yet.
        let behind = at(tail).wrapping_sub(word) as i64 >> 1;
        (word & 1 == 1).then(|| tail.wrapping_sub(behind as u64))
    }

    /// Frees the cursors of subscribers that have left or died: for each cursor in use, `with_dead` runs what it is given
    /// if the owner is dead. Subscribers do not free their own: one that is dropped may be a copy in a forked child.
    pub(crate) fn reclaim_dead(&self, with_dead: impl Fn(u32, &dyn Fn())) {
        for lease_id in 1..=self.count {
            if self.word(lease_id).load(Acquire) != VACANT {
                with_dead(lease_id, &|| self.word(lease_id).store(VACANT, Release));
            }
        }
    }

    /// How many messages the subscriber of this seat has before him of those that are before `tail`, if somebody is there;
    /// all that there are if he is coming.
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

    /// Whether a subscriber still has as many messages before him as there are places.
    #[inline]
    pub(crate) fn is_last(&self, lease_id: u32, tail: u64, count: u64) -> Result<bool, Corrupt> {
        Ok(self.behind(lease_id, tail, count)? == Some(count))
    }

    /// The seat of the slowest subscriber, and how many messages he has before him; nobody has none.
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
