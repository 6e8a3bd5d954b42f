//! A ring of messages of which each slot's word says which message is in it: one writer, and any number of readers of whom
//! it needs to know nothing.
//!
//! The writer marks the slot as being written, writes, and marks it as written (a sequence lock for each slot). A reader
//! looks at the word, copies, and looks again: if both looks found the message that it wants, the copy is whole. So a
//! writer that is killed leaves nothing to be repaired: a slot that is marked as being written is of no message.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::channel::ring::Corrupt;
use crate::channel::shared::atomic::fence;
use crate::channel::shared::control::RingControl;
use crate::channel::shared::sequenced_slots::SequencedSlots;
use crate::shm::Plain;

/// The word while the message of this position is in the slot. Never zero, as in a new channel.
const fn written(position: u64) -> u64 {
    position << 1 | 1
}

/// The word while that message is being written.
const fn begun(position: u64) -> u64 {
    position << 1
}

/// Marks the slots of a new channel as older than the first message. In one that starts at zero, they are.
pub(crate) fn fill(slots: &SequencedSlots, start: u64) {
    if start != 0 {
        for i in 1..=slots.count() {
            let position = start.wrapping_sub(i);
            slots.word(position).store(begun(position), Relaxed);
        }
    }
}

/// The end that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    slots: SequencedSlots,
    control: NonNull<RingControl>,
    /// Where the next message goes.
    tail: u64,
}

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl Send for Writer {}

impl Writer {
    /// Goes on where the last writer ended.
    ///
    /// # Safety
    ///
    /// `control` leads to a flow for as long as the writer is used.
    pub(crate) unsafe fn resume(slots: SequencedSlots, control: NonNull<RingControl>) -> Writer {
        // SAFETY: because the caller vouches for it.
        let senders = unsafe { &control.as_ref().senders };
        let mut tail = senders.position.load(Relaxed);
        // He may have died between the word and the position: then somebody may have received the message.
        for _ in 0..slots.count() {
            if slots.word(tail).load(Acquire) != written(tail) {
                break;
            }
            tail = tail.wrapping_add(1);
        }
        senders.position.store(tail, Release);
        Writer { slots, control, tail }
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.control.as_ref() }
    }

    /// Where the next message goes.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// How many messages there is room for.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.slots.count()
    }

    /// Where the next message is to be written.
    #[inline]
    pub(crate) fn slot_ptr(&self) -> NonNull<u8> {
        self.slots.message(self.tail)
    }

    /// Says that the next slot's old message is gone, before it is; needless where nobody can be reading it.
    #[inline]
    pub(crate) fn begin(&self) {
        // Whoever sees the mark sees how many messages there were before.
        self.slots.word(self.tail).store(begun(self.tail), Release);
        // Whoever sees a byte of the new message sees the mark.
        fence(Release);
    }

    /// Writes the next message.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, message: &T) {
        self.slots.write(self.tail, message);
    }

    /// Marks the next message as written: from here on it is there, whatever happens to the writer.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.slots.word(self.tail).store(written(self.tail), Release);
        self.tail = self.tail.wrapping_add(1);
        self.control().senders.position.store(self.tail, Release);
    }
}

/// What there is at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotStatus {
    /// The message.
    Present,
    /// One that is older: the message has not been written.
    NotYet,
    /// One that is newer, or is being written.
    Overwritten,
}

/// An end that reads. It changes nothing in shared memory.
#[derive(Debug)]
pub(crate) struct Reader {
    slots: SequencedSlots,
    control: NonNull<RingControl>,
    /// Which message is next.
    head: u64,
}

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl Send for Reader {}

impl Reader {
    /// Starts with the message of this position.
    ///
    /// # Safety
    ///
    /// `control` leads to a flow for as long as the reader is used.
    pub(crate) unsafe fn at(slots: SequencedSlots, control: NonNull<RingControl>, head: u64) -> Reader {
        Reader { slots, control, head }
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because `at` was promised that it stays.
        unsafe { self.control.as_ref() }
    }

    /// Which message is next.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// How many messages there is room for.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.slots.count()
    }

    /// Where the writer is, as it said last; all before has been written.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.control().senders.position.load(Acquire)
    }

    /// Makes the message of this position the next.
    #[inline]
    pub(crate) fn seek(&mut self, head: u64) {
        self.head = head;
    }

    /// What there is where the next message should be.
    #[inline]
    pub(crate) fn status(&self) -> Result<SlotStatus, Corrupt> {
        let word = self.slots.word(self.head).load(Acquire);
        if word == written(self.head) { Ok(SlotStatus::Present) } else { self.classify(word) }
    }

    /// What the word means that is not that of the next message: everything up to it has been written, so the slot has the
    /// one that was there a round before, or none if there was no such round; or one of a later round.
    #[inline]
    fn classify(&self, word: u64) -> Result<SlotStatus, Corrupt> {
        let round = (self.count() << 1) as i64;
        let ahead = (word & !1).wrapping_sub(begun(self.head)) as i64;
        if (-round..=0).contains(&ahead) {
            Ok(SlotStatus::NotYet)
        } else if ahead > 0 && ahead % round == 0 {
            Ok(SlotStatus::Overwritten)
        } else {
            Err(Corrupt)
        }
    }

    /// Where the next message is.
    #[inline]
    pub(crate) fn slot_ptr(&self) -> NonNull<u8> {
        self.slots.message(self.head)
    }

    /// Copies the next message, which was there.
    #[inline]
    pub(crate) fn read<T: Plain>(&self) -> T {
        self.slots.read(self.head)
    }

    /// Whether what was read of the next message is of it: nobody has begun to overwrite it.
    #[inline]
    pub(crate) fn validate(&self) -> bool {
        fence(Acquire);
        self.slots.word(self.head).load(Acquire) == written(self.head)
    }

    /// Goes on with the newer half of what there is, and says how many messages come before: to be called if the next one
    /// was found to be overwritten.
    ///
    /// The oldest would be overwritten too before it is copied, if the writer is that fast.
    #[cold]
    pub(crate) fn skip_lagged(&mut self) -> Result<u64, Corrupt> {
        let behind = self.tail().wrapping_sub(self.head);
        // The writer begins a round after it has said where it is.
        if behind < self.count() || behind > i64::MAX as u64 {
            return Err(Corrupt);
        }
        let missed = behind - self.count() / 2;
        self.head = self.head.wrapping_add(missed);
        Ok(missed)
    }
}
