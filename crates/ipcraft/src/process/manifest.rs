//! The environment variable that tells a child which descriptors it was given.
//!
//! `name=number:device:inode`, joined by `;`; the name of a descriptor that is known by number alone is empty.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;

pub(super) const VARIABLE: &str = "IPCRAFT_FDS";
pub(super) const SEPARATOR: &str = ";";

/// What a descriptor refers to, as far as fstat(2) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(fd: BorrowedFd<'_>) -> nix::Result<Self> {
        Identity::of_number(fd.as_raw_fd())
    }

    /// Of whatever is open under this number; `EBADF` if nothing is. Makes one system call and no other, so a forked child may use it.
    pub(super) fn of_number(number: RawFd) -> nix::Result<Self> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: because fstat(2) takes any number and only writes the structure.
        Errno::result(unsafe { libc::fstat(number, stat.as_mut_ptr()) })?;
        // SAFETY: because the call succeeded and so has filled the structure in.
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

/// The entries that can be read; whatever else the variable holds is not ours.
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
    fn what_is_written_is_read() {
        let identity = Identity { device: 14, inode: 12345 };
        let value = [entry("requests", 5, identity), entry("", 7, identity)].join(SEPARATOR);
        let read: Vec<_> = entries(&value).collect();
        assert_eq!(
            read,
            [Entry { name: "requests", number: 5, identity }, Entry { name: "", number: 7, identity }]
        );
    }

    #[test]
    fn nonsense_and_standard_streams_are_passed_over() {
        let value = ";=;x;x=;x=5;x=5:1;x=5:1:2:3;x=a:1:2;x=1:1:2;x=-4:1:2;good=9:1:2";
        let read: Vec<_> = entries(value).map(|e| e.name).collect();
        assert_eq!(read, ["good"]);
    }

    #[test]
    fn names_cannot_break_the_format() {
        for bad in ["", "a=b", "a;b", "a:b", "a b", "ä"] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name("jobs-2_x.y"));
    }
}
