//! Seals: operations that a memfd permanently forbids.

use std::fmt;
use std::ops::BitOr;

/// `F_SEAL_…`: operations that no process can perform on a memfd any more, through any descriptor
/// (fcntl(2)). A seal cannot be removed.
///
/// ```
/// use ipcraft::shm::memfd::Seals;
///
/// let seals = Seals::SHRINK | Seals::GROW;
/// assert!(seals.contains(Seals::SHRINK));
/// assert_eq!(Seals::REQUIRED.without(seals), Seals::SEAL);
/// assert_eq!(format!("{seals:?}"), "F_SEAL_SHRINK | F_SEAL_GROW");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Seals(libc::c_int);

const NAMES: [(Seals, &str); 6] = [
    (Seals::SEAL, "F_SEAL_SEAL"),
    (Seals::SHRINK, "F_SEAL_SHRINK"),
    (Seals::GROW, "F_SEAL_GROW"),
    (Seals::WRITE, "F_SEAL_WRITE"),
    (Seals::FUTURE_WRITE, "F_SEAL_FUTURE_WRITE"),
    (Seals::EXECUTE, "F_SEAL_EXEC"),
];

impl Seals {
    /// No seals.
    pub const NONE: Seals = Seals(0);
    /// `F_SEAL_SEAL`: forbids adding seals.
    #[doc(alias = "F_SEAL_SEAL")]
    pub const SEAL: Seals = Seals(libc::F_SEAL_SEAL);
    /// `F_SEAL_SHRINK`: forbids shrinking, after which an access to a mapping would raise `SIGBUS`.
    #[doc(alias = "F_SEAL_SHRINK")]
    pub const SHRINK: Seals = Seals(libc::F_SEAL_SHRINK);
    /// `F_SEAL_GROW`: forbids growing.
    #[doc(alias = "F_SEAL_GROW")]
    pub const GROW: Seals = Seals(libc::F_SEAL_GROW);
    /// `F_SEAL_WRITE`: forbids writing. Cannot be added while any process maps it for writing.
    #[doc(alias = "F_SEAL_WRITE")]
    pub const WRITE: Seals = Seals(libc::F_SEAL_WRITE);
    /// `F_SEAL_FUTURE_WRITE`: forbids writing, except through mappings that already exist.
    #[doc(alias = "F_SEAL_FUTURE_WRITE")]
    pub const FUTURE_WRITE: Seals = Seals(libc::F_SEAL_FUTURE_WRITE);
    /// `F_SEAL_EXEC`: forbids making it executable (Linux 6.3).
    #[doc(alias = "F_SEAL_EXEC")]
    pub const EXECUTE: Seals = Seals(libc::F_SEAL_EXEC);
    /// The seals that a received memfd must carry: they fix its size and its set of seals.
    pub const REQUIRED: Seals = Seals(libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW);

    pub(super) const fn from_bits(bits: libc::c_int) -> Seals {
        Seals(bits)
    }

    pub(super) const fn bits(self) -> libc::c_int {
        self.0
    }

    /// Returns whether all of `seals` are in this set.
    pub const fn contains(self, seals: Seals) -> bool {
        self.0 & seals.0 == seals.0
    }

    /// Returns this set without `seals`.
    #[must_use]
    pub const fn without(self, seals: Seals) -> Seals {
        Seals(self.0 & !seals.0)
    }

    /// Returns the names of the seals in this set.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(seal, _)| self.contains(*seal)).map(|(_, name)| name)
    }
}

/// The union of both sets.
impl BitOr for Seals {
    type Output = Seals;

    fn bitor(self, other: Seals) -> Seals {
        Seals(self.0 | other.0)
    }
}

/// Formats as in the manual: `F_SEAL_SHRINK | F_SEAL_GROW`.
impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" | "))
    }
}
