//! The word of a slot: what is in the slot, in which lap, and in whose hands.

/// What is in a slot. In each lap it goes down this list, and then begins the next lap as free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum State {
    /// Nothing yet.
    Free = 0,
    /// What a sender writes.
    Writing = 1,
    /// A message.
    Full = 2,
    /// Nothing, and there will be nothing in this lap.
    Skipped = 3,
    /// What a receiver reads.
    Reading = 4,
    /// A message that a receiver had who died.
    Orphaned = 5,
}

/// Below the lap are three bits of state and seven of a seat.
const STATE_BITS: u32 = 3;
const LAP_SHIFT: u32 = 10;

/// One word. Zero is free in the first lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    /// The word of a slot that nobody has in his hands.
    #[inline]
    pub(super) fn new(lap: u64, state: State) -> Word {
        Word(lap << LAP_SHIFT | state as u64)
    }

    /// The word of a slot that somebody has in his hands.
    #[inline]
    pub(super) fn held(lap: u64, state: State, seat: u32) -> Word {
        Word(lap << LAP_SHIFT | u64::from(seat) << STATE_BITS | state as u64)
    }

    #[inline]
    pub(super) fn lap(self) -> u64 {
        self.0 >> LAP_SHIFT
    }

    /// Who has the slot, where somebody does.
    #[inline]
    pub(super) fn seat(self) -> u32 {
        (self.0 >> STATE_BITS) as u32 & ((1 << (LAP_SHIFT - STATE_BITS)) - 1)
    }

    /// `None` if it is no word that this library writes.
    #[inline]
    pub(super) fn state(self) -> Option<State> {
        use State::*;
        const STATES: [Option<State>; 8] =
            [Some(Free), Some(Writing), Some(Full), Some(Skipped), Some(Reading), Some(Orphaned), None, None];
        STATES[(self.0 & 7) as usize]
    }
}

/// How positions are counted in laps: one for each time that a position comes round to the same slot. What does not fit
/// into a word is cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Laps {
    /// How many bits of a position say which slot.
    shift: u32,
    /// How many bits less than a word a lap has.
    cut: u32,
}

impl Laps {
    /// For so many slots, a power of two.
    pub(super) fn new(slots: u64) -> Laps {
        let shift = slots.trailing_zeros();
        Laps { shift, cut: shift.max(LAP_SHIFT) }
    }

    /// The lap of this position.
    #[inline]
    pub(super) fn of(self, position: u64) -> u64 {
        (position >> self.shift) << self.cut >> self.cut
    }

    /// The lap after this one.
    #[inline]
    pub(super) fn after(self, lap: u64) -> u64 {
        (lap + 1) << self.cut >> self.cut
    }

    /// How many laps a word is ahead of a position; negative if it is behind.
    #[inline]
    pub(super) fn ahead(self, word: Word, position: u64) -> i64 {
        (word.lap().wrapping_sub(self.of(position)) << self.cut) as i64 >> self.cut
    }

    /// So many laps after this position, in the same slot.
    #[inline]
    pub(super) fn later(self, position: u64, laps: u64) -> u64 {
        position.wrapping_add(laps << self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_was_put_into_them() {
        use State::*;
        for lap in [0, 1, (1 << 54) - 1] {
            for state in [Free, Writing, Full, Skipped, Reading, Orphaned] {
                for seat in [0, 1, 64, 127] {
                    let word = Word::held(lap, state, seat);
                    assert_eq!((word.lap(), word.state(), word.seat()), (lap, Some(state), seat));
                }
                assert_eq!(Word::new(lap, state), Word::held(lap, state, 0));
            }
        }
        assert_eq!(Word::new(0, Free).0, 0);
        assert_eq!((Word(6).state(), Word(7).state()), (None, None));
    }

    #[test]
    fn laps_go_on_where_positions_wrap() {
        for slots in [2, 512, 1024, 2048, 1 << 40] {
            let laps = Laps::new(slots);
            for position in [0, u64::from(u32::MAX), u64::MAX / 2, u64::MAX - slots, u64::MAX - 1, u64::MAX] {
                let next = position.wrapping_add(slots);
                assert_eq!(laps.of(next), laps.after(laps.of(position)));
                assert_eq!(laps.later(position, 1), next);
                let word = |position| Word::new(laps.of(position), State::Full);
                assert_eq!(laps.ahead(word(next), position), 1);
                assert_eq!(laps.ahead(word(position), position), 0);
                assert_eq!(laps.ahead(word(position), next), -1);
                assert_eq!(word(position).lap(), laps.of(position));
            }
        }
    }
}
