//! Transfers of a whole buffer, built from calls that transfer a part.

use crate::error::{Error, ErrorKind, Result};

/// Fills the buffer by repeated calls of `read`, which returns 0 at the end of the stream.
///
/// The end before the buffer is full is [`Disconnected`](ErrorKind::Disconnected). Every error
/// carries the number of bytes received.
#[inline]
pub(crate) fn read_exact(
    operation: &'static str,
    buffer: &mut [u8],
    mut read: impl FnMut(&mut [u8]) -> Result<usize>,
) -> Result<()> {
    let mut done = 0;
    while done < buffer.len() {
        match read(&mut buffer[done..]) {
            Ok(0) => return Err(Error::new(operation, ErrorKind::Disconnected).with_transferred(done)),
            Ok(count) => done += count,
            Err(error) => {
                // A record that was cut has filled a part of the buffer, too.
                let cut = error.transferred().unwrap_or(0);
                return Err(error.with_transferred(done + cut));
            }
        }
    }
    Ok(())
}

/// Sends all bytes by repeated calls of `write`.
///
/// A call that sends nothing is [`Disconnected`](ErrorKind::Disconnected). Every error carries the
/// number of bytes sent.
#[inline]
pub(crate) fn write_all(
    operation: &'static str,
    bytes: &[u8],
    mut write: impl FnMut(&[u8]) -> Result<usize>,
) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match write(&bytes[done..]) {
            Ok(0) => return Err(Error::new(operation, ErrorKind::Disconnected).with_transferred(done)),
            Ok(count) => done += count,
            Err(error) => return Err(error.with_transferred(done)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn read_exact_at_the_end_returns_disconnected_with_the_bytes() {
        let mut parts = [2, 1, 0].into_iter();
        let error = read_exact("read", &mut [0; 4], |_| Ok(parts.next().unwrap())).unwrap_err();
        assert_eq!((error.kind(), error.transferred()), (ErrorKind::Disconnected, Some(3)));
        let mut parts = [2, 2].into_iter();
        read_exact("read", &mut [0; 4], |_| Ok(parts.next().unwrap())).unwrap();
    }

    #[test]
    fn whole_transfers_add_the_bytes_to_an_error() {
        let failure = || Error::from_errno("call", Errno::ETIMEDOUT);
        let mut results = [Ok(3), Err(failure())].into_iter();
        let error = read_exact("read", &mut [0; 4], |_| results.next().unwrap()).unwrap_err();
        assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(3)));
        let mut results = [Ok(1), Ok(1), Err(failure())].into_iter();
        let error = write_all("write", &[0; 4], |_| results.next().unwrap()).unwrap_err();
        assert_eq!((error.kind(), error.transferred()), (ErrorKind::TimedOut, Some(2)));
    }
}
