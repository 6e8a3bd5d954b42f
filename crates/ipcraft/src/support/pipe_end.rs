//! One end of a pipe or FIFO: reads or writes in their three forms.
//!
//! `RWF_NOWAIT` makes a single call non-blocking, but FIFOs and older kernels refuse it. Setting
//! `O_NONBLOCK` would change the open file description, which other processes may share. The first
//! non-blocking call on such an end therefore opens the pipe again through /proc/self/fd. That
//! yields a description of its own, which stays non-blocking. Reading after poll(2) would not do:
//! another reader may take the bytes in between, and the read would block.

use std::io::IoSliceMut;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::PollFlags;

use super::{pipe_io, pipe_size, proc_fd, wait};
use crate::error::{Error, Result};
use crate::sys::{ioctl, readv, retry};

/// The most bytes that one write transfers as a whole (pipe(7)).
pub(crate) const PIPE_BUF: usize = libc::PIPE_BUF;

const READ_PIPE: &str = "read from pipe";

/// The role of an end that reads.
#[derive(Debug)]
pub(crate) enum Reading {}

/// The role of an end that writes.
#[derive(Debug)]
pub(crate) enum Writing {}

/// The object that errors name. Its methods are the cold half of a call: [`Anonymous`] needs no
/// value, so the hot half keeps none in a register.
pub(crate) trait Label {
    fn name(&self) -> Option<&Arc<str>>;
    fn read_error(&self, errno: Errno) -> Error;
    fn write_error(&self, errno: Errno) -> Error;
}

/// A pipe without a name.
#[derive(Debug)]
pub(crate) struct Anonymous;

/// A FIFO of this name.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) Arc<str>);

impl Label for Anonymous {
    fn name(&self) -> Option<&Arc<str>> {
        None
    }

    #[inline]
    fn read_error(&self, errno: Errno) -> Error {
        Error::from_recv_errno(READ_PIPE, errno)
    }

    #[inline]
    fn write_error(&self, errno: Errno) -> Error {
        Error::from_send_errno("write to pipe", errno)
    }
}

impl Label for Named {
    fn name(&self) -> Option<&Arc<str>> {
        Some(&self.0)
    }

    #[cold]
    fn read_error(&self, errno: Errno) -> Error {
        Error::from_recv_errno("read from FIFO", errno).with_object(self.name())
    }

    #[cold]
    fn write_error(&self, errno: Errno) -> Error {
        Error::from_send_errno("write to FIFO", errno).with_object(self.name())
    }
}

#[derive(Debug)]
pub(crate) struct PipeEnd<Role, L> {
    fd: OwnedFd,
    /// A second, non-blocking description of the same end, opened when first needed.
    nonblocking: OnceLock<OwnedFd>,
    label: L,
    role: PhantomData<Role>,
}

impl<Role, L: Label> PipeEnd<Role, L> {
    pub(crate) fn new(fd: OwnedFd, label: L) -> Self {
        PipeEnd { fd, nonblocking: OnceLock::new(), label, role: PhantomData }
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    pub(crate) fn capacity(&self) -> Result<usize> {
        pipe_size::get(self.as_fd()).map_err(|e| e.with_object(self.label.name()))
    }

    pub(crate) fn set_capacity(&self, bytes: usize) -> Result<usize> {
        pipe_size::set(self.as_fd(), bytes).map_err(|e| e.with_object(self.label.name()))
    }

    /// Makes `call` on a description and with flags that keep it from blocking.
    fn without_blocking<T>(
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
            // If another thread was faster, its description stays and this one is closed.
            Ok(fd) => drop(self.nonblocking.set(fd)),
            // A FIFO cannot be opened for writing once its last reader has closed (fifo(7)).
            Err(Errno::ENXIO) => return Err(Errno::EPIPE),
            // Without /proc there is no non-blocking description.
            Err(Errno::ENOENT) => return Err(Errno::ENOSYS),
            Err(errno) => return Err(errno),
        }
        Ok(())
    }
}

impl<L: Label> PipeEnd<Reading, L> {
    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        retry(|| readv::read(self.fd.as_fd(), buffer)).map_err(|e| self.label.read_error(e))
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_now(&mut [IoSliceMut::new(buffer)]).map_err(|e| self.label.read_error(e))
    }

    pub(crate) fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.read_until(&mut [IoSliceMut::new(buffer)], timeout).map_err(|e| self.label.read_error(e))
    }

    /// Reads one packet; fails if it was longer than `buffer`.
    pub(crate) fn read_packet(&self, buffer: &mut [u8]) -> Result<usize> {
        self.packet(buffer, |buffers| retry(|| readv::preadv2(self.fd.as_fd(), buffers, 0)))
    }

    pub(crate) fn try_read_packet(&self, buffer: &mut [u8]) -> Result<usize> {
        self.packet(buffer, |buffers| self.read_now(buffers))
    }

    pub(crate) fn read_packet_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.packet(buffer, |buffers| self.read_until(buffers, timeout))
    }

    pub(crate) fn available(&self) -> Result<usize> {
        ioctl::bytes_readable(self.as_fd())
            .map_err(|e| Error::from_errno("ioctl(FIONREAD)", e).with_object(self.label.name()))
    }

    fn read_now(&self, buffers: &mut [IoSliceMut<'_>]) -> nix::Result<usize> {
        self.without_blocking(OFlag::O_RDONLY, |fd, flags| readv::preadv2(fd, buffers, flags))
    }

    fn read_until(&self, buffers: &mut [IoSliceMut<'_>], timeout: Duration) -> nix::Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.read_now(buffers))
    }

    /// Reads a packet into `buffer` and a second buffer, which receives the excess of a longer one.
    fn packet(
        &self,
        buffer: &mut [u8],
        read: impl FnOnce(&mut [IoSliceMut<'_>]) -> nix::Result<usize>,
    ) -> Result<usize> {
        let (room, mut excess) = (buffer.len(), [0; PIPE_BUF]);
        let buffers = &mut [IoSliceMut::new(buffer), IoSliceMut::new(&mut excess)];
        let length = read(buffers).map_err(|e| self.label.read_error(e))?;
        if length <= room { Ok(length) } else { Err(Error::truncated(READ_PIPE, room, length)) }
    }
}

impl<L: Label> PipeEnd<Writing, L> {
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize> {
        retry(|| pipe_io::write(self.fd.as_fd(), bytes, 0)).map_err(|e| self.label.write_error(e))
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.write_now(bytes).map_err(|e| self.label.write_error(e))
    }

    pub(crate) fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLOUT)];
        wait::attempt_until(timeout, &ready, || self.write_now(bytes)).map_err(|e| self.label.write_error(e))
    }

    fn write_now(&self, bytes: &[u8]) -> nix::Result<usize> {
        self.without_blocking(OFlag::O_WRONLY, |fd, flags| pipe_io::write(fd, bytes, flags))
    }
}

impl<Role, L> AsFd for PipeEnd<Role, L> {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use nix::fcntl::open;
    use nix::sys::stat::Mode;

    fn ends() -> (PipeEnd<Reading, Anonymous>, PipeEnd<Writing, Anonymous>) {
        let (reader, writer) = std::io::pipe().unwrap();
        (PipeEnd::new(reader.into(), Anonymous), PipeEnd::new(writer.into(), Anonymous))
    }

    #[test]
    fn reopened_ends_are_the_same_pipe_and_never_block() {
        let (reader, writer) = ends();
        reader.reopen(OFlag::O_RDONLY).unwrap();
        writer.reopen(OFlag::O_WRONLY).unwrap();
        assert_eq!(reader.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(writer.try_write(b"through").unwrap(), 7);
        let mut buffer = [0; 8];
        assert_eq!(reader.try_read(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer[..7], b"through");
    }

    #[test]
    fn drop_of_a_reopened_writer_ends_the_stream() {
        let (reader, writer) = ends();
        writer.reopen(OFlag::O_WRONLY).unwrap();
        drop(writer);
        assert_eq!(reader.try_read(&mut [0; 8]).unwrap(), 0, "no hidden writer is left");
    }

    #[test]
    fn try_write_to_fifo_without_reader_returns_disconnected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = open(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty()).unwrap();
        let writer = open(&path, OFlag::O_WRONLY, Mode::empty()).unwrap();
        let writer = PipeEnd::<Writing, _>::new(writer, Anonymous);
        drop(reader);
        assert_eq!(writer.try_write(b"x").unwrap_err().kind(), ErrorKind::Disconnected);
    }
}
