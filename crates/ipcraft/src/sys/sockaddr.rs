//! `sockaddr_un`: a Unix address in the kernel's form (unix(7)).

use std::mem;

/// The longest name in bytes that every program can handle: `sun_path` without the final NUL, or
/// without the leading NUL of an abstract name.
pub(crate) const NAME_MAX: usize = PATH_SIZE - 1;

const PATH_SIZE: usize = 108;
const FAMILY_SIZE: usize = mem::size_of::<libc::sa_family_t>();

/// `struct sockaddr_un`, with bytes instead of the platform's `char`, and its length.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct SocketAddress {
    family: libc::sa_family_t,
    path: [u8; PATH_SIZE],
    /// At least `FAMILY_SIZE` and at most `FAMILY_SIZE + PATH_SIZE`.
    length: libc::socklen_t,
}

/// Family and path are laid out as in `sockaddr_un`; the length comes after it.
const _: () = assert!(mem::offset_of!(SocketAddress, length) >= mem::size_of::<libc::sockaddr_un>());
const _: () = assert!(mem::offset_of!(SocketAddress, path) == mem::offset_of!(libc::sockaddr_un, sun_path));

impl SocketAddress {
    /// The address of a socket without a name. bind(2) takes it as a request for any free abstract
    /// name.
    pub(crate) fn unnamed() -> Self {
        SocketAddress::of(&[], 0)
    }

    /// A path of at most [`NAME_MAX`] bytes, none of them NUL, and not empty.
    pub(crate) fn path(path: &[u8]) -> Option<Self> {
        let valid = !path.is_empty() && path.len() <= NAME_MAX && !path.contains(&0);
        valid.then(|| SocketAddress::of(path, path.len() + 1))
    }

    /// An abstract name of at most [`NAME_MAX`] bytes of any value.
    pub(crate) fn abstract_name(name: &[u8]) -> Option<Self> {
        (name.len() <= NAME_MAX).then(|| {
            let mut address = SocketAddress::of(&[], name.len() + 1);
            address.path[1..=name.len()].copy_from_slice(name);
            address
        })
    }

    fn of(path: &[u8], used: usize) -> Self {
        let mut bytes = [0; PATH_SIZE];
        bytes[..path.len()].copy_from_slice(path);
        let length = (FAMILY_SIZE + used) as libc::socklen_t;
        SocketAddress { family: libc::AF_UNIX as libc::sa_family_t, path: bytes, length }
    }

    /// The used part of `sun_path`: empty if unnamed; with a leading NUL if abstract; else a path,
    /// which may end in NUL.
    pub(crate) fn name(&self) -> &[u8] {
        &self.path[..self.length as usize - FAMILY_SIZE]
    }

    pub(crate) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const *self).cast()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        (&raw mut *self).cast()
    }

    pub(crate) fn length(&self) -> libc::socklen_t {
        self.length
    }

    /// The number of bytes that the kernel may write to [`as_mut_ptr`](SocketAddress::as_mut_ptr).
    pub(crate) const CAPACITY: libc::socklen_t = (FAMILY_SIZE + PATH_SIZE) as libc::socklen_t;

    /// Stores the length that the kernel reported. It is 0 for a socket without a name. For a path
    /// of 108 bytes it counts a NUL that was not written.
    pub(crate) fn set_length(&mut self, reported: libc::socklen_t) {
        self.length = reported.clamp(FAMILY_SIZE as libc::socklen_t, Self::CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_that_of_unix_7() {
        assert_eq!(SocketAddress::unnamed().length(), 2);
        assert_eq!(SocketAddress::path(b"/a").unwrap().length(), 2 + 3);
        assert_eq!(SocketAddress::abstract_name(b"a").unwrap().length(), 2 + 2);
        assert_eq!(SocketAddress::abstract_name(b"a").unwrap().name(), b"\0a");
    }

    #[test]
    fn constructors_return_none_for_a_name_that_does_not_fit() {
        assert!(SocketAddress::path(&[b'a'; 107]).is_some());
        assert!(SocketAddress::path(&[b'a'; 108]).is_none());
        assert!(SocketAddress::path(b"").is_none());
        assert!(SocketAddress::abstract_name(&[0; 107]).is_some());
        assert!(SocketAddress::abstract_name(&[0; 108]).is_none());
    }

    #[test]
    fn set_length_is_clamped_to_the_structure() {
        let mut address = SocketAddress::unnamed();
        address.set_length(111);
        assert_eq!(address.name().len(), 108);
        address.set_length(0);
        assert_eq!(address.name().len(), 0);
    }
}
