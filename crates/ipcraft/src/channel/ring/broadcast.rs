//! A ring with one writer, from which each of several readers takes every message.
//!
//! The word of each slot identifies the message in it. The creator of the channel decides what
//! the writer does when a reader has not read the message in the next slot. Either it waits, and
//! tracks the cursors of all readers; or it overwrites, and the readers validate what they
//! copied.

use std::ptr::NonNull;
use std::sync::atomic::Ordering::SeqCst;

use crate::channel::ring::cursors::Cursors;
use crate::channel::ring::seqlock;
use crate::channel::ring::seqlock::SlotStatus;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::atomic::fence;
use crate::shm::Plain;

/// What a publisher does when the next slot has a message that some subscriber has not received.
///
/// More policies may be added, so a `match` needs a wildcard arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// It waits.
    Block,
    /// It overwrites the message, and the subscriber learns how many it missed.
    Overwrite,
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Writer {
    ring: seqlock::Writer,
    cursors: Cursors,
    overflow: Overflow,
    /// How many more messages there is certainly room for.
    room: u64,
    /// The slowest reader at the last poll.
    slowest: u32,
}

impl Writer {
    pub(crate) fn new(ring: seqlock::Writer, cursors: Cursors, overflow: Overflow) -> Writer {
        Writer { ring, cursors, overflow, room: 0, slowest: 1 }
    }

    /// Returns how many messages the slowest reader has not taken, as of a moment ago; zero if
    /// the writer does not track readers.
    pub(crate) fn len(&self) -> usize {
        match self.overflow {
            Overflow::Block => {
                let slowest = self.cursors.slowest(self.ring.tail(), self.ring.count());
                slowest.map_or(0, |(_, behind)| behind as usize)
            }
            Overflow::Overwrite => 0,
        }
    }

    /// Whether there is room for a message.
    #[inline]
    fn has_room(&mut self) -> Result<bool, Corrupt> {
        if self.room == 0 {
            self.poll_cursors()?;
        }
        Ok(self.room > 0)
    }

    #[inline(never)]
    fn poll_cursors(&mut self) -> Result<(), Corrupt> {
        let (tail, count) = (self.ring.tail(), self.ring.count());
        if self.overflow == Overflow::Overwrite {
            self.room = count;
            return Ok(());
        }
        // A reader whose cursor has not advanced here will, once it advances, observe everything
        // sent and that it was the slowest.
        fence(SeqCst);
        // Most polls of a waiting writer find that the same reader is still the slowest. Then
        // the other cursors need not be read.
        if !self.cursors.is_last(self.slowest, tail, count)? {
            let (slowest, behind) = self.cursors.slowest(tail, count)?;
            self.slowest = slowest;
            self.room = count - behind;
        }
        Ok(())
    }

    /// Where the next message is to be written, if there is room. The oldest may be gone then.
    #[inline]
    pub(crate) fn slot_ptr(&mut self) -> TryResult<NonNull<u8>> {
        if !self.has_room()? {
            return Ok(None);
        }
        self.begin();
        Ok(Some(self.ring.slot_ptr()))
    }

    #[inline]
    fn begin(&self) {
        if self.overflow == Overflow::Overwrite {
            self.ring.begin();
        }
    }

    /// Writes the next message, for which there is a place, without sending it.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, message: &T) {
        self.ring.write(message);
    }

    /// Sends the message that has been written.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.room -= 1;
        self.ring.commit();
    }

    /// Sends a message, if there is room.
    #[inline]
    pub(crate) fn push<T: Plain>(&mut self, message: &T) -> TryResult<()> {
        if !self.has_room()? {
            return Ok(None);
        }
        self.begin();
        self.write(message);
        self.commit();
        Ok(Some(()))
    }

    /// Sends the first of these messages, and returns their number: at most half a ring, so that
    /// readers can start early.
    #[inline]
    pub(crate) fn push_many<T: Plain>(&mut self, messages: &[T]) -> TryResult<usize> {
        let most = self.ring.count() / 2;
        let mut sent = 0;
        for message in messages.iter().take(most as usize) {
            if self.push(message)?.is_none() {
                break;
            }
            sent += 1;
        }
        Ok((sent > 0).then_some(sent))
    }
}

/// What a reader comes to next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    Message(T),
    /// This many messages were overwritten.
    Lagged(u64),
}

/// An end that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    ring: seqlock::Reader,
    cursors: Cursors,
    /// Which cursor is this reader's.
    lease_id: u32,
    overflow: Overflow,
    /// The published cursor, and the one before.
    published: u64,
    previous: u64,
}

impl Reader {
    /// Starts with the message that is sent next.
    pub(crate) fn join(
        mut ring: seqlock::Reader,
        cursors: Cursors,
        lease_id: u32,
        overflow: Overflow,
    ) -> Reader {
        let head = match overflow {
            Overflow::Block => cursors.join(lease_id, || ring.tail()),
            Overflow::Overwrite => ring.tail(),
        };
        ring.seek(head);
        Reader { ring, cursors, lease_id, overflow, published: head, previous: head }
    }

    /// Continues where another reader [stopped](Reader::publish_position), or joins.
    pub(crate) fn resume(
        mut ring: seqlock::Reader,
        cursors: Cursors,
        lease_id: u32,
        overflow: Overflow,
    ) -> Reader {
        match cursors.resumed(lease_id, ring.tail()) {
            Some(head) => {
                ring.seek(head);
                Reader { ring, cursors, lease_id, overflow, published: head, previous: head }
            }
            None => Reader::join(ring, cursors, lease_id, overflow),
        }
    }

    /// Leaves the position to the next holder of the lease.
    pub(crate) fn publish_position(&mut self) {
        self.publish();
    }

    /// Returns how many messages were sent that this reader has not taken, as of a moment ago;
    /// at most the number of slots.
    pub(crate) fn len(&self) -> usize {
        let behind = self.ring.tail().wrapping_sub(self.ring.head());
        // The writer may have marked a message as written that it has not counted yet.
        if behind > i64::MAX as u64 { 0 } else { behind.min(self.ring.count()) as usize }
    }

    /// Where the next message is, if there is one.
    #[inline]
    pub(crate) fn slot_ptr(&mut self) -> TryResult<Next<NonNull<u8>>> {
        match self.status()? {
            SlotStatus::Present => Ok(Some(Next::Message(self.ring.slot_ptr()))),
            SlotStatus::NotYet => Ok(None),
            SlotStatus::Overwritten => Ok(Some(Next::Lagged(self.ring.skip_lagged()?))),
        }
    }

    /// Whether there is something to [pop](Reader::pop).
    #[inline]
    pub(crate) fn find(&self) -> TryResult<()> {
        Ok((self.status()? != SlotStatus::NotYet).then_some(()))
    }

    #[inline]
    fn status(&self) -> Result<SlotStatus, Corrupt> {
        match self.ring.status()? {
            SlotStatus::Overwritten if self.overflow == Overflow::Block => Err(Corrupt),
            seen => Ok(seen),
        }
    }

    /// Copies the next message, which was there; nothing if it has been overwritten meanwhile.
    #[inline]
    pub(crate) fn read<T: Plain>(&self) -> Option<T> {
        let message = self.ring.read();
        self.validate().then_some(message)
    }

    /// Whether what was read of the next message is of it.
    #[inline]
    pub(crate) fn validate(&self) -> bool {
        self.overflow == Overflow::Block || self.ring.validate()
    }

    /// Takes the next message, without making room of it yet.
    #[inline]
    pub(crate) fn skip(&mut self) {
        self.ring.seek(self.ring.head().wrapping_add(1));
    }

    /// Makes room of what was taken.
    #[inline]
    pub(crate) fn publish(&mut self) {
        self.previous = self.published;
        self.published = self.ring.head();
        self.cursors.publish(self.lease_id, self.published);
    }

    /// [`publish`](Reader::publish), if the writer tracks readers.
    #[inline]
    pub(crate) fn make_room(&mut self) {
        if self.overflow == Overflow::Block {
            self.publish();
        }
    }

    /// Takes the next message without making room of it yet.
    #[inline]
    pub(crate) fn take<T: Plain>(&mut self) -> TryResult<Next<T>> {
        match self.status()? {
            SlotStatus::Present => match self.read() {
                Some(message) => {
                    self.skip();
                    Ok(Some(Next::Message(message)))
                }
                None => Ok(Some(Next::Lagged(self.ring.skip_lagged()?))),
            },
            SlotStatus::NotYet => Ok(None),
            SlotStatus::Overwritten => Ok(Some(Next::Lagged(self.ring.skip_lagged()?))),
        }
    }

    /// Takes the next message and makes room of it.
    #[inline]
    pub(crate) fn pop<T: Plain>(&mut self) -> TryResult<Next<T>> {
        let next = self.take()?;
        if next.is_some() {
            self.make_room();
        }
        Ok(next)
    }

    /// Returns whether advancing this cursor freed space for a blocked writer. If several
    /// readers advance concurrently, the last one reports it. A reader that was not the slowest
    /// returns `false` without scanning.
    #[cold]
    pub(crate) fn has_freed_writer(&self) -> bool {
        fence(SeqCst);
        let (tail, count) = (self.ring.tail(), self.ring.count());
        let was_slowest = tail.wrapping_sub(self.previous) == count;
        was_slowest
            && match self.cursors.slowest(tail, count) {
                Ok((_, behind)) => behind < count,
                // Let the writer find out.
                Err(Corrupt) => true,
            }
    }
}
