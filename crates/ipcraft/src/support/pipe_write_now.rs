//! Writing to a pipe or FIFO without blocking, whatever the kernel and the rights of the process.
//!
//! `RWF_NOWAIT` makes a single write non-blocking, but FIFOs refuse it, and so do pipes before
//! Linux 6.4 and pipes that splice(2) was used on. The first write on such an end opens the pipe
//! again through /proc/self/fd, and the new description stays non-blocking. If /proc is missing, or
//! the process may not open the pipe any more, each write goes through a private pipe: splice(2)
//! takes the flag per call, and needs no right that open(2) checks. A spliced write occupies pages
//! of its own, where a write on a description adds to the last page.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::{pipe2, write};

use super::{pipe_io, proc_fd, sigpipe};
use crate::sys::{readv, retry};

/// The role of an end that writes.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    /// Whether this descriptor has refused `RWF_NOWAIT`.
    is_refused: AtomicBool,
    /// A second, non-blocking description of the same end, opened when first needed.
    nonblocking: OnceLock<OwnedFd>,
}

impl Writing {
    /// Writes, or fails with `EAGAIN` if there is no room.
    #[inline]
    pub(super) fn write_now(&self, fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
        if !self.is_refused.load(Relaxed) {
            match retry(|| pipe_io::write(fd, bytes, readv::NOWAIT)) {
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => self.is_refused.store(true, Relaxed),
                other => return other,
            }
        }
        self.write_refused(fd, bytes)
    }

    /// Writes where `RWF_NOWAIT` is refused.
    #[cold]
    fn write_refused(&self, fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
        if self.nonblocking.get().is_none() {
            match reopen(fd) {
                // If another thread was faster, its description stays and this one is closed.
                Ok(second) => drop(self.nonblocking.set(second)),
                // A FIFO cannot be opened for writing once its last reader has closed (fifo(7)).
                Err(Errno::ENXIO) => return Err(Errno::EPIPE),
                Err(_) => return through_private_pipe(fd, bytes),
            }
        }
        let second = self.nonblocking.get().expect("opened above").as_fd();
        retry(|| pipe_io::write(second, bytes, 0))
    }

    /// Makes later calls behave as where `RWF_NOWAIT` is refused.
    #[cfg(test)]
    pub(super) fn refuse(&self) {
        self.is_refused.store(true, Relaxed);
    }
}

/// Opens the pipe again, non-blocking, and with packets if `fd` has them.
fn reopen(fd: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    let flags = status_flags(fd)?;
    if flags & OFlag::O_ACCMODE == OFlag::O_RDONLY {
        return Err(Errno::EBADF);
    }
    let second = proc_fd::reopen(fd, OFlag::O_WRONLY | OFlag::O_NONBLOCK)?;
    // open(2) refuses the mark of packets on a pipe, and fcntl(2) takes it.
    if flags.contains(OFlag::O_DIRECT) {
        fcntl(&second, FcntlArg::F_SETFL(OFlag::O_DIRECT | OFlag::O_NONBLOCK))?;
    }
    Ok(second)
}

fn status_flags(fd: BorrowedFd<'_>) -> nix::Result<OFlag> {
    fcntl(fd, FcntlArg::F_GETFL).map(OFlag::from_bits_retain)
}

/// Writes into a pipe of this call, and moves that to the pipe behind `fd`.
///
/// At most `PIPE_BUF` bytes are one buffer there, which is moved whole or not at all. The pipe is
/// not kept, since a forked child would share it.
fn through_private_pipe(fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
    let packets = status_flags(fd)? & OFlag::O_DIRECT;
    let (output, input) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | packets)?;
    let length = retry(|| write(&input, bytes))?;
    let flags = SpliceFFlags::SPLICE_F_NONBLOCK;
    sigpipe::suppress(|| retry(|| splice(&output, None, fd, None, length, flags)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::signal::testing::in_child_with_default_sigpipe;

    type Way = fn(BorrowedFd<'_>, &[u8]) -> nix::Result<usize>;

    /// What is done where `RWF_NOWAIT` is refused: with /proc, and without.
    const WAYS: [Way; 2] = [
        |fd, bytes| Writing::default().write_refused(fd, bytes),
        |fd, bytes| through_private_pipe(fd, bytes),
    ];

    fn read(fd: impl AsFd) -> Vec<u8> {
        let mut bytes = vec![0; 1 << 17];
        let length = nix::unistd::read(fd, &mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn write_of_packets_where_nowait_is_refused_keeps_their_boundaries() {
        for way in WAYS {
            let (reader, writer) = pipe2(OFlag::O_DIRECT | OFlag::O_CLOEXEC).unwrap();
            for packet in [&b"one"[..], b"three", &[7; 4000], &[8; 5000]] {
                assert_eq!(way(writer.as_fd(), packet).unwrap(), packet.len());
            }
            for packet in [&b"one"[..], b"three", &[7; 4000], &[8; 4096], &[8; 904]] {
                assert_eq!(read(&reader), packet);
            }
        }
    }

    #[test]
    fn write_to_a_full_pipe_where_nowait_is_refused_returns_eagain_and_writes_nothing() {
        for way in WAYS {
            let (reader, writer) = std::io::pipe().unwrap();
            fcntl(&writer, FcntlArg::F_SETPIPE_SZ(8192)).unwrap();
            assert_eq!(way(writer.as_fd(), &[1; 4096]).unwrap(), 4096);
            assert_eq!(way(writer.as_fd(), &[2; 9000]).unwrap(), 4096, "as much as fits");
            assert_eq!(way(writer.as_fd(), &[3; 4096]), Err(Errno::EAGAIN));
            assert_eq!(read(&reader), [[1; 4096], [2; 4096]].concat());
        }
    }

    #[test]
    fn write_to_a_read_end_where_nowait_is_refused_returns_ebadf() {
        for way in WAYS {
            let (reader, _writer) = std::io::pipe().unwrap();
            assert_eq!(way(reader.as_fd(), b"x"), Err(Errno::EBADF));
        }
    }

    #[test]
    fn write_without_reader_where_nowait_is_refused_returns_epipe_and_raises_no_signal() {
        for way in WAYS {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            assert!(in_child_with_default_sigpipe(|| way(writer.as_fd(), b"x") == Err(Errno::EPIPE)));
        }
    }
}
