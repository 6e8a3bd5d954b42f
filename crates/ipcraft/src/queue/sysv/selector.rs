//! Which message to receive.

/// Which message a receiver wants, by its type.
///
/// Types make one queue serve several: a type can be the address of a consumer (its process id, for example), or a
/// priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// `msgtyp` 0: the oldest message, of whatever type.
    First,
    /// `msgtyp` > 0: the oldest message of exactly this type.
    Type(i64),
    /// `msgtyp` < 0: of the messages whose type is at most this, the oldest of the lowest type.
    UpTo(i64),
    /// `MSG_EXCEPT`: the oldest message of any type but this.
    #[doc(alias = "MSG_EXCEPT")]
    Except(i64),
}

impl Selector {
    /// The arguments of msgrcv(2), `msgtyp` and a flag; `None` if the type is one that no message has.
    #[inline]
    pub(super) fn arguments(self) -> Option<(i64, libc::c_int)> {
        match self {
            Selector::First => Some((0, 0)),
            Selector::Type(kind) if kind > 0 => Some((kind, 0)),
            Selector::UpTo(kind) if kind > 0 => Some((-kind, 0)),
            Selector::Except(kind) if kind > 0 => Some((kind, libc::MSG_EXCEPT)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_positive() {
        for none in [Selector::Type(0), Selector::UpTo(-1), Selector::UpTo(i64::MIN), Selector::Except(0)] {
            assert_eq!(none.arguments(), None, "{none:?}");
        }
        assert_eq!(Selector::UpTo(i64::MAX).arguments(), Some((-i64::MAX, 0)));
        assert_eq!(Selector::First.arguments(), Some((0, 0)));
    }
}
