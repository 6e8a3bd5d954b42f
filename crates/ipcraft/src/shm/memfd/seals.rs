//! What a memfd can be forbidden for good.

use std::fmt;
use std::ops::BitOr;

/// `F_SEAL_…`: what can no longer be done to a memfd, by anybody, through any descriptor (fcntl(2)). A seal cannot be
/// broken.
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
    /// None.
    pub const NONE: Seals = Seals(0);
    /// `F_SEAL_SEAL`: adding seals.
    #[doc(alias = "F_SEAL_SEAL")]
    pub const SEAL: Seals = Seals(libc::F_SEAL_SEAL);
    /// `F_SEAL_SHRINK`: making it smaller, after which an access to a mapping would be `SIGBUS`.
    #[doc(alias = "F_SEAL_SHRINK")]
    pub const SHRINK: Seals = Seals(libc::F_SEAL_SHRINK);
    /// `F_SEAL_GROW`: making it larger.
    #[doc(alias = "F_SEAL_GROW")]
    pub const GROW: Seals = Seals(libc::F_SEAL_GROW);
    /// `F_SEAL_WRITE`: changing its contents. Refused while anybody has it mapped for writing.
    #[doc(alias = "F_SEAL_WRITE")]
    pub const WRITE: Seals = Seals(libc::F_SEAL_WRITE);
    /// `F_SEAL_FUTURE_WRITE`: changing its contents, except through mappings that are there already.
    #[doc(alias = "F_SEAL_FUTURE_WRITE")]
    pub const FUTURE_WRITE: Seals = Seals(libc::F_SEAL_FUTURE_WRITE);
    /// `F_SEAL_EXEC`: making it executable (Linux 6.3).
    #[doc(alias = "F_SEAL_EXEC")]
    pub const EXECUTE: Seals = Seals(libc::F_SEAL_EXEC);
    /// What a memfd that comes from a peer must have: its size is fixed, and so is the set of its seals.
    pub const REQUIRED: Seals = Seals(libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW);

    pub(super) const fn from_bits(bits: libc::c_int) -> Seals {
        Seals(bits)
    }

    pub(super) const fn bits(self) -> libc::c_int {
        self.0
    }

    /// Whether all of `seals` are among these.
    pub const fn contains(self, seals: Seals) -> bool {
        self.0 & seals.0 == seals.0
    }

    /// These, except `seals`.
    #[must_use]
    pub const fn without(self, seals: Seals) -> Seals {
        Seals(self.0 & !seals.0)
    }

    /// The names of the single seals that these are.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(move |(seal, _)| self.contains(*seal)).map(|(_, name)| name)
    }
}

/// Both sets together.
impl BitOr for Seals {
    type Output = Seals;

    fn bitor(self, other: Seals) -> Seals {
        Seals(self.0 | other.0)
    }
}

/// As the manual names them: `F_SEAL_SHRINK | F_SEAL_GROW`.
impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" | "))
    }
}
