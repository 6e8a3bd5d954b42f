//! A ring with many writers and many readers, of whom each may die at any moment.
//!
//! All that counts is in the word of each slot: a step is one change of one word, and the change that makes a slot
//! somebody's says whose. So whoever dies between two steps leaves nothing half done but slots with his name on them,
//! which are [taken out of his hands](reclaim_dead).
//!
//! Positions are claimed in order: one can be claimed only by who has seen that the one before it was. The positions in
//! shared memory are hints, at which newcomers begin and latecomers catch up; each end walks on from where it was last. So
//! in a stream the lines with the positions seldom change hands, and nobody has to repair them.

#![allow(unsafe_code)]

pub(crate) mod word;

use std::hint::spin_loop;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::atomic::AtomicU64;
use crate::channel::shared::control::{RingControl, SideState};
use crate::channel::shared::sequenced_slots::SequencedSlots;
use crate::channel::tuning::{HINT_INTERVAL, MAX_RETRIES, STEPS_PER_HINT_CHECK};
use crate::shm::Plain;

/// What all ends do alike.
#[derive(Debug)]
struct Cursor {
    slots: SequencedSlots,
    generations: Generations,
    control: NonNull<RingControl>,
    /// The seat of this end.
    lease_id: u32,
    /// What is looked at next: all before was claimed, by somebody of this side.
    position: u64,
    /// The slot that this end has in its hands.
    held: Option<Claim>,
}

/// A slot in the hands of an end.
#[derive(Clone, Copy, Debug)]
struct Claim {
    /// A position that leads to the slot.
    position: u64,
    generation: u64,
}

// SAFETY: because the memory that `slots` and `control` lead to is not bound to a thread.
unsafe impl Send for Cursor {}

/// What a word means to who walks by.
enum SlotView {
    /// Somebody had this position: go on to this one.
    Ahead(u64),
    /// It is up to the state, in the lap of the position.
    Current(SlotState),
    /// So it is in the lap before.
    Previous(SlotState),
}

impl Cursor {
    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because the constructors of the ends were promised that it stays.
        unsafe { self.control.as_ref() }
    }

    #[inline]
    fn word(&self, position: u64) -> &AtomicU64 {
        self.slots.word(position)
    }

    #[inline]
    fn load(&self, position: u64) -> SlotWord {
        SlotWord(self.word(position).load(Acquire))
    }

    /// Changes a word, if it is as it was seen.
    #[inline]
    fn change(&self, position: u64, from: SlotWord, to: SlotWord) -> bool {
        self.word(position).compare_exchange(from.0, to.0, AcqRel, Relaxed).is_ok()
    }

    /// What the word of this position says.
    #[inline]
    fn classify(&self, word: SlotWord, position: u64) -> Result<SlotView, Corrupt> {
        let state = word.state().ok_or(Corrupt)?;
        match self.generations.ahead(word, position) {
            0 => Ok(SlotView::Current(state)),
            -1 => Ok(SlotView::Previous(state)),
            // In order to have come that far, the slot was somebody's in the lap before its own.
            ahead @ 1.. => {
                Ok(SlotView::Ahead(self.generations.later(position, ahead as u64 - 1).wrapping_add(1)))
            }
            _ => Err(Corrupt),
        }
    }

    /// More steps than it takes to come round, however often others are faster. Who has taken so many is being fooled.
    fn max_steps(&self) -> u64 {
        2 * self.slots.count() + MAX_RETRIES
    }

    /// Says how far this side is, once in a while. Never less than somebody has said already.
    #[inline]
    fn publish_hint(&self, side: &SideState) {
        if self.position.is_multiple_of(HINT_INTERVAL) {
            let hint = side.position.load(Relaxed);
            if is_after(self.position, hint) {
                // Who is ahead of this end has said more.
                let _ = side.position.compare_exchange(hint, self.position, Release, Relaxed);
            }
        }
    }

    /// How many slots hold a message that no reader has claimed.
    fn count_full(&self) -> usize {
        let states = (0..self.slots.count()).map(|position| self.load(position).state());
        states.filter(|state| *state == Some(SlotState::Full)).count()
    }

    /// Lets go of the slot that this end has, with this word.
    #[inline]
    fn release(&mut self, word: impl FnOnce(Generations, u64) -> SlotWord) {
        if let Some(claim) = self.held.take() {
            self.word(claim.position).store(word(self.generations, claim.generation).0, Release);
        }
    }
}

/// Whether a position comes after another; no two are half of all positions apart.
#[inline]
fn is_after(position: u64, other: u64) -> bool {
    position.wrapping_sub(other) as i64 > 0
}

/// A writing end.
#[derive(Debug)]
pub(crate) struct Writer(Cursor);

impl Writer {
    /// Goes on where the writers are.
    ///
    /// # Safety
    ///
    /// `control` leads to a flow for as long as the writer is used.
    pub(crate) unsafe fn resume(
        slots: SequencedSlots,
        control: NonNull<RingControl>,
        lease_id: u32,
    ) -> Result<Writer, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let position = unsafe { control.as_ref() }.senders.position.load(Acquire);
        let generations = Generations::new(slots.count());
        let writer = Writer(Cursor { slots, generations, control, lease_id, position, held: None });
        if writer.was_claimed(position.wrapping_sub(1))? { Ok(writer) } else { Err(Corrupt) }
    }

    /// Whether a writer has had this position.
    fn was_claimed(&self, position: u64) -> Result<bool, Corrupt> {
        Ok(match self.0.classify(self.0.load(position), position)? {
            SlotView::Ahead(_) => true,
            SlotView::Current(state) => state != SlotState::Free,
            SlotView::Previous(_) => false,
        })
    }

    /// Claims the next slot, if it is free.
    #[inline]
    pub(crate) fn claim(&mut self) -> TryResult<()> {
        if self.0.held.is_some() {
            self.skip();
        }
        let generation = self.0.generations.of(self.0.position);
        if self.0.load(self.0.position) == SlotWord::new(generation, SlotState::Free) && self.take(generation)
        {
            return Ok(Some(()));
        }
        self.advance()
    }

    /// Takes the slot at the position, unless somebody was faster.
    #[inline]
    fn take(&mut self, generation: u64) -> bool {
        let position = self.0.position;
        let (free, mine) = (
            SlotWord::new(generation, SlotState::Free),
            SlotWord::held(generation, SlotState::Writing, self.0.lease_id),
        );
        let taken = self.0.change(position, free, mine);
        if taken {
            self.0.held = Some(Claim { position, generation });
            self.0.position = position.wrapping_add(1);
            self.0.publish_hint(&self.0.control().senders);
        }
        taken
    }

    /// Looks for the position that is the next one by now.
    #[inline(never)]
    fn advance(&mut self) -> TryResult<()> {
        for step in 1..=self.0.max_steps() {
            let position = self.0.position;
            let word = self.0.load(position);
            match self.0.classify(word, position)? {
                SlotView::Ahead(further) => self.0.position = further,
                SlotView::Current(SlotState::Free)
                    if word != SlotWord::new(word.generation(), SlotState::Free) =>
                {
                    return Err(Corrupt);
                }
                SlotView::Current(SlotState::Free) => {
                    if self.take(word.generation()) {
                        return Ok(Some(()));
                    }
                    spin_loop();
                }
                SlotView::Current(_) => self.0.position = position.wrapping_add(1),
                SlotView::Previous(SlotState::Free) => return Err(Corrupt),
                SlotView::Previous(_) => return Ok(None),
            }
            if step.is_multiple_of(STEPS_PER_HINT_CHECK) {
                self.adopt_hint()?;
            }
        }
        Ok(None)
    }

    /// Goes where others say that this side is, if that is further and true.
    fn adopt_hint(&mut self) -> Result<(), Corrupt> {
        let hint = self.0.control().senders.position.load(Acquire);
        if is_after(hint, self.0.position) && self.was_claimed(hint.wrapping_sub(1))? {
            self.0.position = hint;
        }
        Ok(())
    }

    /// Where the message in the slot that was claimed is to be written.
    pub(crate) fn slot_ptr(&self) -> Option<NonNull<u8>> {
        self.0.held.map(|claim| self.0.slots.message(claim.position))
    }

    /// Writes to the slot that was claimed.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, message: &T) {
        if let Some(claim) = self.0.held {
            self.0.slots.write(claim.position, message);
        }
    }

    /// Makes a message of the slot that was claimed.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.0.release(|_, generation| SlotWord::new(generation, SlotState::Full));
    }

    /// Makes nothing of a slot that was claimed and not committed, for good: who reads goes by.
    #[cold]
    pub(crate) fn skip(&mut self) {
        self.0.release(|_, generation| SlotWord::new(generation, SlotState::Tombstone));
        self.0.control().items.notify_all();
    }

    /// Whether a slot was claimed and not committed.
    pub(crate) fn has_claim(&self) -> bool {
        self.0.held.is_some()
    }

    /// Sends a message, if there is room.
    #[inline]
    pub(crate) fn push<T: Plain>(&mut self, message: &T) -> TryResult<()> {
        if self.claim()?.is_none() {
            return Ok(None);
        }
        self.write(message);
        self.commit();
        Ok(Some(()))
    }

    /// Sends the first of these messages for which there is space, and returns their number.
    #[inline]
    pub(crate) fn push_many<T: Plain>(&mut self, messages: &[T]) -> TryResult<usize> {
        let mut sent = 0;
        for message in messages {
            match self.push(message) {
                Ok(Some(())) => sent += 1,
                Err(Corrupt) if sent == 0 => return Err(Corrupt),
                // The next call finds it again.
                Ok(None) | Err(Corrupt) => break,
            }
        }
        Ok((sent > 0).then_some(sent))
    }

    /// How many messages wait to be received, as of a moment ago. Reads all slots.
    pub(crate) fn len(&self) -> usize {
        self.0.count_full()
    }

    /// Whether there is room for somebody else.
    pub(crate) fn has_more(&self) -> bool {
        let position = self.0.position;
        self.0.load(position) == SlotWord::new(self.0.generations.of(position), SlotState::Free)
    }
}

/// A reading end.
#[derive(Debug)]
pub(crate) struct Reader {
    cursor: Cursor,
    /// Up to which burial all orphans have been looked for.
    searched: u32,
    /// The burial after which they are being looked for, and the slot where that goes on.
    search: (u32, u64),
}

impl Reader {
    /// Goes on where the readers are.
    ///
    /// # Safety
    ///
    /// `control` leads to a flow for as long as the reader is used.
    pub(crate) unsafe fn resume(
        slots: SequencedSlots,
        control: NonNull<RingControl>,
        lease_id: u32,
    ) -> Result<Reader, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let position = unsafe { control.as_ref() }.receivers.position.load(Acquire);
        let generations = Generations::new(slots.count());
        let cursor = Cursor { slots, generations, control, lease_id, position, held: None };
        let reader = Reader { cursor, searched: 0, search: (0, 0) };
        if reader.was_claimed(position.wrapping_sub(1))? { Ok(reader) } else { Err(Corrupt) }
    }

    /// Whether a reader has had this position.
    fn was_claimed(&self, position: u64) -> Result<bool, Corrupt> {
        Ok(match self.cursor.classify(self.cursor.load(position), position)? {
            SlotView::Ahead(_) => true,
            SlotView::Current(state) => matches!(state, SlotState::Reading | SlotState::Abandoned),
            SlotView::Previous(_) => false,
        })
    }

    /// Claims the next message, if it is there.
    #[inline]
    pub(crate) fn claim(&mut self) -> TryResult<()> {
        if self.cursor.held.is_some() {
            self.free_leaked();
        }
        let recovery_epoch = self.cursor.control().receivers.recovery_epoch.load(Acquire);
        if recovery_epoch != self.searched && self.claim_abandoned(recovery_epoch) {
            return Ok(Some(()));
        }
        let generation = self.cursor.generations.of(self.cursor.position);
        let full = SlotWord::new(generation, SlotState::Full);
        if self.cursor.load(self.cursor.position) == full && self.take_at(full) {
            return Ok(Some(()));
        }
        self.advance()
    }

    /// Takes the message at the position, unless somebody was faster.
    #[inline]
    fn take_at(&mut self, full: SlotWord) -> bool {
        let (position, generation) = (self.cursor.position, full.generation());
        let taken = self.cursor.change(
            position,
            full,
            SlotWord::held(generation, SlotState::Reading, self.cursor.lease_id),
        );
        if taken {
            self.cursor.held = Some(Claim { position, generation });
            self.step_past(position);
        }
        taken
    }

    #[inline]
    fn step_past(&mut self, position: u64) {
        self.cursor.position = position.wrapping_add(1);
        self.cursor.publish_hint(&self.cursor.control().receivers);
    }

    /// Looks for the position that is the next one by now.
    #[inline(never)]
    fn advance(&mut self) -> TryResult<()> {
        let mut freed = false;
        let found = self.advance_to_message(&mut freed);
        if freed {
            self.cursor.control().space.notify_all();
        }
        found
    }

    fn advance_to_message(&mut self, freed: &mut bool) -> TryResult<()> {
        for step in 1..=self.cursor.max_steps() {
            let position = self.cursor.position;
            let word = self.cursor.load(position);
            match self.cursor.classify(word, position)? {
                SlotView::Ahead(further) => self.cursor.position = further,
                SlotView::Current(SlotState::Full) => {
                    if self.take_at(word) {
                        return Ok(Some(()));
                    }
                    spin_loop();
                }
                SlotView::Current(SlotState::Tombstone) => {
                    let free =
                        SlotWord::new(self.cursor.generations.after(word.generation()), SlotState::Free);
                    if self.cursor.change(position, word, free) {
                        *freed = true;
                        self.step_past(position);
                    }
                }
                SlotView::Current(SlotState::Reading | SlotState::Abandoned) => {
                    self.cursor.position = position.wrapping_add(1);
                }
                SlotView::Current(SlotState::Free | SlotState::Writing) => return Ok(None),
                SlotView::Previous(SlotState::Reading | SlotState::Abandoned) => return Ok(None),
                SlotView::Previous(_) => return Err(Corrupt),
            }
            if step.is_multiple_of(STEPS_PER_HINT_CHECK) {
                self.adopt_hint()?;
            }
        }
        Ok(None)
    }

    /// Goes where others say that this side is, if that is further and true.
    fn adopt_hint(&mut self) -> Result<(), Corrupt> {
        let hint = self.cursor.control().receivers.position.load(Acquire);
        if is_after(hint, self.cursor.position) && self.was_claimed(hint.wrapping_sub(1))? {
            self.cursor.position = hint;
        }
        Ok(())
    }

    /// Looks through all slots, once after each burial, for a message that a dead reader had.
    #[cold]
    fn claim_abandoned(&mut self, recovery_epoch: u32) -> bool {
        if self.search.0 != recovery_epoch {
            self.search = (recovery_epoch, 0);
        }
        while self.search.1 < self.cursor.slots.count() {
            let position = self.search.1;
            self.search.1 += 1;
            let word = self.cursor.load(position);
            let generation = word.generation();
            let mine = SlotWord::held(generation, SlotState::Reading, self.cursor.lease_id);
            if word.state() == Some(SlotState::Abandoned) && self.cursor.change(position, word, mine) {
                self.cursor.held = Some(Claim { position, generation });
                return true;
            }
        }
        self.searched = recovery_epoch;
        false
    }

    /// Where the message lies that was claimed.
    pub(crate) fn slot_ptr(&self) -> Option<NonNull<u8>> {
        self.cursor.held.map(|claim| self.cursor.slots.message(claim.position))
    }

    /// Copies the message that was claimed.
    #[inline]
    pub(crate) fn read<T: Plain>(&self) -> Option<T> {
        self.cursor.held.map(|claim| self.cursor.slots.read(claim.position))
    }

    /// Makes room of the message that was claimed: nobody gets it again.
    #[inline]
    pub(crate) fn free(&mut self) {
        self.cursor
            .release(|generations, generation| SlotWord::new(generations.after(generation), SlotState::Free));
    }

    #[cold]
    fn free_leaked(&mut self) {
        self.free();
        self.cursor.control().space.notify_all();
    }

    /// Takes the next message, if it is there, and makes room of it.
    #[inline]
    pub(crate) fn pop<T: Plain>(&mut self) -> TryResult<T> {
        Ok(self.claim()?.and_then(|()| self.take()))
    }

    /// Takes the message that was claimed, and makes room of it.
    #[inline]
    pub(crate) fn take<T: Plain>(&mut self) -> Option<T> {
        let message = self.read();
        self.free();
        message
    }

    /// How many messages wait to be received, as of a moment ago. Reads all slots.
    pub(crate) fn len(&self) -> usize {
        self.cursor.count_full()
    }

    /// Whether there is a message for somebody else.
    pub(crate) fn has_more(&self) -> bool {
        let position = self.cursor.position;
        self.cursor.load(position) == SlotWord::new(self.cursor.generations.of(position), SlotState::Full)
    }
}

/// Takes all slots out of the hands of the one who had this seat, who is dead, and whose successor nobody is yet: what he
/// was writing is nothing, and what he was reading is for another.
///
/// Whoever dies while doing so leaves the rest to the next.
pub(crate) fn reclaim_dead(slots: &SequencedSlots, control: &RingControl, lease_id: u32) {
    for position in 0..slots.count() {
        let word = slots.word(position);
        let seen = SlotWord(word.load(Acquire));
        let left = match seen.state() {
            Some(SlotState::Writing) => SlotState::Tombstone,
            Some(SlotState::Reading) => SlotState::Abandoned,
            _ => continue,
        };
        if seen.lease_id() == lease_id {
            // It fails only if somebody breaks the rules.
            let _ = word.compare_exchange(seen.0, SlotWord::new(seen.generation(), left).0, AcqRel, Relaxed);
        }
    }
    control.receivers.recovery_epoch.fetch_add(1, Release);
    control.items.notify_all();
}
