//! Layout hashes of types.

/// A hash of the layout of a type, on which all programs that share a value must agree.
///
/// ```
/// use ipcraft::shm::SharedLayout;
///
/// const COUNTERS: SharedLayout = SharedLayout::new("myservice counters, version 2", &[]);
/// assert_ne!(COUNTERS, SharedLayout::new("myservice counters, version 3", &[]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SharedLayout(u64);

impl SharedLayout {
    /// Returns the layout of a type with this name and these parts. Put a version into the name,
    /// and change it with the type.
    ///
    /// Size and alignment are checked separately.
    pub const fn new(name: &str, parts: &[SharedLayout]) -> SharedLayout {
        let mut hash = hash(BASIS, name.as_bytes());
        let mut i = 0;
        while i < parts.len() {
            hash = self::hash(hash, &parts[i].0.to_le_bytes());
            i += 1;
        }
        SharedLayout(hash)
    }

    /// Returns the layout of an array of `count` such elements.
    pub(crate) const fn repeated(self, count: usize) -> SharedLayout {
        SharedLayout(hash(self.0, &(count as u64).to_le_bytes()))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// The Fowler-Noll-Vo hash (FNV-1a, 64 bits): short, and identical in every version of this
/// library.
const fn hash(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(PRIME);
        i += 1;
    }
    hash
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_known_input_matches_published_fnv1a() {
        assert_eq!(SharedLayout::new("a", &[]).number(), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(SharedLayout::new("foobar", &[]).number(), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn layout_differs_by_number_of_parts() {
        let part = SharedLayout::new("part", &[]);
        assert_ne!(SharedLayout::new("whole", &[part]), SharedLayout::new("whole", &[]));
        assert_ne!(SharedLayout::new("whole", &[part]), SharedLayout::new("whole", &[part, part]));
    }
}
