//! A ring with one writer and one reader. Its operations never wait.
//!
//! Each side keeps its position private, and publishes it after every step. What it reads from
//! shared memory is checked against its own position. Publishing the position is sending, or
//! receiving. A side that dies before has done nothing, and its successor continues from there.
//!
//! Each side polls the peer's position only when it cannot proceed with what it knows. So in a
//! stream the cache lines with the positions seldom move, and the messages are dense. A single
//! message would need two cache lines, one after the other: the position and the message. A
//! reader that keeps finding single messages requests inline delivery. The writer then stores a
//! copy of each small message beside the position, so one line carries both.

#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::channel::ring::backoff::PollBackoff;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::atomic::fence;
use crate::channel::shared::control::{INLINE_WORDS, RingControl};
use crate::channel::shared::copy;
use crate::channel::shared::slot_array::{SlotArray, Slots};
use crate::channel::tuning::{BATCH_SCORE_MAX, BATCH_SCORE_STEP, FIRST_UNTIMED_CALLS};
use crate::shm::Plain;

/// The value of `inline_tag` while `inline` holds the message at this position. Never zero, as
/// in a new channel.
#[inline]
const fn inline_tag_of(position: u64) -> u64 {
    position << 1 | 1
}

/// What `inline_tag` is while `inline` is no message.
const NOT_INLINE: u64 = 0;

const fn fits_inline<T>() -> bool {
    size_of::<T>() <= INLINE_WORDS * size_of::<u64>()
}

/// The writing end, with slots for messages of one type.
pub(crate) type Writer<T> = RawWriter<SlotArray<T>>;

/// The writing end.
pub(crate) struct RawWriter<S> {
    slots: S,
    control: NonNull<RingControl>,
    /// Where the next message goes.
    tail: u64,
    /// Where there is no room any more, as far as is known.
    cached_limit: u64,
    /// Where the peers must be checked next: between `tail` and `cached_limit`, so there is
    /// space for all messages before it.
    check_at: u64,
    /// How many messages may be sent between two checks; batches may exceed it.
    check_interval: u64,
    backoff: PollBackoff,
}

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl<S: Slots> Send for RawWriter<S> {}

impl<S: Slots> RawWriter<S> {
    /// Continues where the last writer ended.
    ///
    /// # Safety
    ///
    /// `control` leads to a control block for as long as the writer is used.
    pub(crate) unsafe fn resume(slots: S, control: NonNull<RingControl>) -> Result<RawWriter<S>, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let senders = unsafe { &control.as_ref().senders };
        // The last writer may have died after it stored a copy of a message that it did not
        // send.
        senders.inline_tag.store(NOT_INLINE, Relaxed);
        let tail = senders.position.load(Relaxed);
        let mut writer = RawWriter {
            backoff: PollBackoff::new(slots.count()),
            slots,
            control,
            tail,
            cached_limit: tail,
            check_at: tail,
            check_interval: FIRST_UNTIMED_CALLS.into(),
        };
        writer.extend_budget(1)?;
        Ok(writer)
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.control.as_ref() }
    }

    /// Where the next message goes.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.tail
    }

    /// Returns how many messages the reader has not taken, as of a moment ago; at most the
    /// number of slots.
    pub(crate) fn len(&self) -> usize {
        let head = self.control().receivers.position.load(Acquire);
        self.tail.wrapping_sub(head).min(self.slots.count()) as usize
    }

    /// Returns whether the peers must be checked before the next message.
    #[inline]
    pub(crate) fn needs_check(&self) -> bool {
        self.tail == self.check_at
    }

    /// Returns whether the peers must be checked before `count` messages.
    #[inline]
    pub(crate) fn needs_check_within(&self, count: usize) -> bool {
        (self.check_at.wrapping_sub(self.tail) as usize) < count
    }

    /// Requires a check of the peers before the next message.
    #[inline]
    pub(crate) fn force_check(&mut self) {
        self.check_at = self.tail;
    }

    /// Sets how many messages may be sent between two checks.
    pub(crate) fn set_check_interval(&mut self, check_interval: u64) {
        self.check_interval = check_interval;
    }

    /// Returns for how many messages there certainly is space. Polls the reader if that is less
    /// than wanted.
    fn room(&mut self, wanted: usize) -> Result<usize, Corrupt> {
        if (self.check_at.wrapping_sub(self.tail) as usize) < wanted {
            self.extend_budget(wanted as u64)?;
        }
        Ok(self.check_at.wrapping_sub(self.tail) as usize)
    }

    /// Polls the reader if there seems to be too little space. Sets the next check behind the
    /// wanted messages, if there is space for them.
    #[inline(never)]
    fn extend_budget(&mut self, wanted: u64) -> Result<(), Corrupt> {
        if self.cached_limit.wrapping_sub(self.tail) < wanted {
            self.backoff.snooze();
            let head = self.control().receivers.position.load(Acquire);
            let limit = head.wrapping_add(self.slots.count());
            let (known, room) = (self.cached_limit.wrapping_sub(self.tail), limit.wrapping_sub(self.tail));
            // A reader's position never decreases, and never passes the writer's.
            if !(known..=self.slots.count()).contains(&room) {
                return Err(Corrupt);
            }
            self.cached_limit = limit;
            self.backoff.record(room);
        }
        let room = self.cached_limit.wrapping_sub(self.tail);
        self.check_at = self.tail.wrapping_add(room.min(self.check_interval.max(wanted)));
        Ok(())
    }

    /// Where the next message is to be written, if there is room.
    #[inline]
    pub(crate) fn slot_ptr(&mut self) -> TryResult<NonNull<u8>> {
        Ok((self.room(1)? > 0).then(|| self.slots.message(self.tail)))
    }

    /// Sends as many messages as have been written, for which there was room.
    #[inline]
    pub(crate) fn commit(&mut self, count: usize) {
        debug_assert!(count as u64 <= self.check_at.wrapping_sub(self.tail));
        self.tail = self.tail.wrapping_add(count as u64);
        self.control().senders.position.store(self.tail, Release);
    }
}

impl<T: Plain> Writer<T> {
    /// The last message that was sent, by whomever; any bytes if there was none.
    pub(crate) fn last(&self) -> T {
        self.slots.read(self.tail.wrapping_sub(1))
    }

    /// Writes the next message, without sending it. There must be room.
    #[inline]
    pub(crate) fn write(&self, message: &T) {
        self.slots.write(self.tail, message);
    }

    /// Sends a message if there is space, and stores it beside the position, too, if
    /// `with_inline` is set and it fits.
    #[inline]
    pub(crate) fn push(&mut self, message: &T, with_inline: bool) -> TryResult<()> {
        if self.room(1)? == 0 {
            return Ok(None);
        }
        self.send(message, with_inline);
        Ok(Some(()))
    }

    /// [`push`](Writer::push) where there certainly is space: unless a [check is
    /// due](Writer::needs_check).
    #[inline]
    pub(crate) fn send(&mut self, message: &T, with_inline: bool) {
        // Read before the slot is written, which for all that a compiler can know may change it.
        let (control, next) = (self.control, self.tail.wrapping_add(1));
        self.write(message);
        if with_inline && fits_inline::<T>() {
            self.write_inline(message);
        }
        self.tail = next;
        // SAFETY: because `resume` was promised that it stays.
        unsafe { control.as_ref() }.senders.position.store(next, Release);
    }

    /// Puts a copy of the next message beside the position.
    #[inline]
    fn write_inline(&self, message: &T) {
        let senders = &self.control().senders;
        senders.inline_tag.store(NOT_INLINE, Relaxed);
        // A reader that sees a byte of the new copy sees that the tag has changed.
        fence(Release);
        // SAFETY: because there is room for a message that fits, aligned to a word.
        unsafe { copy::write_value(NonNull::from(&senders.inline).cast(), message) };
        senders.inline_tag.store(inline_tag_of(self.tail), Release);
    }

    /// Sends as many messages as there is space for, and returns their number. They appear
    /// together, or not at all if the process dies.
    #[inline]
    pub(crate) fn push_many(&mut self, messages: &[T]) -> TryResult<usize> {
        let count = self.room(messages.len())?.min(messages.len());
        self.slots.write_all(self.tail, &messages[..count]);
        self.commit(count);
        Ok((count > 0).then_some(count))
    }
}

impl<S> fmt::Debug for RawWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("tail", &self.tail).finish_non_exhaustive()
    }
}

/// The reading end, with slots for messages of one type.
pub(crate) type Reader<T> = RawReader<SlotArray<T>>;

/// The reading end.
pub(crate) struct RawReader<S> {
    slots: S,
    control: NonNull<RingControl>,
    /// Where the next message is.
    head: u64,
    /// Where there are no more messages, as far as is known.
    cached_tail: u64,
    /// How recently several messages were found together. At zero, the reader requests inline
    /// delivery.
    batch_score: u8,
    backoff: PollBackoff,
}

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl<S: Slots> Send for RawReader<S> {}

impl<S: Slots> RawReader<S> {
    /// Continues where the last reader ended.
    ///
    /// # Safety
    ///
    /// `control` leads to a control block for as long as the reader is used.
    pub(crate) unsafe fn resume(slots: S, control: NonNull<RingControl>) -> RawReader<S> {
        // SAFETY: because the caller vouches for it.
        let head = unsafe { control.as_ref() }.receivers.position.load(Relaxed);
        RawReader {
            backoff: PollBackoff::new(slots.count()),
            slots,
            control,
            head,
            cached_tail: head,
            batch_score: BATCH_SCORE_MAX,
        }
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.control.as_ref() }
    }

    /// Where the next message is in the row of all.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.head
    }

    /// How many messages there is room for.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.slots.count()
    }

    /// Wakes the writer while this endpoint waits for another event.
    pub(crate) fn wake_writer(&self) {
        self.control().space.notify_all();
    }

    /// Takes the next message out, which has to be there.
    #[inline]
    pub(crate) fn skip(&mut self) {
        self.release(self.head.wrapping_add(1));
    }

    /// Whether there is a message.
    #[inline]
    fn is_there(&mut self) -> Result<bool, Corrupt> {
        if self.head != self.cached_tail { Ok(true) } else { self.poll_position() }
    }

    /// Polls the writer's position after all known messages were taken. Returns whether there
    /// are more.
    #[inline(never)]
    fn poll_position(&mut self) -> Result<bool, Corrupt> {
        self.backoff.snooze();
        let tail = self.control().senders.position.load(Acquire);
        self.backoff.record(tail.wrapping_sub(self.head));
        if tail == self.head {
            return Ok(false);
        }
        self.refresh_tail(tail).map(|()| true)
    }

    /// Takes note of how far the writer has come.
    fn refresh_tail(&mut self, tail: u64) -> Result<(), Corrupt> {
        let ahead = tail.wrapping_sub(self.head);
        if ahead > self.slots.count() {
            return Err(Corrupt);
        }
        self.cached_tail = tail;
        match ahead {
            1 if self.batch_score > 0 => self.record_single(),
            1 => {}
            _ if self.batch_score < BATCH_SCORE_MAX => self.record_batch(),
            _ => {}
        }
        Ok(())
    }

    /// Forgets a little of when several were found; one at a time for long enough is a habit.
    fn record_single(&mut self) {
        self.batch_score -= 1;
        if self.batch_score == 0 {
            self.control().items.status.request_inline(true);
        }
    }

    /// Notes that several were found: a stream, if that happens again.
    fn record_batch(&mut self) {
        let wanted = self.batch_score == 0;
        self.batch_score = (self.batch_score + BATCH_SCORE_STEP).min(BATCH_SCORE_MAX);
        if wanted {
            self.control().items.status.request_inline(false);
        }
    }

    /// Where the next message is, if there is one.
    #[inline]
    pub(crate) fn slot_ptr(&mut self) -> TryResult<NonNull<u8>> {
        Ok(self.is_there()?.then(|| self.slots.message(self.head)))
    }

    /// Frees the slots of all messages that were taken: no other receiver gets them.
    #[inline]
    pub(crate) fn publish(&self) {
        self.control().receivers.position.store(self.head, Release);
    }

    /// Whether there is a message to [take](Reader::take).
    #[inline]
    pub(crate) fn find(&mut self) -> TryResult<()> {
        Ok(self.is_there()?.then_some(()))
    }

    /// How many messages are there, and can be [read](Reader::read_slot) one after the other.
    #[inline]
    pub(crate) fn available(&mut self) -> Result<u64, Corrupt> {
        self.is_there()?;
        Ok(self.cached_tail.wrapping_sub(self.head))
    }

    /// How many messages there are, if any.
    #[inline]
    pub(crate) fn find_many(&mut self) -> TryResult<u64> {
        let available = self.available()?;
        Ok((available > 0).then_some(available))
    }

    /// How many messages there are, as of a moment ago; at most as many as there are slots.
    pub(crate) fn len(&self) -> usize {
        let tail = self.control().senders.position.load(Acquire);
        tail.wrapping_sub(self.head).min(self.slots.count()) as usize
    }

    /// Takes this many messages, which have to be there, and frees their slots.
    #[inline]
    pub(crate) fn release_many(&mut self, count: usize) {
        self.release(self.head.wrapping_add(count as u64));
    }

    /// Frees all slots before this position.
    #[inline]
    fn release(&mut self, position: u64) {
        self.head = position;
        self.publish();
    }
}

impl<T: Plain> Reader<T> {
    /// Copies the next message, which has to be there.
    #[inline]
    pub(crate) fn read(&self) -> T {
        if fits_inline::<T>()
            && self.cached_tail.wrapping_sub(self.head) == 1
            && let Some(copy) = self.read_inline()
        {
            return copy;
        }
        self.slots.read(self.head)
    }

    /// The copy beside the position, if it is of the next message.
    #[inline]
    fn read_inline(&self) -> Option<T> {
        let senders = &self.control().senders;
        let wanted = inline_tag_of(self.head);
        if senders.inline_tag.load(Acquire) != wanted {
            return None;
        }
        // SAFETY: because a message that fits can be read there, aligned to a word.
        let copy = unsafe { copy::read_value(NonNull::from(&senders.inline).cast()) };
        fence(Acquire);
        (senders.inline_tag.load(Relaxed) == wanted).then_some(copy)
    }

    /// Takes the next message, which has to be there, without freeing its slot.
    #[inline]
    pub(crate) fn take_unfreed(&mut self) -> T {
        let message = self.slots.read(self.head);
        self.head = self.head.wrapping_add(1);
        message
    }

    /// Takes the next message and frees its slot, if it is known that another message follows:
    /// the common case in a stream.
    #[inline]
    pub(crate) fn pop_cached(&mut self) -> Option<T> {
        if self.cached_tail.wrapping_sub(self.head) < 2 {
            return None;
        }
        let message = self.slots.read(self.head);
        self.release(self.head.wrapping_add(1));
        Some(message)
    }

    /// Takes the next message, which has to be there, and makes room of it.
    #[inline]
    pub(crate) fn take(&mut self) -> T {
        let message = self.read();
        self.skip();
        message
    }

    /// Takes the next message, if there is one.
    #[inline]
    pub(crate) fn pop(&mut self) -> TryResult<T> {
        Ok(self.find()?.map(|()| self.take()))
    }

    /// Copies the message this many after the next one, which has to be there.
    #[inline]
    pub(crate) fn read_nth(&self, n: usize) -> T {
        self.slots.read(self.head.wrapping_add(n as u64))
    }

    /// Copies the next messages, all of which have to be there.
    #[inline]
    pub(crate) fn read_many(&self, messages: &mut [T]) {
        self.slots.read_all(self.head, messages);
    }
}

impl<S> fmt::Debug for RawReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("head", &self.head).finish_non_exhaustive()
    }
}
