//! A ring of records with one writer and one reader. Its operations never wait.
//!
//! It works as the [ring](crate::channel::ring::spsc) of messages of one size: publishing the
//! position is sending, or receiving. A reader that keeps finding single small records gets a
//! copy of each beside the position.

#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::channel::ring::backoff::PollBackoff;
use crate::channel::ring::record;
use crate::channel::ring::record::{Parsed, Record, Reservation, WORD};
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::atomic::fence;
use crate::channel::shared::control::{INLINE_WORDS, RingControl};
use crate::channel::shared::copy;
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::tuning::{BATCH_SCORE_MAX, BATCH_SCORE_STEP};

/// How long a record can be that has a copy beside the position.
const SMALL: usize = INLINE_WORDS * WORD;

/// Bits of `inline_tag` for the length of the copy plus one. The position loses as many upper
/// bits.
const LENGTH_BITS: u32 = 6;

const _: () = assert!(SMALL + 1 < 1 << LENGTH_BITS);

/// What `inline_tag` is while `inline` is no record: the length is one less than none.
const NOT_INLINE: u64 = 0;

/// What `inline_tag` is while `inline` is the record whose word is at this position.
#[inline]
const fn inline_tag_of(position: u64, length: usize) -> u64 {
    position << LENGTH_BITS | (length as u64 + 1)
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Writer {
    /// One for each word.
    slots: SlotArray<u64>,
    control: NonNull<RingControl>,
    /// Where the next record goes, or the padding before it.
    tail: u64,
    /// Where there is no room any more, as far as is known.
    cached_limit: u64,
    backoff: PollBackoff,
}

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl Send for Writer {}

impl Writer {
    /// Continues where the last writer ended.
    ///
    /// # Safety
    ///
    /// `control` leads to a control block for as long as the writer is used; the slots are
    /// adjacent words.
    pub(crate) unsafe fn resume(
        slots: SlotArray<u64>,
        control: NonNull<RingControl>,
    ) -> Result<Writer, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let senders = unsafe { &control.as_ref().senders };
        // The last writer may have died after it stored a copy of a record that it did not send.
        senders.inline_tag.store(NOT_INLINE, Relaxed);
        let tail = senders.position.load(Relaxed);
        let mut writer =
            Writer { backoff: PollBackoff::new(slots.count()), slots, control, tail, cached_limit: tail };
        writer.poll_position()?;
        Ok(writer)
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.control.as_ref() }
    }

    /// How long a record can be.
    #[inline]
    pub(crate) fn max_message_len(&self) -> usize {
        record::max_message_len(self.slots.count())
    }

    /// How many words the reader has not freed, as of a moment ago; at most as many as there are.
    pub(crate) fn len(&self) -> u64 {
        let head = self.control().receivers.position.load(Acquire);
        self.tail.wrapping_sub(head).min(self.slots.count())
    }

    #[inline(never)]
    fn poll_position(&mut self) -> Result<(), Corrupt> {
        self.backoff.snooze();
        let head = self.control().receivers.position.load(Acquire);
        let limit = head.wrapping_add(self.slots.count());
        let (known, room) = (self.cached_limit.wrapping_sub(self.tail), limit.wrapping_sub(self.tail));
        // A reader's position never decreases, and never passes the writer's.
        if !(known..=self.slots.count()).contains(&room) {
            return Err(Corrupt);
        }
        self.backoff.record(room / SINGLE);
        self.cached_limit = limit;
        Ok(())
    }

    /// Reserves space for the next record of `length` bytes, at most the longest, if there is
    /// any.
    #[inline]
    pub(crate) fn reserve(&mut self, length: usize) -> TryResult<Reservation> {
        debug_assert!(length <= self.max_message_len());
        let reservation = record::reservation(self.tail, self.slots.count(), length);
        let wanted = reservation.record.end.wrapping_sub(self.tail);
        if self.cached_limit.wrapping_sub(self.tail) < wanted {
            self.poll_position()?;
        }
        Ok((self.cached_limit.wrapping_sub(self.tail) >= wanted).then_some(reservation))
    }

    /// Returns where the bytes of the reserved record go.
    #[inline]
    pub(crate) fn slot_ptr(&self, reservation: &Reservation) -> NonNull<u8> {
        self.slots.message(reservation.record.start)
    }

    /// Writes the header of the reserved record, and moves on behind it without sending it.
    #[inline]
    pub(crate) fn finish(&mut self, reservation: &Reservation) {
        if reservation.word != self.tail {
            self.slots.word(self.tail).store(record::padding(self.tail), Relaxed);
        }
        self.slots.word(reservation.word).store(reservation.header(), Relaxed);
        self.tail = reservation.record.end;
    }

    /// Sends what is finished.
    #[inline]
    pub(crate) fn commit(&self) {
        self.control().senders.position.store(self.tail, Release);
    }

    #[inline]
    fn write(&self, reservation: &Reservation, bytes: &[u8]) {
        debug_assert_eq!(bytes.len(), reservation.record.length);
        // SAFETY: because a reservation is within the ring and ends with a word, and has no
        // reader yet.
        unsafe { copy::write_bytes(self.slot_ptr(reservation), bytes) };
    }

    /// Sends a record if there is space, and stores it beside the position, too, if
    /// `with_inline` is set and it fits.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8], with_inline: bool) -> TryResult<()> {
        let Some(reservation) = self.reserve(bytes.len())? else { return Ok(None) };
        self.write(&reservation, bytes);
        if with_inline && bytes.len() <= SMALL && reservation.word == self.tail {
            self.write_inline(bytes);
        }
        self.finish(&reservation);
        self.commit();
        Ok(Some(()))
    }

    /// Puts a copy of the next record beside the position.
    #[inline]
    fn write_inline(&self, bytes: &[u8]) {
        let senders = &self.control().senders;
        senders.inline_tag.store(NOT_INLINE, Relaxed);
        // A reader that sees a byte of the new copy sees that the tag has changed.
        fence(Release);
        // SAFETY: because there are as many words as a small record has at most.
        unsafe { copy::write_bytes(NonNull::from(&senders.inline).cast(), bytes) };
        senders.inline_tag.store(inline_tag_of(self.tail, bytes.len()), Release);
    }

    /// Sends as many records as there is space for, up to the first that is too long, and
    /// returns their number. They appear together, or not at all if the process dies.
    #[inline]
    pub(crate) fn push_many<B: AsRef<[u8]>>(&mut self, records: &[B]) -> TryResult<usize> {
        let mut count = 0;
        for record in records.iter().map(AsRef::as_ref) {
            if record.len() > self.max_message_len() {
                break;
            }
            let reservation = match self.reserve(record.len()) {
                Ok(Some(reservation)) => reservation,
                Err(Corrupt) if count == 0 => return Err(Corrupt),
                Ok(None) | Err(Corrupt) => break,
            };
            self.write(&reservation, record);
            self.finish(&reservation);
            count += 1;
        }
        self.commit();
        Ok((count > 0).then_some(count))
    }
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Reader {
    /// One for each word.
    slots: SlotArray<u64>,
    control: NonNull<RingControl>,
    /// Where the next record is, or the padding before it.
    head: u64,
    /// Where there are no more records, as far as is known.
    cached_tail: u64,
    /// How recently several records were found together. At zero, the reader requests inline
    /// delivery.
    batch_score: u8,
    backoff: PollBackoff,
    /// How many records were taken since the last poll.
    taken: u64,
}

/// How many words a record has at most that has a copy.
const SINGLE: u64 = 1 + INLINE_WORDS as u64;

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl Send for Reader {}

/// A record that was found.
#[derive(Debug)]
pub(crate) enum Next {
    /// In the ring.
    InRing(Record),
    /// A private copy of what was beside the position.
    Inline { words: [u64; INLINE_WORDS], length: usize, end: u64 },
}

impl Next {
    #[inline]
    pub(crate) fn length(&self) -> usize {
        match self {
            Next::InRing(record) => record.length,
            Next::Inline { length, .. } => *length,
        }
    }

    /// The position after it.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        match self {
            Next::InRing(record) => record.end,
            Next::Inline { end, .. } => *end,
        }
    }
}

impl Reader {
    /// Continues where the last reader ended.
    ///
    /// # Safety
    ///
    /// `control` leads to a control block for as long as the reader is used; the slots are
    /// adjacent words.
    pub(crate) unsafe fn resume(slots: SlotArray<u64>, control: NonNull<RingControl>) -> Reader {
        // SAFETY: because the caller vouches for it.
        let head = unsafe { control.as_ref() }.receivers.position.load(Relaxed);
        Reader {
            backoff: PollBackoff::new(slots.count()),
            slots,
            control,
            head,
            cached_tail: head,
            batch_score: BATCH_SCORE_MAX,
            taken: 0,
        }
    }

    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.control.as_ref() }
    }

    /// How many words the records take that were not taken, as of a moment ago; at most as many as
    /// there are.
    pub(crate) fn len(&self) -> u64 {
        let tail = self.control().senders.position.load(Acquire);
        tail.wrapping_sub(self.head).min(self.slots.count())
    }

    /// Whether there is a record.
    #[inline]
    fn is_there(&mut self) -> Result<bool, Corrupt> {
        if self.head != self.cached_tail {
            return Ok(true);
        }
        self.poll_position()?;
        Ok(self.head != self.cached_tail)
    }

    /// Polls the writer's position, and returns it.
    #[inline]
    pub(crate) fn poll_position(&mut self) -> Result<u64, Corrupt> {
        self.backoff.record(mem::take(&mut self.taken));
        self.backoff.snooze();
        let tail = self.control().senders.position.load(Acquire);
        let ahead = tail.wrapping_sub(self.head);
        if ahead > self.slots.count() {
            return Err(Corrupt);
        }
        self.cached_tail = tail;
        if ahead != 0 {
            self.record_batch_size(ahead <= SINGLE);
        }
        Ok(tail)
    }

    /// Asks for copies, or for none any more, when that would have been right for a while.
    #[inline]
    fn record_batch_size(&mut self, is_single: bool) {
        match (is_single, self.batch_score) {
            (true, 0) | (false, BATCH_SCORE_MAX) => {}
            (true, batch_score) => {
                self.batch_score = batch_score - 1;
                if self.batch_score == 0 {
                    self.control().items.status.request_inline(true);
                }
            }
            (false, batch_score) => {
                self.batch_score = (batch_score + BATCH_SCORE_STEP).min(BATCH_SCORE_MAX);
                if batch_score == 0 {
                    self.control().items.status.request_inline(false);
                }
            }
        }
    }

    /// Where the next record is, if there is one.
    #[inline]
    pub(crate) fn record(&mut self) -> TryResult<Record> {
        if !self.is_there()? {
            return Ok(None);
        }
        let record = match self.parse(self.head)? {
            Parsed::Record(record) => record,
            Parsed::Padding(until) => match self.parse(until)? {
                Parsed::Record(record) => record,
                Parsed::Padding(_) => return Err(Corrupt),
            },
        };
        Ok(Some(record))
    }

    #[inline]
    fn parse(&self, position: u64) -> Result<Parsed, Corrupt> {
        let word = self.slots.word(position).load(Relaxed);
        record::parse(word, position, self.cached_tail, self.slots.count())
    }

    /// The next record, or a copy of it, if there is one.
    #[inline]
    pub(crate) fn next(&mut self) -> TryResult<Next> {
        if !self.is_there()? {
            return Ok(None);
        }
        if self.cached_tail.wrapping_sub(self.head) <= SINGLE
            && let Some(inline_tag) = self.read_inline()
        {
            return Ok(Some(inline_tag));
        }
        Ok(self.record()?.map(Next::InRing))
    }

    /// The copy beside the position, if it is of the next record and there is no other.
    #[inline]
    fn read_inline(&self) -> Option<Next> {
        let senders = &self.control().senders;
        let inline_tag = senders.inline_tag.load(Acquire);
        let length = ((inline_tag & ((1 << LENGTH_BITS) - 1)) as usize).wrapping_sub(1);
        if length > SMALL || inline_tag != inline_tag_of(self.head, length) {
            return None;
        }
        let end = Record::after(self.head, false, length).end;
        if end != self.cached_tail {
            return None;
        }
        let mut words = [0; INLINE_WORDS];
        for (word, from) in words.iter_mut().zip(&senders.inline).take(length.div_ceil(WORD)) {
            *word = from.load(Relaxed);
        }
        fence(Acquire);
        (senders.inline_tag.load(Relaxed) == inline_tag).then_some(Next::Inline { words, length, end })
    }

    /// Where the bytes of a record are that was found and not taken yet.
    #[inline]
    pub(crate) fn slot_ptr(&self, record: &Record) -> NonNull<u8> {
        self.slots.message(record.start)
    }

    /// Copies a record that was found and not taken yet; there is room for all of it.
    #[inline]
    pub(crate) fn read(&self, next: &Next, into: &mut [MaybeUninit<u8>]) {
        match next {
            Next::InRing(record) => {
                let into = into[..record.length].as_mut_ptr().cast::<u8>();
                // SAFETY: because a record that was found is within the ring and ends there with
                // a word, and `into` has `length` bytes.
                unsafe { copy::read_bytes(self.slot_ptr(record), into, record.length) };
            }
            Next::Inline { words, length, .. } => {
                for (into, word) in into[..*length].chunks_mut(WORD).zip(words) {
                    for (into, byte) in into.iter_mut().zip(word.to_ne_bytes()) {
                        into.write(byte);
                    }
                }
            }
        }
    }

    /// Takes everything before `end`, the end of a record that was found, without freeing it.
    #[inline]
    pub(crate) fn skip(&mut self, end: u64) {
        self.taken += 1;
        self.head = end;
    }

    /// Where the next record is, or the padding before it.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.head
    }

    /// Frees what was taken: no other reader gets it.
    #[inline]
    pub(crate) fn publish(&self) {
        self.control().receivers.position.store(self.head, Release);
    }
}
