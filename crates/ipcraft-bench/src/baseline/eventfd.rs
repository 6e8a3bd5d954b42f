//! An eventfd each way, on libc: `read(2)` and `write(2)` of eight bytes.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::{check, retry};
use crate::link::{Endpoints, Link};

/// The bytes of a message.
pub(crate) const MESSAGE_SIZE: usize = size_of::<u64>();

/// Converts a message to a count, which is never zero: that would not wake the receiver.
#[inline]
pub(crate) fn count_of(message: &[u8]) -> io::Result<u64> {
    let bytes = message.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    // The maximum of an eventfd is 2^64 - 2.
    match u64::from_ne_bytes(bytes).checked_add(1) {
        None | Some(u64::MAX) => Err(io::ErrorKind::InvalidInput.into()),
        Some(count) => Ok(count),
    }
}

/// Converts a count to the message.
#[inline]
pub(crate) fn message_of(count: u64, buffer: &mut [u8]) -> io::Result<()> {
    let message: &mut [u8; MESSAGE_SIZE] = buffer.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
    *message = count.wrapping_sub(1).to_ne_bytes();
    Ok(())
}

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let (there, back) = (eventfd()?, eventfd()?);
    let (also_there, also_back) = (there.try_clone()?, back.try_clone()?);
    Ok(Endpoints::new(
        Endpoint { outgoing: there, incoming: back },
        Endpoint { outgoing: also_back, incoming: also_there },
    ))
}

fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: because eventfd(2) takes two integers.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
    // SAFETY: because the descriptor is new and no other owner exists, as eventfd(2) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

struct Endpoint {
    outgoing: OwnedFd,
    incoming: OwnedFd,
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let count = count_of(message)?;
        let fd = self.outgoing.as_raw_fd();
        // SAFETY: because write(2) reads eight bytes of a variable of that size.
        retry(|| unsafe { libc::write(fd, (&raw const count).cast(), MESSAGE_SIZE) }).map(drop)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut count = 0_u64;
        let fd = self.incoming.as_raw_fd();
        // SAFETY: because read(2) writes at most eight bytes to a variable of that size.
        match retry(|| unsafe { libc::read(fd, (&raw mut count).cast(), MESSAGE_SIZE) })? {
            MESSAGE_SIZE => message_of(count, buffer),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_of_and_message_of_are_inverse() {
        for message in [0, 1, u64::MAX - 2] {
            let count = count_of(&message.to_ne_bytes()).unwrap();
            assert_ne!(count, 0);
            let mut received = [0; MESSAGE_SIZE];
            message_of(count, &mut received).unwrap();
            assert_eq!(u64::from_ne_bytes(received), message);
        }
        for message in [u64::MAX - 1, u64::MAX] {
            assert!(count_of(&message.to_ne_bytes()).is_err());
        }
        assert!(count_of(&[0; 7]).is_err());
    }
}
