//! A ring with many writers and many readers, of whom each may die at any moment.
//!
//! All that counts is in the word of each slot: a step is one change of one word, and the change that makes a slot
//! somebody's says whose. So whoever dies between two steps leaves nothing half done but slots with his name on them,
//! which are [taken out of his hands](bury).
//!
//! Positions are claimed in order: one can be claimed only by who has seen that the one before it was. The positions in
//! shared memory are hints, at which newcomers begin and latecomers catch up; each end walks on from where it was last. So
//! in a stream the lines with the positions seldom change hands, and nobody has to repair them.

#![allow(unsafe_code)]

use std::hint::spin_loop;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::word::{Laps, State, Word};
use crate::channel::atomic::AtomicU64;
use crate::channel::end::{Attempt, Corrupt};
use crate::channel::flow::{Flow, Side};
use crate::channel::slots::Slots;
use crate::shm::Plain;

/// After how many positions somebody says for the others how far they are.
const MILESTONE: u64 = 32;

/// How many positions an end walks before it looks whether others say that they are further.
const WALK: u64 = 8;

/// How often an end bears that others are faster.
const PERSISTENCE: u64 = 1000;

/// What all ends do alike.
#[derive(Debug)]
struct Walker {
    slots: Slots,
    laps: Laps,
    flow: NonNull<Flow>,
    /// The seat of this end.
    seat: u32,
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
    lap: u64,
}

// SAFETY: because the memory that `slots` and `flow` lead to is not bound to a thread.
unsafe impl Send for Walker {}

/// What a word means to who walks by.
enum Sight {
    /// Somebody had this position: go on to this one.
    GoOn(u64),
    /// It is up to the state, in the lap of the position.
    Now(State),
    /// So it is in the lap before.
    Before(State),
}

impl Walker {
    #[inline]
    fn flow(&self) -> &Flow {
        // SAFETY: because the constructors of the ends were promised that it stays.
        unsafe { self.flow.as_ref() }
    }

    #[inline]
    fn word(&self, position: u64) -> &AtomicU64 {
        self.slots.word(position)
    }

    #[inline]
    fn load(&self, position: u64) -> Word {
        Word(self.word(position).load(Acquire))
    }

    /// Changes a word, if it is as it was seen.
    #[inline]
    fn change(&self, position: u64, from: Word, to: Word) -> bool {
        self.word(position).compare_exchange(from.0, to.0, AcqRel, Relaxed).is_ok()
    }

    /// What the word of this position says.
    #[inline]
    fn sight(&self, word: Word, position: u64) -> Result<Sight, Corrupt> {
        let state = word.state().ok_or(Corrupt)?;
        match self.laps.ahead(word, position) {
            0 => Ok(Sight::Now(state)),
            -1 => Ok(Sight::Before(state)),
            // In order to have come that far, the slot was somebody's in the lap before its own.
            ahead @ 1.. => Ok(Sight::GoOn(self.laps.later(position, ahead as u64 - 1).wrapping_add(1))),
            _ => Err(Corrupt),
        }
    }

    /// More steps than it takes to come round, however often others are faster. Who has taken so many is being fooled.
    fn longest_walk(&self) -> u64 {
        2 * self.slots.count() + PERSISTENCE
    }

    /// Says how far this side is, once in a while. Never less than somebody has said already.
    #[inline]
    fn tell(&self, side: &Side) {
        if self.position.is_multiple_of(MILESTONE) {
            let told = side.position.load(Relaxed);
            if is_after(self.position, told) {
                // Who is ahead of this end has said more.
                let _ = side.position.compare_exchange(told, self.position, Release, Relaxed);
            }
        }
    }

    /// Lets go of the slot that this end has, with this word.
    #[inline]
    fn release(&mut self, word: impl FnOnce(Laps, u64) -> Word) {
        if let Some(claim) = self.held.take() {
            self.word(claim.position).store(word(self.laps, claim.lap).0, Release);
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
pub(super) struct Writer(Walker);

impl Writer {
    /// Goes on where the writers are.
    ///
    /// # Safety
    ///
    /// `flow` leads to a flow for as long as the writer is used.
    pub(super) unsafe fn resume(slots: Slots, flow: NonNull<Flow>, seat: u32) -> Result<Writer, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let position = unsafe { flow.as_ref() }.senders.position.load(Acquire);
        let laps = Laps::new(slots.count());
        let writer = Writer(Walker { slots, laps, flow, seat, position, held: None });
        if writer.was_claimed(position.wrapping_sub(1))? { Ok(writer) } else { Err(Corrupt) }
    }

    /// Whether a writer has had this position.
    fn was_claimed(&self, position: u64) -> Result<bool, Corrupt> {
        Ok(match self.0.sight(self.0.load(position), position)? {
            Sight::GoOn(_) => true,
            Sight::Now(state) => state != State::Free,
            Sight::Before(_) => false,
        })
    }

    /// Claims the next slot, if it is free.
    #[inline]
    pub(super) fn claim(&mut self) -> Attempt<()> {
        if self.0.held.is_some() {
            self.skip();
        }
        let lap = self.0.laps.of(self.0.position);
        if self.0.load(self.0.position) == Word::new(lap, State::Free) && self.take(lap) {
            return Ok(Some(()));
        }
        self.walk()
    }

    /// Takes the slot at the position, unless somebody was faster.
    #[inline]
    fn take(&mut self, lap: u64) -> bool {
        let position = self.0.position;
        let (free, mine) = (Word::new(lap, State::Free), Word::held(lap, State::Writing, self.0.seat));
        let taken = self.0.change(position, free, mine);
        if taken {
            self.0.held = Some(Claim { position, lap });
            self.0.position = position.wrapping_add(1);
            self.0.tell(&self.0.flow().senders);
        }
        taken
    }

    /// Looks for the position that is the next one by now.
    #[inline(never)]
    fn walk(&mut self) -> Attempt<()> {
        for step in 1..=self.0.longest_walk() {
            let position = self.0.position;
            let word = self.0.load(position);
            match self.0.sight(word, position)? {
                Sight::GoOn(further) => self.0.position = further,
                Sight::Now(State::Free) if word != Word::new(word.lap(), State::Free) => return Err(Corrupt),
                Sight::Now(State::Free) => {
                    if self.take(word.lap()) {
                        return Ok(Some(()));
                    }
                    spin_loop();
                }
                Sight::Now(_) => self.0.position = position.wrapping_add(1),
                Sight::Before(State::Free) => return Err(Corrupt),
                Sight::Before(_) => return Ok(None),
            }
            if step.is_multiple_of(WALK) {
                self.catch_up()?;
            }
        }
        Ok(None)
    }

    /// Goes where others say that this side is, if that is further and true.
    fn catch_up(&mut self) -> Result<(), Corrupt> {
        let told = self.0.flow().senders.position.load(Acquire);
        if is_after(told, self.0.position) && self.was_claimed(told.wrapping_sub(1))? {
            self.0.position = told;
        }
        Ok(())
    }

    /// Where the message in the slot that was claimed is to be written.
    pub(super) fn place(&self) -> Option<NonNull<u8>> {
        self.0.held.map(|claim| self.0.slots.message(claim.position))
    }

    /// How many bytes a message has.
    pub(super) fn size(&self) -> usize {
        self.0.slots.size()
    }

    /// Writes to the slot that was claimed.
    #[inline]
    pub(super) fn write<T: Plain>(&self, message: &T) {
        if let Some(claim) = self.0.held {
            self.0.slots.write(claim.position, message);
        }
    }

    /// Makes a message of the slot that was claimed.
    #[inline]
    pub(super) fn commit(&mut self) {
        self.0.release(|_, lap| Word::new(lap, State::Full));
    }

    /// Makes nothing of a slot that was claimed and not committed, for good: who reads goes by.
    #[cold]
    pub(super) fn skip(&mut self) {
        self.0.release(|_, lap| Word::new(lap, State::Skipped));
        self.0.flow().items.ring_for_all();
    }

    /// Whether a slot was claimed and not committed.
    pub(super) fn has_claim(&self) -> bool {
        self.0.held.is_some()
    }

    /// Sends a message, if there is room.
    #[inline]
    pub(super) fn push<T: Plain>(&mut self, message: &T) -> Attempt<()> {
        if self.claim()?.is_none() {
            return Ok(None);
        }
        self.write(message);
        self.commit();
        Ok(Some(()))
    }

    /// Whether there is room for somebody else.
    pub(super) fn has_more(&self) -> bool {
        let position = self.0.position;
        self.0.load(position) == Word::new(self.0.laps.of(position), State::Free)
    }
}

/// A reading end.
#[derive(Debug)]
pub(super) struct Reader {
    walker: Walker,
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
    /// `flow` leads to a flow for as long as the reader is used.
    pub(super) unsafe fn resume(slots: Slots, flow: NonNull<Flow>, seat: u32) -> Result<Reader, Corrupt> {
        // SAFETY: because the caller vouches for it.
        let position = unsafe { flow.as_ref() }.receivers.position.load(Acquire);
        let laps = Laps::new(slots.count());
        let walker = Walker { slots, laps, flow, seat, position, held: None };
        let reader = Reader { walker, searched: 0, search: (0, 0) };
        if reader.was_claimed(position.wrapping_sub(1))? { Ok(reader) } else { Err(Corrupt) }
    }

    /// Whether a reader has had this position.
    fn was_claimed(&self, position: u64) -> Result<bool, Corrupt> {
        Ok(match self.walker.sight(self.walker.load(position), position)? {
            Sight::GoOn(_) => true,
            Sight::Now(state) => matches!(state, State::Reading | State::Orphaned),
            Sight::Before(_) => false,
        })
    }

    /// Claims the next message, if it is there.
    #[inline]
    pub(super) fn claim(&mut self) -> Attempt<()> {
        if self.walker.held.is_some() {
            self.free_forgotten();
        }
        let burials = self.walker.flow().receivers.burials.load(Acquire);
        if burials != self.searched && self.claim_orphan(burials) {
            return Ok(Some(()));
        }
        let lap = self.walker.laps.of(self.walker.position);
        let full = Word::new(lap, State::Full);
        if self.walker.load(self.walker.position) == full && self.take_at(full) {
            return Ok(Some(()));
        }
        self.walk()
    }

    /// Takes the message at the position, unless somebody was faster.
    #[inline]
    fn take_at(&mut self, full: Word) -> bool {
        let (position, lap) = (self.walker.position, full.lap());
        let taken = self.walker.change(position, full, Word::held(lap, State::Reading, self.walker.seat));
        if taken {
            self.walker.held = Some(Claim { position, lap });
            self.go_by(position);
        }
        taken
    }

    #[inline]
    fn go_by(&mut self, position: u64) {
        self.walker.position = position.wrapping_add(1);
        self.walker.tell(&self.walker.flow().receivers);
    }

    /// Looks for the position that is the next one by now.
    #[inline(never)]
    fn walk(&mut self) -> Attempt<()> {
        let mut freed = false;
        let found = self.walk_by(&mut freed);
        if freed {
            self.walker.flow().room.ring_for_all();
        }
        found
    }

    fn walk_by(&mut self, freed: &mut bool) -> Attempt<()> {
        for step in 1..=self.walker.longest_walk() {
            let position = self.walker.position;
            let word = self.walker.load(position);
            match self.walker.sight(word, position)? {
                Sight::GoOn(further) => self.walker.position = further,
                Sight::Now(State::Full) => {
                    if self.take_at(word) {
                        return Ok(Some(()));
                    }
                    spin_loop();
                }
                Sight::Now(State::Skipped) => {
                    let free = Word::new(self.walker.laps.after(word.lap()), State::Free);
                    if self.walker.change(position, word, free) {
                        *freed = true;
                        self.go_by(position);
                    }
                }
                Sight::Now(State::Reading | State::Orphaned) => {
                    self.walker.position = position.wrapping_add(1);
                }
                Sight::Now(State::Free | State::Writing) => return Ok(None),
                Sight::Before(State::Reading | State::Orphaned) => return Ok(None),
                Sight::Before(_) => return Err(Corrupt),
            }
            if step.is_multiple_of(WALK) {
                self.catch_up()?;
            }
        }
        Ok(None)
    }

    /// Goes where others say that this side is, if that is further and true.
    fn catch_up(&mut self) -> Result<(), Corrupt> {
        let told = self.walker.flow().receivers.position.load(Acquire);
        if is_after(told, self.walker.position) && self.was_claimed(told.wrapping_sub(1))? {
            self.walker.position = told;
        }
        Ok(())
    }

    /// Looks through all slots, once after each burial, for a message that a dead reader had.
    #[cold]
    fn claim_orphan(&mut self, burials: u32) -> bool {
        if self.search.0 != burials {
            self.search = (burials, 0);
        }
        while self.search.1 < self.walker.slots.count() {
            let position = self.search.1;
            self.search.1 += 1;
            let word = self.walker.load(position);
            let lap = word.lap();
            let mine = Word::held(lap, State::Reading, self.walker.seat);
            if word.state() == Some(State::Orphaned) && self.walker.change(position, word, mine) {
                self.walker.held = Some(Claim { position, lap });
                return true;
            }
        }
        self.searched = burials;
        false
    }

    /// Where the message lies that was claimed.
    pub(super) fn place(&self) -> Option<NonNull<u8>> {
        self.walker.held.map(|claim| self.walker.slots.message(claim.position))
    }

    /// How many bytes a message has.
    pub(super) fn size(&self) -> usize {
        self.walker.slots.size()
    }

    /// Copies the message that was claimed.
    #[inline]
    pub(super) fn read<T: Plain>(&self) -> Option<T> {
        self.walker.held.map(|claim| self.walker.slots.read(claim.position))
    }

    /// Makes room of the message that was claimed: nobody gets it again.
    #[inline]
    pub(super) fn free(&mut self) {
        self.walker.release(|laps, lap| Word::new(laps.after(lap), State::Free));
    }

    #[cold]
    fn free_forgotten(&mut self) {
        self.free();
        self.walker.flow().room.ring_for_all();
    }

    /// Takes the next message, if it is there, and makes room of it.
    #[inline]
    pub(super) fn pop<T: Plain>(&mut self) -> Attempt<T> {
        Ok(self.claim()?.and_then(|()| self.take()))
    }

    /// Takes the message that was claimed, and makes room of it.
    #[inline]
    pub(super) fn take<T: Plain>(&mut self) -> Option<T> {
        let message = self.read();
        self.free();
        message
    }

    /// Whether there is a message for somebody else.
    pub(super) fn has_more(&self) -> bool {
        let position = self.walker.position;
        self.walker.load(position) == Word::new(self.walker.laps.of(position), State::Full)
    }
}

/// Takes all slots out of the hands of the one who had this seat, who is dead, and whose successor nobody is yet: what he
/// was writing is nothing, and what he was reading is for another.
///
/// Whoever dies while doing so leaves the rest to the next.
pub(super) fn bury(slots: &Slots, flow: &Flow, seat: u32) {
    for position in 0..slots.count() {
        let word = slots.word(position);
        let seen = Word(word.load(Acquire));
        let left = match seen.state() {
            Some(State::Writing) => State::Skipped,
            Some(State::Reading) => State::Orphaned,
            _ => continue,
        };
        if seen.seat() == seat {
            // It fails only if somebody breaks the rules.
            let _ = word.compare_exchange(seen.0, Word::new(seen.lap(), left).0, AcqRel, Relaxed);
        }
    }
    flow.receivers.burials.fetch_add(1, Release);
    flow.items.ring_for_all();
}
