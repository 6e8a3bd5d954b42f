//! Selection of the message to receive.

/// Selects the message to receive, by its type.
///
/// With types, one queue serves several receivers: a type can be the address of a consumer (for
/// example its process id) or a priority.
///
/// Exhaustive on purpose: these are all selections of msgrcv(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// `msgtyp` 0: the oldest message of any type.
    First,
    /// `msgtyp` > 0: the oldest message of exactly this type.
    Type(i64),
    /// `msgtyp` < 0: the oldest message of the lowest type that is at most this.
    UpTo(i64),
    /// `MSG_EXCEPT`: the oldest message of any other type.
    #[doc(alias = "MSG_EXCEPT")]
    Except(i64),
}

impl Selector {
    /// Returns the arguments `msgtyp` and flag of msgrcv(2); `None` for a type that no message can
    /// have.
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
    fn arguments_of_nonpositive_type_are_none() {
        for none in [Selector::Type(0), Selector::UpTo(-1), Selector::UpTo(i64::MIN), Selector::Except(0)] {
            assert_eq!(none.arguments(), None, "{none:?}");
        }
        assert_eq!(Selector::UpTo(i64::MAX).arguments(), Some((-i64::MAX, 0)));
        assert_eq!(Selector::First.arguments(), Some((0, 0)));
    }
}
