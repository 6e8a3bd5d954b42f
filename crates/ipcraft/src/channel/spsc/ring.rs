//! A ring with one writer and one reader, who wait for nobody.
//!
//! Each side keeps its position to itself, and stores it for the other after every step: what is in shared memory is checked
//! against what is known. To store the position is to send, or to have received: a side that dies before has done nothing,
//! and its successor goes on from there.
//!
//! Each side looks at the other's position only when by what it knows it cannot go on. So in a stream the lines with the
//! positions seldom change hands, and the messages lie close together. For a single message that means two lines to be
//! fetched one after the other, the position and the message. A reader who waits for single messages says so, and a writer
//! then puts a copy of each small one beside the position: one line brings both.

#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::channel::atomic::fence;
use crate::channel::dense::Dense;
use crate::channel::end::{Attempt, Corrupt};
use crate::channel::flow::{Flow, INLINE};
use crate::channel::lull::Lull;
use crate::channel::value;
use crate::shm::Plain;

/// What `copied` is while `inline` is the message at this position. Never zero, as in a new channel.
#[inline]
const fn copy_of(position: u64) -> u64 {
    position << 1 | 1
}

/// What `copied` is while `inline` is no message.
const NO_COPY: u64 = 0;

const fn fits_inline<T>() -> bool {
    size_of::<T>() <= INLINE * size_of::<u64>()
}

/// How many messages are sent without looking around if nothing is said.
const PACE: u64 = 64;

/// The writing end.
pub(in crate::channel) struct Writer<T> {
    slots: Dense<T>,
    flow: NonNull<Flow>,
    /// Where the next message goes.
    tail: u64,
    /// Where there is no room any more, as far as is known.
    limit: u64,
    /// Where it is time to look around: never before `tail` nor behind `limit`, so that until then there is room.
    stop: u64,
    /// How many messages may be sent without looking around, at most but for batches.
    pace: u64,
    lull: Lull,
}

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl<T: Plain> Send for Writer<T> {}

impl<T: Plain> Writer<T> {
    /// Goes on where the last writer ended.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the writer is used.
    pub(in crate::channel) unsafe fn resume(
        slots: Dense<T>,
        flow: NonNull<Flow>,
    ) -> Result<Writer<T>, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let senders = unsafe { &flow.as_ref().senders };
        // The last writer may have died with a copy of a message that he had not sent.
        senders.copied.store(NO_COPY, Relaxed);
        let tail = senders.position.load(Relaxed);
        let mut writer =
            Writer { lull: Lull::new(slots.count()), slots, flow, tail, limit: tail, stop: tail, pace: PACE };
        writer.go_on(1)?;
        Ok(writer)
    }

    #[inline]
    fn flow(&self) -> &Flow {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.flow.as_ref() }
    }

    /// Where the next message goes.
    #[inline]
    pub(in crate::channel) fn position(&self) -> u64 {
        self.tail
    }

    /// The last message that was sent, by whomever; any bytes if there was none.
    pub(in crate::channel) fn last(&self) -> T {
        self.slots.read(self.tail.wrapping_sub(1))
    }

    /// Whether it is time to look at the reader again.
    #[inline]
    pub(in crate::channel) fn is_to_look(&self) -> bool {
        self.tail == self.stop
    }

    /// Whether that time comes before so many messages are sent.
    #[inline]
    pub(in crate::channel) fn is_to_look_within(&self, count: usize) -> bool {
        (self.stop.wrapping_sub(self.tail) as usize) < count
    }

    /// Makes it time to look at the reader again.
    #[inline]
    pub(in crate::channel) fn expire(&mut self) {
        self.stop = self.tail;
    }

    /// Says how many messages may be sent without looking around.
    pub(in crate::channel) fn set_pace(&mut self, pace: u64) {
        self.pace = pace;
    }

    /// How many messages there is certainly room for, after a look if these are fewer than are wanted.
    fn room(&mut self, wanted: usize) -> Result<usize, Corrupt> {
        if (self.stop.wrapping_sub(self.tail) as usize) < wanted {
            self.go_on(wanted as u64)?;
        }
        Ok(self.stop.wrapping_sub(self.tail) as usize)
    }

    /// Looks at the reader if there seems to be too little room, and where to stop next: not within what is wanted, if there
    /// is room for it.
    #[inline(never)]
    fn go_on(&mut self, wanted: u64) -> Result<(), Corrupt> {
        if self.limit.wrapping_sub(self.tail) < wanted {
            self.lull.keep();
            let head = self.flow().receivers.position.load(Acquire);
            if self.tail.wrapping_sub(head) > self.slots.count() {
                return Err(Corrupt);
            }
            self.limit = head.wrapping_add(self.slots.count());
            self.lull.found(self.limit.wrapping_sub(self.tail));
        }
        let room = self.limit.wrapping_sub(self.tail);
        self.stop = self.tail.wrapping_add(room.min(self.pace.max(wanted)));
        Ok(())
    }

    /// Where the next message is to be written, if there is room.
    #[inline]
    pub(in crate::channel) fn place(&mut self) -> Attempt<NonNull<u8>> {
        Ok((self.room(1)? > 0).then(|| self.slots.message(self.tail)))
    }

    /// Writes the next message, without sending it. There must be room.
    #[inline]
    pub(in crate::channel) fn write(&self, message: &T) {
        self.slots.write(self.tail, message);
    }

    /// Sends as many messages as have been written, for which there was room.
    #[inline]
    pub(in crate::channel) fn commit(&mut self, count: usize) {
        debug_assert!(count as u64 <= self.stop.wrapping_sub(self.tail));
        self.tail = self.tail.wrapping_add(count as u64);
        self.flow().senders.position.store(self.tail, Release);
    }

    /// Sends a message, if there is room, and puts a copy of it beside the position if it is to and fits.
    #[inline]
    pub(in crate::channel) fn push(&mut self, message: &T, with_copy: bool) -> Attempt<()> {
        if self.room(1)? == 0 {
            return Ok(None);
        }
        self.send(message, with_copy);
        Ok(Some(()))
    }

    /// [`push`](Writer::push) where there certainly is room: as long as it is not [time to look](Writer::is_to_look).
    #[inline]
    pub(in crate::channel) fn send(&mut self, message: &T, with_copy: bool) {
        // Read before the slot is written, which for all that a compiler can know may change it.
        let (flow, next) = (self.flow, self.tail.wrapping_add(1));
        self.write(message);
        if with_copy && fits_inline::<T>() {
            self.write_copy(message);
        }
        self.tail = next;
        // SAFETY: because `resume` was promised that it stays.
        unsafe { flow.as_ref() }.senders.position.store(next, Release);
    }

    /// Puts a copy of the next message beside the position.
    #[inline]
    fn write_copy(&self, message: &T) {
        let senders = &self.flow().senders;
        senders.copied.store(NO_COPY, Relaxed);
        // Whoever sees a byte of the new copy sees that it is not the old one any more.
        fence(Release);
        // SAFETY: because there is room for a message that fits, aligned to a word.
        unsafe { value::write(NonNull::from(&senders.inline).cast(), message) };
        senders.copied.store(copy_of(self.tail), Release);
    }

    /// Sends as many as there is room for at once, and says how many: all of these, or if the process dies none.
    #[inline]
    pub(in crate::channel) fn push_all(&mut self, messages: &[T]) -> Attempt<usize> {
        let count = self.room(messages.len())?.min(messages.len());
        self.slots.write_all(self.tail, &messages[..count]);
        self.commit(count);
        Ok((count > 0).then_some(count))
    }
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("tail", &self.tail).finish_non_exhaustive()
    }
}

/// The reading end.
pub(in crate::channel) struct Reader<T> {
    slots: Dense<T>,
    flow: NonNull<Flow>,
    /// Where the next message is.
    head: u64,
    /// Where there are no more messages, as far as is known.
    known: u64,
    /// How lively the memory is of finding several messages at once. At zero, copies are asked for.
    several: u8,
    lull: Lull,
}

/// The liveliest memory, of which each single message takes one.
const SEVERAL: u8 = 64;

/// What it is refreshed by.
const A_FEW: u8 = 32;

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl<T: Plain> Send for Reader<T> {}

impl<T: Plain> Reader<T> {
    /// Goes on where the last reader ended.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the reader is used.
    pub(in crate::channel) unsafe fn resume(slots: Dense<T>, flow: NonNull<Flow>) -> Reader<T> {
        // SAFETY: because the caller vouches for it.
        let head = unsafe { flow.as_ref() }.receivers.position.load(Relaxed);
        Reader { lull: Lull::new(slots.count()), slots, flow, head, known: head, several: SEVERAL }
    }

    #[inline]
    fn flow(&self) -> &Flow {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.flow.as_ref() }
    }

    /// Where the next message is in the row of all.
    #[inline]
    pub(in crate::channel) fn position(&self) -> u64 {
        self.head
    }

    /// How many messages there is room for.
    #[inline]
    pub(in crate::channel) fn count(&self) -> u64 {
        self.slots.count()
    }

    /// Wakes the writer, if he sleeps, while this end waits for something else.
    pub(in crate::channel) fn wake_writer(&self) {
        self.flow().room.ring_for_all();
    }

    /// Takes the next message out, which has to be there.
    #[inline]
    pub(in crate::channel) fn skip(&mut self) {
        self.release(self.head.wrapping_add(1));
    }

    /// Whether there is a message.
    #[inline]
    fn is_there(&mut self) -> Result<bool, Corrupt> {
        if self.head != self.known { Ok(true) } else { self.look() }
    }

    /// Looks how far the writer has come, where all that is known of has been taken, and says whether there is more.
    #[inline(never)]
    fn look(&mut self) -> Result<bool, Corrupt> {
        self.lull.keep();
        let tail = self.flow().senders.position.load(Acquire);
        self.lull.found(tail.wrapping_sub(self.head));
        if tail == self.head {
            return Ok(false);
        }
        self.learn(tail).map(|()| true)
    }

    /// Takes note of how far the writer has come.
    fn learn(&mut self, tail: u64) -> Result<(), Corrupt> {
        let ahead = tail.wrapping_sub(self.head);
        if ahead > self.slots.count() {
            return Err(Corrupt);
        }
        self.known = tail;
        match ahead {
            1 if self.several > 0 => self.found_one(),
            1 => {}
            _ if self.several < SEVERAL => self.found_several(),
            _ => {}
        }
        Ok(())
    }

    /// Forgets a little of when several were found; one at a time for long enough is a habit.
    fn found_one(&mut self) {
        self.several -= 1;
        if self.several == 0 {
            self.flow().items.want_copies(true);
        }
    }

    /// Notes that several were found: a stream, if that happens again.
    fn found_several(&mut self) {
        let wanted = self.several == 0;
        self.several = (self.several + A_FEW).min(SEVERAL);
        if wanted {
            self.flow().items.want_copies(false);
        }
    }

    /// Where the next message is, if there is one.
    #[inline]
    pub(in crate::channel) fn place(&mut self) -> Attempt<NonNull<u8>> {
        Ok(self.is_there()?.then(|| self.slots.message(self.head)))
    }

    /// Copies the next message, which has to be there.
    #[inline]
    pub(in crate::channel) fn read(&self) -> T {
        if fits_inline::<T>()
            && self.known.wrapping_sub(self.head) == 1
            && let Some(copy) = self.read_copy()
        {
            return copy;
        }
        self.slots.read(self.head)
    }

    /// The copy beside the position, if it is of the next message.
    #[inline]
    fn read_copy(&self) -> Option<T> {
        let senders = &self.flow().senders;
        let wanted = copy_of(self.head);
        if senders.copied.load(Acquire) != wanted {
            return None;
        }
        // SAFETY: because a message that fits can be read there, aligned to a word.
        let copy = unsafe { value::read(NonNull::from(&senders.inline).cast()) };
        fence(Acquire);
        (senders.copied.load(Relaxed) == wanted).then_some(copy)
    }

    /// Makes room of what was taken: nobody gets it again.
    #[inline]
    fn publish(&self) {
        self.flow().receivers.position.store(self.head, Release);
    }

    /// Takes the next message, if it is known that another follows, and makes room of it: in a stream, all that is asked.
    #[inline]
    pub(in crate::channel) fn pop_known(&mut self) -> Option<T> {
        if self.known.wrapping_sub(self.head) < 2 {
            return None;
        }
        let message = self.slots.read(self.head);
        self.release(self.head.wrapping_add(1));
        Some(message)
    }

    /// Whether there is a message to [take](Reader::take).
    #[inline]
    pub(in crate::channel) fn find(&mut self) -> Attempt<()> {
        Ok(self.is_there()?.then_some(()))
    }

    /// Takes the next message, which has to be there, and makes room of it.
    #[inline]
    pub(in crate::channel) fn take(&mut self) -> T {
        let message = self.read();
        self.skip();
        message
    }

    /// Takes the next message, if there is one.
    #[inline]
    pub(in crate::channel) fn pop(&mut self) -> Attempt<T> {
        Ok(self.find()?.map(|()| self.take()))
    }

    /// How many messages are there, and can be [read](Reader::read_slot) one after the other.
    #[inline]
    pub(in crate::channel) fn available(&mut self) -> Result<u64, Corrupt> {
        self.is_there()?;
        Ok(self.known.wrapping_sub(self.head))
    }

    /// Copies the message at a position which has one.
    #[inline]
    pub(in crate::channel) fn read_slot(&self, position: u64) -> T {
        self.slots.read(position)
    }

    /// Makes room of all before this position.
    #[inline]
    pub(in crate::channel) fn release(&mut self, position: u64) {
        self.head = position;
        self.publish();
    }

    /// Takes as many messages as are there and the buffer has room for, and makes room of them.
    #[inline]
    pub(in crate::channel) fn pop_all(&mut self, buffer: &mut [T]) -> Attempt<usize> {
        let count = self.available()?.min(buffer.len() as u64) as usize;
        if count == 0 {
            return Ok(None);
        }
        self.slots.read_all(self.head, &mut buffer[..count]);
        self.release(self.head.wrapping_add(count as u64));
        Ok(Some(count))
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("head", &self.head).finish_non_exhaustive()
    }
}
