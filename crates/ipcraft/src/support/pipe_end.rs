//! One end of a pipe or FIFO: the reads and writes in their three forms.
//!
//! `RWF_NOWAIT` makes a single call non-blocking, but FIFOs and older kernels do not have it, and `O_NONBLOCK` would
//! change the open file description that other processes may share. There, the first call that must not wait opens the
//! same pipe again through /proc/self/fd, which gives a description of its own that can be non-blocking for good. Asking
//! poll(2) and then reading would not do: another reader may take the bytes in between, and the read would wait.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::PollFlags;

use super::{pipe_io, proc_fd, wait};
use crate::sys::{readv, retry};

/// The most that one write transfers as a whole, in bytes (pipe(7)).
pub(crate) const PIPE_BUF: usize = libc::PIPE_BUF;

#[derive(Debug)]
pub(crate) struct PipeEnd {
    fd: OwnedFd,
    /// A second, non-blocking description of the same end, made when first needed.
    nonblocking: OnceLock<OwnedFd>,
}

impl PipeEnd {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        PipeEnd { fd, nonblocking: OnceLock::new() }
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        retry(|| readv::read(self.fd.as_fd(), buffer))
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        self.without_waiting(OFlag::O_RDONLY, |fd, flags| {
            readv::preadv2(fd, &mut [IoSliceMut::new(buffer)], flags)
        })
    }

    pub(crate) fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> nix::Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.try_read(buffer))
    }

    /// Reads one packet, which must be longer than `buffer` by at most `spill`.
    pub(crate) fn read_packet(&self, buffer: &mut [u8], spill: &mut [u8]) -> nix::Result<usize> {
        retry(|| readv::preadv2(self.fd.as_fd(), &mut [IoSliceMut::new(buffer), IoSliceMut::new(spill)], 0))
    }

    pub(crate) fn try_read_packet(&self, buffer: &mut [u8], spill: &mut [u8]) -> nix::Result<usize> {
        self.without_waiting(OFlag::O_RDONLY, |fd, flags| {
            readv::preadv2(fd, &mut [IoSliceMut::new(buffer), IoSliceMut::new(spill)], flags)
        })
    }

    pub(crate) fn read_packet_timeout(
        &self,
        buffer: &mut [u8],
        spill: &mut [u8],
        timeout: Duration,
    ) -> nix::Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.try_read_packet(buffer, spill))
    }

    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> nix::Result<usize> {
        retry(|| pipe_io::write(self.fd.as_fd(), bytes, 0))
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> nix::Result<usize> {
        self.without_waiting(OFlag::O_WRONLY, |fd, flags| pipe_io::write(fd, bytes, flags))
    }

    pub(crate) fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> nix::Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLOUT)];
        wait::attempt_until(timeout, &ready, || self.try_write(bytes))
    }

    /// Makes `call` on a description and with flags that keep it from waiting.
    fn without_waiting<T>(
        &self,
        access: OFlag,
        mut call: impl FnMut(BorrowedFd<'_>, libc::c_int) -> nix::Result<T>,
    ) -> nix::Result<T> {
        if self.nonblocking.get().is_none() {
            match retry(|| call(self.fd.as_fd(), readv::NOWAIT)) {
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => self.reopen(access)?,
                other => return other,
            }
        }
        let fd = self.nonblocking.get().expect("reopened above").as_fd();
        retry(|| call(fd, 0))
    }

    #[cold]
    fn reopen(&self, access: OFlag) -> nix::Result<()> {
        match proc_fd::reopen(self.fd.as_fd(), access | OFlag::O_NONBLOCK) {
            // Another thread may have been faster; its description serves as well, and ours is closed here.
            Ok(fd) => drop(self.nonblocking.set(fd)),
            // A FIFO cannot be opened for writing when nobody reads any more (fifo(7)).
            Err(Errno::ENXIO) => return Err(Errno::EPIPE),
            // Without /proc there is no way not to wait.
            Err(Errno::ENOENT) => return Err(Errno::ENOSYS),
            Err(errno) => return Err(errno),
        }
        Ok(())
    }
}

impl AsFd for PipeEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::open;
    use nix::sys::stat::Mode;

    fn ends() -> (PipeEnd, PipeEnd) {
        let (reader, writer) = std::io::pipe().unwrap();
        (PipeEnd::new(reader.into()), PipeEnd::new(writer.into()))
    }

    #[test]
    fn a_reopened_end_is_the_same_pipe_and_never_waits() {
        let (reader, writer) = ends();
        reader.reopen(OFlag::O_RDONLY).unwrap();
        writer.reopen(OFlag::O_WRONLY).unwrap();
        assert_eq!(reader.try_read(&mut [0; 8]), Err(Errno::EAGAIN));
        assert_eq!(writer.try_write(b"through"), Ok(7));
        let mut buffer = [0; 8];
        assert_eq!(reader.try_read(&mut buffer), Ok(7));
        assert_eq!(&buffer[..7], b"through");
    }

    #[test]
    fn a_reopened_end_goes_with_its_owner() {
        let (reader, writer) = ends();
        writer.reopen(OFlag::O_WRONLY).unwrap();
        drop(writer);
        assert_eq!(reader.try_read(&mut [0; 8]), Ok(0), "end of stream: no hidden writer is left");
    }

    #[test]
    fn reopening_a_fifo_without_a_reader_says_that_the_peer_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = open(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty()).unwrap();
        let writer = PipeEnd::new(open(&path, OFlag::O_WRONLY, Mode::empty()).unwrap());
        drop(reader);
        assert_eq!(writer.try_write(b"x"), Err(Errno::EPIPE));
    }
}
