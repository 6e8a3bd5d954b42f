//! A ring with one writer and one reader, who wait for nobody.
//!
//! A slot says itself for which position its message is. So one line brings the word and a small message together from
//! core to core, and the reader needs nothing else to know that there is one. The writer knows how far the reader has come
//! from the reader's position, which he looks at again only when the ring seems full.
//!
//! Each side keeps its position to itself, and stores it for others afterwards: what is in shared memory is checked against
//! what is known. A writer that dies between the word of a message and his position has sent the message, and his successor
//! finds it. A reader that dies before he has stored his position has not received the message, and his successor does.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::channel::end::{Attempt, Corrupt};
use crate::channel::flow::Flow;
use crate::channel::slots::Slots;
use crate::shm::Plain;

/// What the word of a slot is when it has the message for this position. Never zero, which is that of a new slot.
#[inline]
const fn committed(position: u64) -> u64 {
    position << 1 | 1
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Writer {
    slots: Slots,
    flow: NonNull<Flow>,
    /// Where the next message goes.
    tail: u64,
    /// Where there is no room any more, as far as is known.
    limit: u64,
}

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl Send for Writer {}

impl Writer {
    /// Goes on where the last writer ended, be it that he died before he had said so.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the writer is used.
    pub(super) unsafe fn resume(slots: Slots, flow: NonNull<Flow>) -> Result<Writer, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let words = unsafe { flow.as_ref() };
        let mut tail = words.senders.position.load(Relaxed);
        for _ in 0..slots.count() {
            if slots.word(tail).load(Acquire) != committed(tail) {
                break;
            }
            tail = tail.wrapping_add(1);
        }
        let mut writer = Writer { slots, flow, tail, limit: tail };
        writer.look_for_room()?;
        writer.publish();
        Ok(writer)
    }

    #[inline]
    fn flow(&self) -> &Flow {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.flow.as_ref() }
    }

    /// How many messages there is certainly room for, after a look if there seems to be none.
    #[inline]
    pub(super) fn room(&mut self) -> Result<u64, Corrupt> {
        if self.tail == self.limit {
            self.look_for_room()?;
        }
        Ok(self.limit.wrapping_sub(self.tail))
    }

    #[inline(never)]
    fn look_for_room(&mut self) -> Result<(), Corrupt> {
        let head = self.flow().receivers.position.load(Acquire);
        if self.tail.wrapping_sub(head) > self.slots.count() {
            return Err(Corrupt);
        }
        self.limit = head.wrapping_add(self.slots.count());
        Ok(())
    }

    /// Where the next message is to be written, if there is room.
    #[inline]
    pub(super) fn place(&mut self) -> Attempt<NonNull<u8>> {
        Ok((self.room()? > 0).then(|| self.slots.message(self.tail)))
    }

    /// How many bytes a message has.
    pub(super) fn size(&self) -> usize {
        self.slots.size()
    }

    /// Writes the next message, without sending it. There must be room.
    #[inline]
    pub(super) fn write<T: Plain>(&self, message: &T) {
        self.slots.write(self.tail, message);
    }

    /// Sends what is in the next place, and says that there was room for it.
    #[inline]
    pub(super) fn commit(&mut self) {
        self.slots.word(self.tail).store(committed(self.tail), Release);
        self.tail = self.tail.wrapping_add(1);
        self.publish();
    }

    #[inline]
    pub(super) fn publish(&self) {
        self.flow().senders.position.store(self.tail, Release);
    }

    #[inline]
    pub(super) fn push<T: Plain>(&mut self, message: &T) -> Attempt<()> {
        if self.room()? == 0 {
            return Ok(None);
        }
        self.slots.write(self.tail, message);
        self.commit();
        Ok(Some(()))
    }

    /// Sends as many as there is room for, and says how many. If the process dies in between, the first of them are sent.
    #[inline]
    pub(super) fn push_all<T: Plain>(
        &mut self,
        messages: impl ExactSizeIterator<Item = T>,
    ) -> Attempt<usize> {
        if (self.limit.wrapping_sub(self.tail) as usize) < messages.len() {
            self.look_for_room()?;
        }
        let room = self.limit.wrapping_sub(self.tail);
        let count = messages.len().min(room as usize);
        for message in messages.take(count) {
            self.slots.write(self.tail, &message);
            self.slots.word(self.tail).store(committed(self.tail), Release);
            self.tail = self.tail.wrapping_add(1);
        }
        self.publish();
        Ok((count > 0).then_some(count))
    }
}

/// The reading end.
#[derive(Debug)]
pub(super) struct Reader {
    slots: Slots,
    flow: NonNull<Flow>,
    /// Where the next message is.
    head: u64,
}

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl Send for Reader {}

impl Reader {
    /// Goes on where the last reader ended.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the reader is used.
    pub(super) unsafe fn resume(slots: Slots, flow: NonNull<Flow>) -> Reader {
        // SAFETY: because the caller vouches for it.
        let head = unsafe { flow.as_ref() }.receivers.position.load(Relaxed);
        Reader { slots, flow, head }
    }

    /// Whether there is a message; what else the word can be is that of the message before, or of none ever.
    #[inline]
    pub(super) fn is_there(&self) -> Result<bool, Corrupt> {
        let word = self.slots.word(self.head).load(Acquire);
        if word == committed(self.head) { Ok(true) } else { self.is_empty(word).map(|()| false) }
    }

    #[inline]
    fn is_empty(&self, word: u64) -> Result<(), Corrupt> {
        let before = committed(self.head.wrapping_sub(self.slots.count()));
        if word == before || word == 0 { Ok(()) } else { Err(Corrupt) }
    }

    /// Where the next message is, if there is one.
    #[inline]
    pub(super) fn place(&self) -> Attempt<NonNull<u8>> {
        Ok(self.is_there()?.then(|| self.slots.message(self.head)))
    }

    /// How many bytes a message has.
    pub(super) fn size(&self) -> usize {
        self.slots.size()
    }

    /// Copies the next message, which has to be there.
    #[inline]
    pub(super) fn read<T: Plain>(&self) -> T {
        self.slots.read(self.head)
    }

    /// Takes the next message out; nobody gets it again.
    #[inline]
    pub(super) fn release(&mut self) {
        self.head = self.head.wrapping_add(1);
        self.publish();
    }

    /// Makes room of what was taken.
    #[inline]
    pub(super) fn publish(&self) {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.flow.as_ref() }.receivers.position.store(self.head, Release);
    }

    #[inline]
    pub(super) fn pop<T: Plain>(&mut self) -> Attempt<T> {
        let message = self.take()?;
        if message.is_some() {
            self.publish();
        }
        Ok(message)
    }

    /// Takes the next message without making room of it yet.
    #[inline]
    pub(super) fn take<T: Plain>(&mut self) -> Attempt<T> {
        if !self.is_there()? {
            return Ok(None);
        }
        let message = self.slots.read(self.head);
        self.head = self.head.wrapping_add(1);
        Ok(Some(message))
    }
}
