//! A ring with one writer and any number of unregistered readers, with a sequence lock per slot.
//!
//! The writer marks the slot as being written, writes, and marks it as written. A reader loads the
//! word, copies, and loads the word again. If both loads give the wanted message, the copy is
//! whole. A killed writer leaves nothing to recover: a slot that is marked as being written
//! contains no message.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::channel::ring::Corrupt;
use crate::channel::shared::atomic::fence;
use crate::channel::shared::control::RingControl;
use crate::channel::shared::sequenced_slots::SequencedSlots;
use crate::shm::Plain;

/// The word while the message of this position is in the slot. Never zero, as in a new channel.
pub(crate) const fn written(position: u64) -> u64 {
    position << 1 | 1
}

/// The word while that message is being written.
const fn begun(position: u64) -> u64 {
    position << 1
}

/// Marks the slots of a new channel as older than the first message. In one that starts at zero,
/// they are.
pub(crate) fn fill(slots: &SequencedSlots, start: u64) {
    if start != 0 {
        for i in 1..=slots.count() {
            let position = start.wrapping_sub(i);
            slots.word(position).store(begun(position), Relaxed);
        }
    }
}

/// The writing endpoint's view of the ring.
#[derive(Debug)]
pub(crate) struct Writer {
    slots: SequencedSlots,
    control: NonNull<RingControl>,
    /// Position of the next message.
    tail: u64,
}

// SAFETY: because the memory behind `slots` and `control` may be accessed by any thread.
unsafe impl Send for Writer {}

impl Writer {
    /// Continues at the position of the last writer.
    ///
    /// # Safety
    ///
    /// `control` points to a ring control that stays mapped while the writer is used.
    pub(crate) unsafe fn resume(slots: SequencedSlots, control: NonNull<RingControl>) -> Writer {
        // SAFETY: because the caller promised that it stays mapped.
        let senders = unsafe { &control.as_ref().senders };
        let mut tail = senders.position.load(Relaxed);
        // The last writer may have died between the word and the position. A reader may have
        // received that message.
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
        // SAFETY: because the caller of `resume` promised that it stays mapped.
        unsafe { self.control.as_ref() }
    }

    /// The position of the next message.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// The number of slots.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.slots.count()
    }

    /// The address of the next slot.
    #[inline]
    pub(crate) fn slot_ptr(&self) -> NonNull<u8> {
        self.slots.message(self.tail)
    }

    /// Marks the old message of the next slot as invalid before it is overwritten. Unnecessary
    /// without readers.
    #[inline]
    pub(crate) fn begin(&self) {
        // A reader that sees the mark also sees the earlier position.
        self.slots.word(self.tail).store(begun(self.tail), Release);
        // A reader that sees a byte of the new message also sees the mark.
        fence(Release);
    }

    /// Writes the next message.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, message: &T) {
        self.slots.write(self.tail, message);
    }

    /// Marks the next message as written. It stays available even if the writer dies.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.slots.word(self.tail).store(written(self.tail), Release);
        self.tail = self.tail.wrapping_add(1);
        self.control().senders.position.store(self.tail, Release);
    }
}

/// The state of the slot at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotStatus {
    /// The message.
    Present,
    /// An older message: the wanted one has not been written.
    NotYet,
    /// A newer message, or one that is being written.
    Overwritten,
}

/// A reading endpoint's view of the ring. It changes nothing in shared memory.
#[derive(Debug)]
pub(crate) struct Reader {
    slots: SequencedSlots,
    control: NonNull<RingControl>,
    /// The position of the next message.
    head: u64,
}

// SAFETY: because the memory behind `slots` and `control` may be accessed by any thread.
unsafe impl Send for Reader {}

impl Reader {
    /// Starts with the message of this position.
    ///
    /// # Safety
    ///
    /// `control` points to a ring control that stays mapped while the reader is used.
    pub(crate) unsafe fn at(slots: SequencedSlots, control: NonNull<RingControl>, head: u64) -> Reader {
        Reader { slots, control, head }
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because the caller of `at` promised that it stays mapped.
        unsafe { self.control.as_ref() }
    }

    /// The position of the next message.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The number of slots.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.slots.count()
    }

    /// The writer's last published position. All messages before it were written.
    #[inline]
    pub(crate) fn tail(&self) -> u64 {
        self.control().senders.position.load(Acquire)
    }

    /// Continues at this position.
    #[inline]
    pub(crate) fn seek(&mut self, head: u64) {
        self.head = head;
    }

    /// The state of the slot of the next message.
    #[inline]
    pub(crate) fn status(&self) -> Result<SlotStatus, Corrupt> {
        let word = self.slots.word(self.head).load(Acquire);
        if word == written(self.head) { Ok(SlotStatus::Present) } else { self.classify(word) }
    }

    /// Classifies a word other than that of the next message. All messages before the next one were
    /// written. So the slot contains the message of the round before, none before the first round,
    /// or a message of a later round.
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

    /// The address of the slot of the next message.
    #[inline]
    pub(crate) fn slot_ptr(&self) -> NonNull<u8> {
        self.slots.message(self.head)
    }

    /// Copies the next message, whose status was `Present`.
    #[inline]
    pub(crate) fn read<T: Plain>(&self) -> T {
        self.slots.read(self.head)
    }

    /// Whether the bytes read belong to the next message: the writer has not begun to overwrite it.
    #[inline]
    pub(crate) fn validate(&self) -> bool {
        fence(Acquire);
        self.slots.word(self.head).load(Acquire) == written(self.head)
    }

    /// Skips to the newer half of the ring after the next message was overwritten, and returns the
    /// number of skipped messages.
    ///
    /// The oldest message would be overwritten before it is copied, if the writer is that fast.
    #[cold]
    pub(crate) fn skip_lagged(&mut self) -> Result<u64, Corrupt> {
        let behind = self.tail().wrapping_sub(self.head);
        // The writer publishes its position before it begins another round.
        if behind < self.count() || behind > i64::MAX as u64 {
            return Err(Corrupt);
        }
        let missed = behind - self.count() / 2;
        self.head = self.head.wrapping_add(missed);
        Ok(missed)
    }
}
