//! Signal sets.

use std::fmt;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Not, Sub, SubAssign};

use super::Signal;

/// A set of signals (sigsetops(3)).
///
/// ```
/// use ipcraft::signal::{Signal, SignalSet};
///
/// const ENDS: SignalSet = SignalSet::empty().with(Signal::TERM).with(Signal::INT);
/// let more = ENDS | Signal::HUP;
/// assert!(more.contains(Signal::HUP) && !ENDS.contains(Signal::HUP));
/// assert_eq!(more - ENDS, Signal::HUP.into());
/// assert_eq!(more & !ENDS, SignalSet::from(Signal::HUP));
/// assert_eq!(more.to_string(), "{SIGHUP, SIGINT, SIGTERM}");
/// assert_eq!(Signal::TERM | Signal::INT, ENDS);
/// assert_eq!(ENDS.iter().collect::<SignalSet>(), ENDS);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[doc(alias = "sigset_t")]
pub struct SignalSet(u64);

impl SignalSet {
    /// `sigemptyset(3)`: returns the empty set.
    #[doc(alias = "sigemptyset")]
    pub const fn empty() -> SignalSet {
        SignalSet(0)
    }

    /// `sigfillset(3)`: returns the set of all 64 signals, even if a signal cannot be blocked or is
    /// reserved for the C library.
    #[doc(alias = "sigfillset")]
    pub const fn full() -> SignalSet {
        SignalSet(u64::MAX)
    }

    pub(crate) const fn from_bits(bits: u64) -> SignalSet {
        SignalSet(bits)
    }

    /// Returns the form of the kernel, in which the lowest bit is signal 1.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns this set with the signal added.
    #[must_use]
    pub const fn with(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 | bit(signal))
    }

    /// Returns this set with the signal removed.
    #[must_use]
    pub const fn without(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 & !bit(signal))
    }

    /// `sigaddset(3)`: adds the signal. Returns whether the set changed.
    #[doc(alias = "sigaddset")]
    pub const fn insert(&mut self, signal: Signal) -> bool {
        let is_new = !self.contains(signal);
        *self = self.with(signal);
        is_new
    }

    /// `sigdelset(3)`: removes the signal. Returns whether the set changed.
    #[doc(alias = "sigdelset")]
    pub const fn remove(&mut self, signal: Signal) -> bool {
        let was_present = self.contains(signal);
        *self = self.without(signal);
        was_present
    }

    /// `sigismember(3)`: returns whether the set contains the signal.
    #[doc(alias = "sigismember")]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & bit(signal) != 0
    }

    /// Returns whether this set contains every signal of `other`.
    pub const fn is_superset(self, other: SignalSet) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the number of signals.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns the signals that are in either set; also `|`.
    #[must_use]
    pub const fn union(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }

    /// Returns the signals that are in both sets; also `&`.
    #[must_use]
    pub const fn intersection(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }

    /// Returns the signals of this set that are not in the other; also `-`.
    #[must_use]
    pub const fn difference(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }

    /// Returns all signals that are not in this set; also `!`.
    #[must_use]
    pub const fn complement(self) -> SignalSet {
        SignalSet(!self.0)
    }

    /// Iterates over the signals, by number.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::all().filter(move |&signal| self.contains(signal))
    }
}

const fn bit(signal: Signal) -> u64 {
    1 << (signal.number() - 1)
}

impl From<Signal> for SignalSet {
    fn from(signal: Signal) -> Self {
        SignalSet(bit(signal))
    }
}

impl<const N: usize> From<[Signal; N]> for SignalSet {
    fn from(signals: [Signal; N]) -> Self {
        signals.into_iter().collect()
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        signals.into_iter().fold(SignalSet::empty(), SignalSet::with)
    }
}

impl Extend<Signal> for SignalSet {
    fn extend<I: IntoIterator<Item = Signal>>(&mut self, signals: I) {
        *self = signals.into_iter().fold(*self, SignalSet::with);
    }
}

impl<S: Into<SignalSet>> BitOr<S> for SignalSet {
    type Output = SignalSet;

    fn bitor(self, other: S) -> SignalSet {
        self.union(other.into())
    }
}

impl<S: Into<SignalSet>> BitOr<S> for Signal {
    type Output = SignalSet;

    fn bitor(self, other: S) -> SignalSet {
        SignalSet::from(self).union(other.into())
    }
}

impl<S: Into<SignalSet>> BitOrAssign<S> for SignalSet {
    fn bitor_assign(&mut self, other: S) {
        *self = *self | other;
    }
}

impl<S: Into<SignalSet>> BitAnd<S> for SignalSet {
    type Output = SignalSet;

    fn bitand(self, other: S) -> SignalSet {
        self.intersection(other.into())
    }
}

impl<S: Into<SignalSet>> BitAndAssign<S> for SignalSet {
    fn bitand_assign(&mut self, other: S) {
        *self = *self & other;
    }
}

impl<S: Into<SignalSet>> Sub<S> for SignalSet {
    type Output = SignalSet;

    fn sub(self, other: S) -> SignalSet {
        self.difference(other.into())
    }
}

impl<S: Into<SignalSet>> SubAssign<S> for SignalSet {
    fn sub_assign(&mut self, other: S) {
        *self = *self - other;
    }
}

impl Not for SignalSet {
    type Output = SignalSet;

    fn not(self) -> SignalSet {
        self.complement()
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_and_remove_change_one_bit() {
        let mut set = SignalSet::empty();
        for (count, signal) in Signal::all().enumerate() {
            assert_eq!(set.len(), count);
            assert!(set.insert(signal) && !set.insert(signal) && set.contains(signal));
            assert_eq!(SignalSet::from(signal).bits(), 1 << (signal.number() - 1));
        }
        assert_eq!(set, SignalSet::full());
        assert!(set.remove(Signal::KILL) && !set.remove(Signal::KILL));
        assert_eq!(!set, Signal::KILL.into());
    }

    #[test]
    fn operators_equal_the_methods() {
        let (some, other) = (Signal::INT | Signal::TERM, Signal::TERM | Signal::HUP);
        assert_eq!(some | other, SignalSet::from([Signal::HUP, Signal::INT, Signal::TERM]));
        assert_eq!(some & other, Signal::TERM.into());
        assert_eq!(some - other, Signal::INT.into());
        let mut changed = some;
        changed |= Signal::HUP;
        changed -= Signal::INT;
        assert_eq!(changed, other);
        changed &= Signal::HUP;
        changed.extend([Signal::TERM]);
        assert!(changed == other && SignalSet::full().is_superset(other) && !some.is_superset(other));
    }

    #[test]
    fn display_prints_names() {
        assert_eq!(format!("{:?}", SignalSet::empty()), "{}");
        assert_eq!((Signal::realtime(3).unwrap() | Signal::USR1).to_string(), "{SIGUSR1, SIGRTMIN+3}");
    }
}
