//! The word of a slot: its state, its generation, and the lease that claimed it.

/// The state of a slot. Each generation passes down this list, and the next one begins as free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum SlotState {
    /// Empty.
    Free = 0,
    /// A sender writes a message.
    Writing = 1,
    /// Contains a message.
    Full = 2,
    /// Empty for the rest of this generation.
    Tombstone = 3,
    /// A receiver reads the message.
    Reading = 4,
    /// Contains the message of a receiver that died.
    Abandoned = 5,
}

/// Below the generation are three bits of state and seven bits of a lease number.
const STATE_BITS: u32 = 3;
const GENERATION_SHIFT: u32 = 10;

/// One word. Zero is free in the first generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotWord(pub(crate) u64);

impl SlotWord {
    /// The word of a slot that is not claimed.
    #[inline]
    pub(crate) fn new(generation: u64, state: SlotState) -> SlotWord {
        SlotWord(generation << GENERATION_SHIFT | state as u64)
    }

    /// The word of a slot that is claimed.
    #[inline]
    pub(crate) fn held(generation: u64, state: SlotState, lease_id: u32) -> SlotWord {
        SlotWord(generation << GENERATION_SHIFT | u64::from(lease_id) << STATE_BITS | state as u64)
    }

    #[inline]
    pub(crate) fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }

    /// The lease that claimed the slot, if it is claimed.
    #[inline]
    pub(crate) fn lease_id(self) -> u32 {
        (self.0 >> STATE_BITS) as u32 & ((1 << (GENERATION_SHIFT - STATE_BITS)) - 1)
    }

    /// `None` if this library writes no such word.
    #[inline]
    pub(crate) fn state(self) -> Option<SlotState> {
        use SlotState::*;
        const STATES: [Option<SlotState>; 8] = [
            Some(Free),
            Some(Writing),
            Some(Full),
            Some(Tombstone),
            Some(Reading),
            Some(Abandoned),
            None,
            None,
        ];
        STATES[(self.0 & 7) as usize]
    }
}

/// The generation of a position: the number of times that positions have returned to its slot, cut
/// to the bits of a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generations {
    /// Bits of a position that select the slot.
    shift: u32,
    /// Bits of a word that a generation lacks.
    cut: u32,
}

impl Generations {
    /// For this number of slots, a power of two.
    pub(crate) fn new(slots: u64) -> Generations {
        let shift = slots.trailing_zeros();
        Generations { shift, cut: shift.max(GENERATION_SHIFT) }
    }

    /// The generation of this position.
    #[inline]
    pub(crate) fn of(self, position: u64) -> u64 {
        (position >> self.shift) << self.cut >> self.cut
    }

    /// The generation after this one.
    #[inline]
    pub(crate) fn after(self, generation: u64) -> u64 {
        (generation + 1) << self.cut >> self.cut
    }

    /// The generations by which a word is ahead of a position; negative if it is behind.
    #[inline]
    pub(crate) fn ahead(self, word: SlotWord, position: u64) -> i64 {
        (word.generation().wrapping_sub(self.of(position)) << self.cut) as i64 >> self.cut
    }

    /// The position of the same slot this number of generations later.
    #[inline]
    pub(crate) fn later(self, position: u64, generations: u64) -> u64 {
        position.wrapping_add(generations << self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        use SlotState::*;
        for generation in [0, 1, (1 << 54) - 1] {
            for state in [Free, Writing, Full, Tombstone, Reading, Abandoned] {
                for lease_id in [0, 1, 64, 127] {
                    let word = SlotWord::held(generation, state, lease_id);
                    assert_eq!(
                        (word.generation(), word.state(), word.lease_id()),
                        (generation, Some(state), lease_id)
                    );
                }
                assert_eq!(SlotWord::new(generation, state), SlotWord::held(generation, state, 0));
            }
        }
        assert_eq!(SlotWord::new(0, Free).0, 0);
        assert_eq!((SlotWord(6).state(), SlotWord(7).state()), (None, None));
    }

    #[test]
    fn generations_continue_when_positions_wrap() {
        for slots in [2, 512, 1024, 2048, 1 << 40] {
            let generations = Generations::new(slots);
            for position in [0, u64::from(u32::MAX), u64::MAX / 2, u64::MAX - slots, u64::MAX - 1, u64::MAX] {
                let next = position.wrapping_add(slots);
                assert_eq!(generations.of(next), generations.after(generations.of(position)));
                assert_eq!(generations.later(position, 1), next);
                let word = |position| SlotWord::new(generations.of(position), SlotState::Full);
                assert_eq!(generations.ahead(word(next), position), 1);
                assert_eq!(generations.ahead(word(position), position), 0);
                assert_eq!(generations.ahead(word(position), next), -1);
                assert_eq!(word(position).generation(), generations.of(position));
            }
        }
    }
}
