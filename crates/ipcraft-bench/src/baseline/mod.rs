//! The baselines: each mechanism written directly on libc, as in a careful C program.

pub(crate) mod barrier;
pub(crate) mod condvar;
pub(crate) mod eventfd;
pub(crate) mod futex;
pub(crate) mod futex_pi;
pub(crate) mod locks;
pub(crate) mod page;
pub(crate) mod pipes;
pub(crate) mod posix_queue;
pub(crate) mod posix_semaphore;
mod pthread;
pub(crate) mod ring;
pub(crate) mod signals;
pub(crate) mod slot;
pub(crate) mod sockets;
pub(crate) mod sysv_queue;
pub(crate) mod sysv_semaphore;

use std::io;

/// Converts `-1` to the error in `errno`.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        value => Ok(value),
    }
}

/// Repeats a transfer that a signal interrupted.
#[inline]
fn retry(mut call: impl FnMut() -> libc::ssize_t) -> io::Result<usize> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Writes a whole message to a byte stream, in as many calls as needed.
#[inline]
fn send_all(mut message: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
    while !message.is_empty() {
        let written = write(message)?;
        message = &message[written..];
    }
    Ok(())
}

/// Fills a whole buffer from a byte stream, in as many calls as needed.
#[inline]
fn recv_all(buffer: &mut [u8], mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(&mut buffer[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(())
}
