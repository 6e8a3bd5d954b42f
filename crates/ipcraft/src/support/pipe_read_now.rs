//! Reading from a pipe or FIFO without blocking, whatever the kernel and the rights of the process.
//!
//! `RWF_NOWAIT` makes a single read non-blocking, but FIFOs refuse it, and so do pipes before Linux
//! 6.4 and pipes that splice(2) was used on. Setting `O_NONBLOCK` would change the open file
//! description, which other processes may share. Reading after poll(2) would not do: another reader
//! may take the bytes in between, and the read would block. vmsplice(2) takes the flag per call on
//! every pipe, and needs neither /proc nor any right that open(2) checks.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

use crate::sys::{readv, retry, vmsplice};

/// The role of an end that reads.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Whether this descriptor has refused `RWF_NOWAIT`.
    is_refused: AtomicBool,
}

/// What a read ends at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Stream,
    Packet,
}

impl Reading {
    /// Reads, or fails with `EAGAIN` if there is nothing to read.
    #[inline]
    pub(super) fn read_now(
        &self,
        fd: BorrowedFd<'_>,
        buffers: &mut [IoSliceMut<'_>],
        unit: Unit,
    ) -> nix::Result<usize> {
        if !self.is_refused.load(Relaxed) {
            match retry(|| readv::preadv2(fd, buffers, readv::NOWAIT)) {
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => self.is_refused.store(true, Relaxed),
                other => return other,
            }
        }
        read_refused(fd, buffers, unit)
    }

    /// Makes later calls behave as where `RWF_NOWAIT` is refused.
    #[cfg(test)]
    pub(super) fn refuse(&self) {
        self.is_refused.store(true, Relaxed);
    }
}

/// Reads where `RWF_NOWAIT` is refused.
#[cold]
fn read_refused(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>], unit: Unit) -> nix::Result<usize> {
    if unit == Unit::Packet || is_writable(fd)? {
        return through_private_pipe(fd, buffers);
    }
    retry(|| vmsplice::read_nonblocking(fd, buffers))
}

/// Whether the descriptor is also open for writing, as `O_RDWR` opens a FIFO.
fn is_writable(fd: BorrowedFd<'_>) -> nix::Result<bool> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    Ok(flags & OFlag::O_ACCMODE != OFlag::O_RDONLY)
}

/// Moves one buffer of the pipe to a pipe of this call, and reads it from there.
///
/// That pipe has room for one buffer, and a packet occupies one. It is not kept, since a forked
/// child would share it.
fn through_private_pipe(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> nix::Result<usize> {
    let (output, input) = single_buffer_pipe()?;
    let room = buffers.iter().map(|buffer| buffer.len()).sum();
    match retry(|| splice(fd, None, &input, None, room, SpliceFFlags::SPLICE_F_NONBLOCK))? {
        0 => Ok(0),
        _ => retry(|| readv::preadv2(output.as_fd(), buffers, 0)),
    }
}

fn single_buffer_pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (output, input) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&input, FcntlArg::F_SETPIPE_SZ(1))?;
    Ok((output, input))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::open;
    use nix::sys::stat::Mode;

    fn read(fd: BorrowedFd<'_>, room: usize, unit: Unit) -> nix::Result<Vec<u8>> {
        let mut bytes = vec![0; room];
        let length = read_refused(fd, &mut [IoSliceMut::new(&mut bytes)], unit)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    #[test]
    fn read_where_nowait_is_refused_returns_bytes_then_eagain_then_end() {
        let (reader, writer) = std::io::pipe().unwrap();
        let reader = reader.as_fd();
        assert_eq!(read(reader, 8, Unit::Stream), Err(Errno::EAGAIN));
        nix::unistd::write(&writer, b"some bytes").unwrap();
        assert_eq!(read(reader, 4, Unit::Stream).unwrap(), b"some");
        assert_eq!(read(reader, 8, Unit::Stream).unwrap(), b" bytes");
        assert_eq!(read(reader, 8, Unit::Stream), Err(Errno::EAGAIN));
        drop(writer);
        assert_eq!(read(reader, 8, Unit::Stream).unwrap(), b"");
    }

    #[test]
    fn read_of_packets_where_nowait_is_refused_returns_one_at_a_time() {
        let (reader, writer) = pipe2(OFlag::O_DIRECT | OFlag::O_CLOEXEC).unwrap();
        for packet in [&b"one"[..], b"three", &[7; 4096]] {
            nix::unistd::write(&writer, packet).unwrap();
        }
        for packet in [&b"one"[..], b"three", &[7; 4096]] {
            assert_eq!(read(reader.as_fd(), 8192, Unit::Packet).unwrap(), packet);
        }
        assert_eq!(read(reader.as_fd(), 8192, Unit::Packet), Err(Errno::EAGAIN));
        drop(writer);
        assert_eq!(read(reader.as_fd(), 8192, Unit::Packet).unwrap(), b"");
    }

    #[test]
    fn read_from_a_descriptor_that_also_writes_puts_nothing_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let both = open(&path, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
        assert_eq!(read(both.as_fd(), 8, Unit::Stream), Err(Errno::EAGAIN));
        nix::unistd::write(&both, b"in").unwrap();
        assert_eq!(read(both.as_fd(), 8, Unit::Stream).unwrap(), b"in");
        assert_eq!(read(both.as_fd(), 8, Unit::Stream), Err(Errno::EAGAIN));
    }
}
