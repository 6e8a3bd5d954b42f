//! A ring of records with one writer and one reader, who wait for nobody.
//!
//! It works as the [ring](crate::channel::spsc::ring) of messages of one size: to store the position is to send, or to have
//! received. A reader who waits for single small records gets a copy of each beside the position.

#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::copy;
use super::record::{self, Found, Plan, Record, WORD};
use crate::channel::atomic::fence;
use crate::channel::dense::Dense;
use crate::channel::end::{Attempt, Corrupt};
use crate::channel::flow::{Flow, INLINE};
use crate::channel::lull::Lull;

/// How long a record can be that has a copy beside the position.
const SMALL: usize = INLINE * WORD;

/// Bits of `copied` for one more than the length of the copy. The position loses as many upper bits.
const LENGTH_BITS: u32 = 6;

const _: () = assert!(SMALL + 1 < 1 << LENGTH_BITS);

/// What `copied` is while `inline` is no record: the length is one less than none.
const NO_COPY: u64 = 0;

/// What `copied` is while `inline` is the record whose word is at this position.
#[inline]
const fn copy_of(position: u64, length: usize) -> u64 {
    position << LENGTH_BITS | (length as u64 + 1)
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Writer {
    /// One for each word.
    slots: Dense<u64>,
    flow: NonNull<Flow>,
    /// Where the next record goes, or the padding before it.
    tail: u64,
    /// Where there is no room any more, as far as is known.
    limit: u64,
    lull: Lull,
}

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl Send for Writer {}

impl Writer {
    /// Goes on where the last writer ended.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the writer is used; the slots are words, one next to the other.
    pub(super) unsafe fn resume(slots: Dense<u64>, flow: NonNull<Flow>) -> Result<Writer, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let senders = unsafe { &flow.as_ref().senders };
        // The last writer may have died with a copy of a record that he had not sent.
        senders.copied.store(NO_COPY, Relaxed);
        let tail = senders.position.load(Relaxed);
        let mut writer = Writer { lull: Lull::new(slots.count()), slots, flow, tail, limit: tail };
        writer.look_for_room()?;
        Ok(writer)
    }

    #[inline]
    fn flow(&self) -> &Flow {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.flow.as_ref() }
    }

    /// How long a record can be.
    #[inline]
    pub(super) fn max_message_len(&self) -> usize {
        record::max_message_len(self.slots.count())
    }

    #[inline(never)]
    fn look_for_room(&mut self) -> Result<(), Corrupt> {
        self.lull.keep();
        let head = self.flow().receivers.position.load(Acquire);
        if self.tail.wrapping_sub(head) > self.slots.count() {
            return Err(Corrupt);
        }
        let room = self.slots.count() - self.tail.wrapping_sub(head);
        self.lull.found(room / SINGLE);
        self.limit = self.tail.wrapping_add(room);
        Ok(())
    }

    /// Where the next record of so many bytes, no more than the longest, goes, if there is room.
    #[inline]
    pub(super) fn plan(&mut self, length: usize) -> Attempt<Plan> {
        debug_assert!(length <= self.max_message_len());
        let plan = record::plan(self.tail, self.slots.count(), length);
        let wanted = plan.record.end.wrapping_sub(self.tail);
        if self.limit.wrapping_sub(self.tail) < wanted {
            self.look_for_room()?;
        }
        Ok((self.limit.wrapping_sub(self.tail) >= wanted).then_some(plan))
    }

    /// Where the bytes of the next record go, which was planned after the last one: as many as were planned for.
    #[inline]
    pub(super) fn place(&self, plan: &Plan) -> NonNull<u8> {
        self.slots.message(plan.record.start)
    }

    /// Writes what is before the bytes of the next record, and goes on after it, without sending it yet.
    #[inline]
    pub(super) fn finish(&mut self, plan: &Plan) {
        if plan.word != self.tail {
            self.slots.word(self.tail).store(record::padding(self.tail), Relaxed);
        }
        self.slots.word(plan.word).store(plan.header(), Relaxed);
        self.tail = plan.record.end;
    }

    /// Sends what is finished.
    #[inline]
    pub(super) fn commit(&self) {
        self.flow().senders.position.store(self.tail, Release);
    }

    #[inline]
    fn write(&self, plan: &Plan, bytes: &[u8]) {
        debug_assert_eq!(bytes.len(), plan.record.length);
        // SAFETY: because a plan is within the ring and ends with a word, and what it is for has no reader yet.
        unsafe { copy::write(self.place(plan), bytes) };
    }

    /// Sends a record, if there is room, and puts a copy of it beside the position if it is to and fits.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8], with_copy: bool) -> Attempt<()> {
        let Some(plan) = self.plan(bytes.len())? else { return Ok(None) };
        self.write(&plan, bytes);
        if with_copy && bytes.len() <= SMALL && plan.word == self.tail {
            self.write_copy(bytes);
        }
        self.finish(&plan);
        self.commit();
        Ok(Some(()))
    }

    /// Puts a copy of the next record beside the position.
    #[inline]
    fn write_copy(&self, bytes: &[u8]) {
        let senders = &self.flow().senders;
        senders.copied.store(NO_COPY, Relaxed);
        // Whoever sees a byte of the new copy sees that it is not the old one any more.
        fence(Release);
        // SAFETY: because there are as many words as a small record has at most.
        unsafe { copy::write(NonNull::from(&senders.inline).cast(), bytes) };
        senders.copied.store(copy_of(self.tail, bytes.len()), Release);
    }

    /// Sends as many as there is room for at once, up to the first that is too long, and says how many: all of these, or
    /// if the process dies none.
    #[inline]
    pub(super) fn push_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Attempt<usize> {
        let mut count = 0;
        for record in records.iter().map(AsRef::as_ref) {
            if record.len() > self.max_message_len() {
                break;
            }
            let plan = match self.plan(record.len()) {
                Ok(Some(plan)) => plan,
                Err(Corrupt) if count == 0 => return Err(Corrupt),
                Ok(None) | Err(Corrupt) => break,
            };
            self.write(&plan, record);
            self.finish(&plan);
            count += 1;
        }
        self.commit();
        Ok((count > 0).then_some(count))
    }
}

/// The reading end.
#[derive(Debug)]
pub(super) struct Reader {
    /// One for each word.
    slots: Dense<u64>,
    flow: NonNull<Flow>,
    /// Where the next record is, or the padding before it.
    head: u64,
    /// Where there are no more records, as far as is known.
    known: u64,
    /// How lively the memory is of finding several records at once. At zero, copies are asked for.
    several: u8,
    lull: Lull,
    /// How many records were taken since the last look.
    taken: u64,
}

/// The liveliest memory, of which each single record takes one.
const SEVERAL: u8 = 64;

/// What it is refreshed by.
const A_FEW: u8 = 32;

/// How many words a record has at most that has a copy.
const SINGLE: u64 = 1 + INLINE as u64;

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl Send for Reader {}

/// A record that was found.
#[derive(Debug)]
pub(super) enum Next {
    /// In the ring.
    There(Record),
    /// Copied from beside the position, so nobody writes it any more.
    Copied { words: [u64; INLINE], length: usize, end: u64 },
}

impl Next {
    #[inline]
    pub(super) fn length(&self) -> usize {
        match self {
            Next::There(record) => record.length,
            Next::Copied { length, .. } => *length,
        }
    }

    /// The position after it.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        match self {
            Next::There(record) => record.end,
            Next::Copied { end, .. } => *end,
        }
    }
}

impl Reader {
    /// Goes on where the last reader ended.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the reader is used; the slots are words, one next to the other.
    pub(super) unsafe fn resume(slots: Dense<u64>, flow: NonNull<Flow>) -> Reader {
        // SAFETY: because the caller vouches for it.
        let head = unsafe { flow.as_ref() }.receivers.position.load(Relaxed);
        Reader { lull: Lull::new(slots.count()), slots, flow, head, known: head, several: SEVERAL, taken: 0 }
    }

    #[inline]
    fn flow(&self) -> &Flow {
        // SAFETY: because `resume` was promised that it stays.
        unsafe { self.flow.as_ref() }
    }

    /// Whether there is a record.
    #[inline]
    fn is_there(&mut self) -> Result<bool, Corrupt> {
        if self.head != self.known {
            return Ok(true);
        }
        self.look()?;
        Ok(self.head != self.known)
    }

    /// Looks how far the writer has come, and says where that is.
    #[inline]
    pub(super) fn look(&mut self) -> Result<u64, Corrupt> {
        self.lull.found(mem::take(&mut self.taken));
        self.lull.keep();
        let tail = self.flow().senders.position.load(Acquire);
        let ahead = tail.wrapping_sub(self.head);
        if ahead > self.slots.count() {
            return Err(Corrupt);
        }
        self.known = tail;
        if ahead != 0 {
            self.note_habit(ahead <= SINGLE);
        }
        Ok(tail)
    }

    /// Asks for copies, or for none any more, when that would have been right for a while.
    #[inline]
    fn note_habit(&mut self, is_single: bool) {
        match (is_single, self.several) {
            (true, 0) | (false, SEVERAL) => {}
            (true, several) => {
                self.several = several - 1;
                if self.several == 0 {
                    self.flow().items.want_copies(true);
                }
            }
            (false, several) => {
                self.several = (several + A_FEW).min(SEVERAL);
                if several == 0 {
                    self.flow().items.want_copies(false);
                }
            }
        }
    }

    /// Where the next record is, if there is one.
    #[inline]
    pub(super) fn record(&mut self) -> Attempt<Record> {
        if !self.is_there()? {
            return Ok(None);
        }
        let record = match self.parse(self.head)? {
            Found::Record(record) => record,
            Found::Padding(until) => match self.parse(until)? {
                Found::Record(record) => record,
                Found::Padding(_) => return Err(Corrupt),
            },
        };
        Ok(Some(record))
    }

    #[inline]
    fn parse(&self, position: u64) -> Result<Found, Corrupt> {
        let word = self.slots.word(position).load(Relaxed);
        record::parse(word, position, self.known, self.slots.count())
    }

    /// The next record, or a copy of it, if there is one.
    #[inline]
    pub(super) fn next(&mut self) -> Attempt<Next> {
        if !self.is_there()? {
            return Ok(None);
        }
        if self.known.wrapping_sub(self.head) <= SINGLE
            && let Some(copied) = self.read_copy()
        {
            return Ok(Some(copied));
        }
        Ok(self.record()?.map(Next::There))
    }

    /// The copy beside the position, if it is of the next record and there is no other.
    #[inline]
    fn read_copy(&self) -> Option<Next> {
        let senders = &self.flow().senders;
        let copied = senders.copied.load(Acquire);
        let length = ((copied & ((1 << LENGTH_BITS) - 1)) as usize).wrapping_sub(1);
        if length > SMALL || copied != copy_of(self.head, length) {
            return None;
        }
        let end = Record::after(self.head, false, length).end;
        if end != self.known {
            return None;
        }
        let mut words = [0; INLINE];
        for (word, from) in words.iter_mut().zip(&senders.inline).take(length.div_ceil(WORD)) {
            *word = from.load(Relaxed);
        }
        fence(Acquire);
        (senders.copied.load(Relaxed) == copied).then_some(Next::Copied { words, length, end })
    }

    /// Where the bytes of a record are that was found and not taken yet.
    #[inline]
    pub(super) fn place(&self, record: &Record) -> NonNull<u8> {
        self.slots.message(record.start)
    }

    /// Copies a record that was found and not taken yet; there is room for all of it.
    #[inline]
    pub(super) fn read(&self, next: &Next, into: &mut [MaybeUninit<u8>]) {
        match next {
            Next::There(record) => {
                let into = into[..record.length].as_mut_ptr().cast::<u8>();
                // SAFETY: because a record that was found is within the ring, and ends there with a word; and `into` has
                // so many bytes.
                unsafe { copy::read(self.place(record), into, record.length) };
            }
            Next::Copied { words, length, .. } => {
                for (into, word) in into[..*length].chunks_mut(WORD).zip(words) {
                    for (into, byte) in into.iter_mut().zip(word.to_ne_bytes()) {
                        into.write(byte);
                    }
                }
            }
        }
    }

    /// Takes what is before `end`, the end of a record that was found, without making room of it yet.
    #[inline]
    pub(super) fn skip(&mut self, end: u64) {
        self.taken += 1;
        self.head = end;
    }

    /// Where the next record is, or the padding before it.
    #[inline]
    pub(super) fn position(&self) -> u64 {
        self.head
    }

    /// Makes room of what was taken: nobody gets it again.
    #[inline]
    pub(super) fn publish(&self) {
        self.flow().receivers.position.store(self.head, Release);
    }
}
