//! A ring with many writers and many readers, any of which may die at any moment.
//!
//! The state is in the word of each slot, and each step changes one word. The word that claims a
//! slot records the claimant. So a death between two steps leaves at most claimed slots, which
//! [recovery](reclaim_dead) reclaims.
//!
//! Positions are claimed in order: an endpoint claims a position only after it has seen the
//! previous one claimed. The positions in shared memory are hints, from which new and lagging
//! endpoints start. Each endpoint otherwise advances its own cursor. So the cache lines with the
//! hints are rarely transferred, and the hints need no recovery.

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

/// The part that readers and writers share.
#[derive(Debug)]
struct Cursor {
    slots: SequencedSlots,
    generations: Generations,
    control: NonNull<RingControl>,
    /// The lease of this endpoint.
    lease_id: u32,
    /// The next position to examine. All positions before it were claimed by this side.
    position: u64,
    /// The slot that this endpoint has claimed.
    held: Option<Claim>,
}

/// A slot that an endpoint has claimed.
#[derive(Clone, Copy, Debug)]
struct Claim {
    /// A position of the slot.
    position: u64,
    generation: u64,
}

// SAFETY: because the memory behind `slots` and `control` may be accessed by any thread.
unsafe impl Send for Cursor {}

/// The meaning of a slot's word at a cursor.
enum SlotView {
    /// This position was claimed; the next one to examine is this.
    Ahead(u64),
    /// The slot has this state in the generation of the position.
    Current(SlotState),
    /// The slot has this state in the previous generation.
    Previous(SlotState),
}

impl Cursor {
    #[inline]
    fn control(&self) -> &RingControl {
        // SAFETY: because the callers of `resume` promised that it stays mapped.
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

    /// Changes a word if it still has the loaded value.
    #[inline]
    fn change(&self, position: u64, from: SlotWord, to: SlotWord) -> bool {
        self.word(position).compare_exchange(from.0, to.0, AcqRel, Relaxed).is_ok()
    }

    /// Classifies the word of this position.
    #[inline]
    fn classify(&self, word: SlotWord, position: u64) -> Result<SlotView, Corrupt> {
        let state = word.state().ok_or(Corrupt)?;
        match self.generations.ahead(word, position) {
            0 => Ok(SlotView::Current(state)),
            -1 => Ok(SlotView::Previous(state)),
            // To reach that generation, the slot was claimed in the one before it.
            ahead @ 1.. => {
                Ok(SlotView::Ahead(self.generations.later(position, ahead as u64 - 1).wrapping_add(1)))
            }
            _ => Err(Corrupt),
        }
    }

    /// More steps than one pass over the ring takes, lost races included. More can only mean
    /// corruption.
    fn max_steps(&self) -> u64 {
        2 * self.slots.count() + MAX_RETRIES
    }

    /// Publishes the position of this side at intervals. The hint never decreases.
    #[inline]
    fn publish_hint(&self, side: &SideState) {
        if self.position.is_multiple_of(HINT_INTERVAL) {
            let hint = side.position.load(Relaxed);
            if is_after(self.position, hint) {
                // Fails if an endpoint that is further ahead has published.
                let _ = side.position.compare_exchange(hint, self.position, Release, Relaxed);
            }
        }
    }

    /// The number of slots in this state.
    fn count(&self, state: SlotState) -> usize {
        (0..self.slots.count()).filter(|position| self.load(*position).state() == Some(state)).count()
    }

    /// The lease that holds the slot at the cursor, as a writer or as a reader.
    fn holder(&self) -> Option<u32> {
        let word = self.load(self.position);
        matches!(word.state(), Some(SlotState::Writing | SlotState::Reading)).then(|| word.lease_id())
    }

    /// Releases the claimed slot with this word.
    #[inline]
    fn release(&mut self, word: impl FnOnce(Generations, u64) -> SlotWord) {
        if let Some(claim) = self.held.take() {
            self.word(claim.position).store(word(self.generations, claim.generation).0, Release);
        }
    }
}

/// Whether a position comes after another. Positions never differ by half of their range.
#[inline]
fn is_after(position: u64, other: u64) -> bool {
    position.wrapping_sub(other) as i64 > 0
}

/// A writing endpoint's view of the ring.
#[derive(Debug)]
pub(crate) struct Writer(Cursor);

impl Writer {
    /// Starts at the writers' hint.
    ///
    /// # Safety
    ///
    /// `control` points to a ring control that stays mapped while the writer is used.
    pub(crate) unsafe fn resume(
        slots: SequencedSlots,
        control: NonNull<RingControl>,
        lease_id: u32,
    ) -> Result<Writer, Corrupt> {
        // SAFETY: because the caller promised that it stays mapped.
        let position = unsafe { control.as_ref() }.senders.position.load(Acquire);
        let generations = Generations::new(slots.count());
        let writer = Writer(Cursor { slots, generations, control, lease_id, position, held: None });
        if writer.was_claimed(position.wrapping_sub(1))? { Ok(writer) } else { Err(Corrupt) }
    }

    /// Whether a writer has claimed this position.
    fn was_claimed(&self, position: u64) -> Result<bool, Corrupt> {
        Ok(match self.0.classify(self.0.load(position), position)? {
            SlotView::Ahead(_) => true,
            SlotView::Current(state) => state != SlotState::Free,
            SlotView::Previous(_) => false,
        })
    }

    /// Claims the next slot if it is free.
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

    /// Claims the free slot at the cursor, unless another writer was faster.
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

    /// Advances the cursor to the next unclaimed position, and claims it.
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

    /// Moves the cursor to the hint, if that is further and the position before it was claimed.
    fn adopt_hint(&mut self) -> Result<(), Corrupt> {
        let hint = self.0.control().senders.position.load(Acquire);
        if is_after(hint, self.0.position) && self.was_claimed(hint.wrapping_sub(1))? {
            self.0.position = hint;
        }
        Ok(())
    }

    /// The address for the message in the claimed slot.
    pub(crate) fn slot_ptr(&self) -> Option<NonNull<u8>> {
        self.0.held.map(|claim| self.0.slots.message(claim.position))
    }

    /// Writes to the claimed slot.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, message: &T) {
        if let Some(claim) = self.0.held {
            self.0.slots.write(claim.position, message);
        }
    }

    /// Publishes the claimed slot as a message.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.0.release(|_, generation| SlotWord::new(generation, SlotState::Full));
    }

    /// Turns a claimed slot into a tombstone, which readers skip.
    #[cold]
    pub(crate) fn skip(&mut self) {
        self.0.release(|_, generation| SlotWord::new(generation, SlotState::Tombstone));
        self.0.control().items.notify_all();
    }

    /// Whether a slot is claimed and not committed.
    pub(crate) fn has_claim(&self) -> bool {
        self.0.held.is_some()
    }

    /// Sends a message if there is room.
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
                // The next call finds the same state.
                Ok(None) | Err(Corrupt) => break,
            }
        }
        Ok((sent > 0).then_some(sent))
    }

    /// The number of unclaimed messages; possibly stale. Reads all slots.
    pub(crate) fn len(&self) -> usize {
        self.0.count(SlotState::Full)
    }

    /// The lease that holds the slot at which this writer stopped.
    pub(crate) fn holder(&self) -> Option<u32> {
        self.0.holder()
    }

    /// Whether there is room for another writer.
    pub(crate) fn has_more(&self) -> bool {
        let position = self.0.position;
        self.0.load(position) == SlotWord::new(self.0.generations.of(position), SlotState::Free)
    }
}

/// A reading endpoint's view of the ring.
#[derive(Debug)]
pub(crate) struct Reader {
    cursor: Cursor,
    /// The last recovery after which all slots were searched for abandoned messages.
    searched: u32,
    /// The recovery of the search in progress, and the slot at which it continues.
    search: (u32, u64),
}

impl Reader {
    /// Starts at the readers' hint.
    ///
    /// # Safety
    ///
    /// `control` points to a ring control that stays mapped while the reader is used.
    pub(crate) unsafe fn resume(
        slots: SequencedSlots,
        control: NonNull<RingControl>,
        lease_id: u32,
    ) -> Result<Reader, Corrupt> {
        // SAFETY: because the caller promised that it stays mapped.
        let position = unsafe { control.as_ref() }.receivers.position.load(Acquire);
        let generations = Generations::new(slots.count());
        let cursor = Cursor { slots, generations, control, lease_id, position, held: None };
        let reader = Reader { cursor, searched: 0, search: (0, 0) };
        if reader.was_claimed(position.wrapping_sub(1))? { Ok(reader) } else { Err(Corrupt) }
    }

    /// Whether a reader has claimed this position.
    fn was_claimed(&self, position: u64) -> Result<bool, Corrupt> {
        Ok(match self.cursor.classify(self.cursor.load(position), position)? {
            SlotView::Ahead(_) => true,
            SlotView::Current(state) => matches!(state, SlotState::Reading | SlotState::Abandoned),
            SlotView::Previous(_) => false,
        })
    }

    /// Claims the next message if there is one.
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

    /// Claims the message at the cursor, unless another reader was faster.
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

    /// Advances the cursor to the next unclaimed position, and claims it.
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

    /// Moves the cursor to the hint, if that is further and the position before it was claimed.
    fn adopt_hint(&mut self) -> Result<(), Corrupt> {
        let hint = self.cursor.control().receivers.position.load(Acquire);
        if is_after(hint, self.cursor.position) && self.was_claimed(hint.wrapping_sub(1))? {
            self.cursor.position = hint;
        }
        Ok(())
    }

    /// Searches all slots once per recovery for a message that a dead reader had claimed.
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

    /// The address of the claimed message.
    pub(crate) fn slot_ptr(&self) -> Option<NonNull<u8>> {
        self.cursor.held.map(|claim| self.cursor.slots.message(claim.position))
    }

    /// Copies the claimed message.
    #[inline]
    pub(crate) fn read<T: Plain>(&self) -> Option<T> {
        self.cursor.held.map(|claim| self.cursor.slots.read(claim.position))
    }

    /// Frees the slot of the claimed message, which no reader receives again.
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

    /// Takes the next message if there is one, and frees its slot.
    #[inline]
    pub(crate) fn pop<T: Plain>(&mut self) -> TryResult<T> {
        Ok(self.claim()?.and_then(|()| self.take()))
    }

    /// Takes the claimed message, and frees its slot.
    #[inline]
    pub(crate) fn take<T: Plain>(&mut self) -> Option<T> {
        let message = self.read();
        self.free();
        message
    }

    /// The number of unclaimed messages; possibly stale. Reads all slots.
    pub(crate) fn len(&self) -> usize {
        self.cursor.count(SlotState::Full)
    }

    /// The number of messages from the cursor to the first that is missing or incomplete, and of
    /// messages that dead readers had claimed.
    pub(crate) fn backlog(&self) -> Result<u64, Corrupt> {
        let (mut position, mut count) = (self.cursor.position, 0);
        if self.cursor.control().receivers.recovery_epoch.load(Acquire) != self.searched {
            count = self.cursor.count(SlotState::Abandoned) as u64;
        }
        for _ in 0..self.cursor.max_steps() {
            position = match self.cursor.classify(self.cursor.load(position), position)? {
                SlotView::Ahead(further) => further,
                SlotView::Current(SlotState::Free | SlotState::Writing) | SlotView::Previous(_) => break,
                SlotView::Current(state) => {
                    count += u64::from(state == SlotState::Full);
                    position.wrapping_add(1)
                }
            };
        }
        Ok(count)
    }

    /// The lease that holds the slot at which this reader stopped.
    pub(crate) fn holder(&self) -> Option<u32> {
        self.cursor.holder()
    }

    /// Whether there is a message for another reader.
    pub(crate) fn has_more(&self) -> bool {
        let position = self.cursor.position;
        self.cursor.load(position) == SlotWord::new(self.cursor.generations.of(position), SlotState::Full)
    }
}

/// Reclaims all slots that a dead endpoint claimed under this lease: an unfinished message becomes
/// a tombstone, and a message that was being read is abandoned to another reader.
///
/// The caller holds the lease. If it dies during recovery, the next one continues.
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
            // Fails only if a peer corrupts the slots.
            let _ = word.compare_exchange(seen.0, SlotWord::new(seen.generation(), left).0, AcqRel, Relaxed);
        }
    }
    control.receivers.recovery_epoch.fetch_add(1, Release);
    control.items.notify_all();
}
