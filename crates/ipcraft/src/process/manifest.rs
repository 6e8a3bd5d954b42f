//! The environment variable that lists the inherited descriptors for the child.
//!
//! The format is `name=number:device:inode`, joined by `;`. The name is empty for a descriptor that
//! is identified by its number.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;

pub(super) const VARIABLE: &str = "IPCRAFT_FDS";
pub(super) const SEPARATOR: &str = ";";

/// The file that a descriptor refers to, as identified by fstat(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn for_fd(fd: BorrowedFd<'_>) -> nix::Result<Self> {
        Identity::for_number(fd.as_raw_fd())
    }

    /// Returns the identity of the open descriptor with this number, or `EBADF`. Makes only an
    /// async-signal-safe call, so a forked child may use it.
    pub(super) fn for_number(number: RawFd) -> nix::Result<Self> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: because fstat(2) takes any number and only writes the structure.
        Errno::result(unsafe { libc::fstat(number, stat.as_mut_ptr()) })?;
        // SAFETY: because the call succeeded and filled in the structure.
        let stat = unsafe { stat.assume_init() };
        Ok(Identity { device: stat.st_dev, inode: stat.st_ino })
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) number: RawFd,
    pub(super) identity: Identity,
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

pub(super) fn entry(name: &str, number: RawFd, identity: Identity) -> String {
    format!("{name}={number}:{}:{}", identity.device, identity.inode)
}

/// Iterates over the valid entries and skips all other text.
pub(super) fn entries(value: &str) -> impl Iterator<Item = Entry<'_>> {
    value.split(SEPARATOR).filter_map(parse)
}

fn parse(entry: &str) -> Option<Entry<'_>> {
    let (name, rest) = entry.split_once('=')?;
    let mut fields = rest.split(':');
    let number = fields.next()?.parse().ok().filter(|number| *number > 2)?;
    let identity = Identity { device: fields.next()?.parse().ok()?, inode: fields.next()?.parse().ok()? };
    fields.next().is_none().then_some(Entry { name, number, identity })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_written_entries_returns_them() {
        let identity = Identity { device: 14, inode: 12345 };
        let value = [entry("requests", 5, identity), entry("", 7, identity)].join(SEPARATOR);
        let read: Vec<_> = entries(&value).collect();
        assert_eq!(
            read,
            [Entry { name: "requests", number: 5, identity }, Entry { name: "", number: 7, identity }]
        );
    }

    #[test]
    fn entries_skips_malformed_entries_and_standard_streams() {
        let value = ";=;x;x=;x=5;x=5:1;x=5:1:2:3;x=a:1:2;x=1:1:2;x=-4:1:2;good=9:1:2";
        let read: Vec<_> = entries(value).map(|e| e.name).collect();
        assert_eq!(read, ["good"]);
    }

    #[test]
    fn is_name_with_separator_returns_false() {
        for bad in ["", "a=b", "a;b", "a:b", "a b", "ä"] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name("jobs-2_x.y"));
    }
}
