//! One end of a pipe or FIFO: reads or writes in their three forms.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::stat::{SFlag, fstat};

use super::dup::duplicate;
pub(crate) use super::pipe_read_now::Reading;
use super::pipe_read_now::Unit;
pub(crate) use super::pipe_write_now::Writing;
use super::{limits, pipe_io, pipe_size, wait, whole};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{ioctl, readv, retry};
use crate::time::Deadline;

/// The most bytes that one write transfers as a whole (pipe(7)).
pub(crate) const PIPE_BUF: usize = libc::PIPE_BUF;

const ALLOW_SPLICE: &str = "allow splice(2) and vmsplice(2) in the seccomp filter";

/// The object that errors name. Its methods are the cold half of a call: [`Anonymous`] needs no
/// value, so the hot half keeps none in a register.
pub(crate) trait Label {
    const READ: &'static str;
    const WRITE: &'static str;

    fn name(&self) -> Option<&Arc<str>>;
    fn read_error(&self, errno: Errno) -> Error;
    fn write_error(&self, errno: Errno) -> Error;
}

/// A pipe without a name.
#[derive(Clone, Debug)]
pub(crate) struct Anonymous;

/// A FIFO of this name.
#[derive(Clone, Debug)]
pub(crate) struct Named(pub(crate) Arc<str>);

impl Label for Anonymous {
    const READ: &'static str = "read from pipe";
    const WRITE: &'static str = "write to pipe";

    fn name(&self) -> Option<&Arc<str>> {
        None
    }

    #[inline]
    fn read_error(&self, errno: Errno) -> Error {
        Error::from_recv_errno(Self::READ, errno)
    }

    #[inline]
    fn write_error(&self, errno: Errno) -> Error {
        Error::from_send_errno(Self::WRITE, errno)
    }
}

impl Label for Named {
    const READ: &'static str = "read from FIFO";
    const WRITE: &'static str = "write to FIFO";

    fn name(&self) -> Option<&Arc<str>> {
        Some(&self.0)
    }

    #[cold]
    fn read_error(&self, errno: Errno) -> Error {
        Error::from_recv_errno(Self::READ, errno).with_object(self.name())
    }

    #[cold]
    fn write_error(&self, errno: Errno) -> Error {
        Error::from_send_errno(Self::WRITE, errno).with_object(self.name())
    }
}

#[derive(Debug)]
pub(crate) struct PipeEnd<Role, L> {
    fd: OwnedFd,
    role: Role,
    label: L,
}

impl<Role: Default, L: Label> PipeEnd<Role, L> {
    pub(crate) fn new(fd: OwnedFd, label: L) -> Self {
        PipeEnd { fd, role: Role::default(), label }
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Another descriptor of the same open file description.
    pub(crate) fn try_clone(&self) -> Result<Self>
    where
        L: Clone,
    {
        let fd = duplicate(&self.fd).map_err(|e| e.with_object(self.label.name()))?;
        Ok(PipeEnd::new(fd, self.label.clone()))
    }

    pub(crate) fn capacity(&self) -> Result<usize> {
        pipe_size::get(self.as_fd()).map_err(|e| e.with_object(self.label.name()))
    }

    pub(crate) fn set_capacity(&self, bytes: usize) -> Result<usize> {
        pipe_size::set(self.as_fd(), bytes).map_err(|e| e.with_object(self.label.name()))
    }

    /// Adds to the error of a non-blocking call what only the ways around `RWF_NOWAIT` can meet.
    #[cold]
    fn explained(&self, error: Error, errno: Errno) -> Error {
        match errno {
            Errno::EMFILE | Errno::ENFILE => error.with_limit(limits::descriptors(errno)),
            Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EPERM if is_pipe(self.as_fd()) => {
                error.with_kind(ErrorKind::Unsupported).with_hint(ALLOW_SPLICE)
            }
            Errno::EBADF if !is_pipe(self.as_fd()) => {
                error.with_kind(ErrorKind::WrongType).with_hint("pass the descriptor of a pipe")
            }
            _ => error,
        }
    }
}

fn is_pipe(fd: BorrowedFd<'_>) -> bool {
    fstat(fd).is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}

impl<L: Label> PipeEnd<Reading, L> {
    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        retry(|| readv::read(self.fd.as_fd(), buffer)).map_err(|e| self.label.read_error(e))
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.read_now(&mut [IoSliceMut::new(buffer)], Unit::Stream).map_err(|e| self.failed_read(e))
    }

    pub(crate) fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.read_until(&mut [IoSliceMut::new(buffer)], Unit::Stream, timeout)
            .map_err(|e| self.failed_read(e))
    }

    /// Reads one packet; fails if it was longer than `buffer`.
    pub(crate) fn read_packet(&self, buffer: &mut [u8]) -> Result<usize> {
        self.packet(buffer, |buffers| retry(|| readv::preadv2(self.fd.as_fd(), buffers, 0)))
    }

    pub(crate) fn try_read_packet(&self, buffer: &mut [u8]) -> Result<usize> {
        self.packet(buffer, |buffers| self.read_now(buffers, Unit::Packet))
    }

    pub(crate) fn read_packet_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.packet(buffer, |buffers| self.read_until(buffers, Unit::Packet, timeout))
    }

    pub(crate) fn available(&self) -> Result<usize> {
        ioctl::bytes_readable(self.as_fd())
            .map_err(|e| Error::from_errno("ioctl(FIONREAD)", e).with_object(self.label.name()))
    }

    /// Fills the buffer by `read`, which reads a part.
    pub(crate) fn read_exact(
        &self,
        buffer: &mut [u8],
        read: impl FnMut(&mut [u8]) -> Result<usize>,
    ) -> Result<()> {
        whole::read_exact(L::READ, buffer, read).map_err(|e| e.with_object(self.label.name()))
    }

    fn read_now(&self, buffers: &mut [IoSliceMut<'_>], unit: Unit) -> nix::Result<usize> {
        self.role.read_now(self.fd.as_fd(), buffers, unit)
    }

    fn read_until(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        unit: Unit,
        timeout: Duration,
    ) -> nix::Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.read_now(buffers, unit))
    }

    /// Reads a packet into `buffer` and a second buffer, which receives the excess of a longer one.
    fn packet(
        &self,
        buffer: &mut [u8],
        read: impl FnOnce(&mut [IoSliceMut<'_>]) -> nix::Result<usize>,
    ) -> Result<usize> {
        let (room, mut excess) = (buffer.len(), [0; PIPE_BUF]);
        let buffers = &mut [IoSliceMut::new(buffer), IoSliceMut::new(&mut excess)];
        let length = read(buffers).map_err(|e| self.failed_read(e))?;
        if length <= room {
            return Ok(length);
        }
        Err(Error::truncated(L::READ, room, length).with_transferred(room))
    }

    #[cold]
    fn failed_read(&self, errno: Errno) -> Error {
        self.explained(self.label.read_error(errno), errno)
    }
}

impl<L: Label> PipeEnd<Writing, L> {
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize> {
        retry(|| pipe_io::write(self.fd.as_fd(), bytes, 0)).map_err(|e| self.label.write_error(e))
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.role.write_now(self.fd.as_fd(), bytes).map_err(|e| self.failed_write(e))
    }

    pub(crate) fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLOUT)];
        wait::attempt_until(timeout, &ready, || self.role.write_now(self.fd.as_fd(), bytes))
            .map_err(|e| self.failed_write(e))
    }

    pub(crate) fn write_all(&self, bytes: &[u8]) -> Result<()> {
        whole::write_all(L::WRITE, bytes, |rest| self.write(rest))
    }

    pub(crate) fn write_all_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        whole::write_all(L::WRITE, bytes, |rest| self.write_timeout(rest, deadline.timeout()))
    }

    #[cold]
    fn failed_write(&self, errno: Errno) -> Error {
        self.explained(self.label.write_error(errno), errno)
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
    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;

    fn ends() -> (PipeEnd<Reading, Anonymous>, PipeEnd<Writing, Anonymous>) {
        let (reader, writer) = std::io::pipe().unwrap();
        let (reader, writer) = (
            PipeEnd::<Reading, _>::new(reader.into(), Anonymous),
            PipeEnd::<Writing, _>::new(writer.into(), Anonymous),
        );
        reader.role.refuse();
        writer.role.refuse();
        (reader, writer)
    }

    #[test]
    fn ends_where_nowait_is_refused_are_the_same_pipe_and_never_block() {
        let (reader, writer) = ends();
        assert_eq!(reader.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(writer.try_write(b"through").unwrap(), 7);
        let mut buffer = [0; 8];
        assert_eq!(reader.try_read(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer[..7], b"through");
    }

    #[test]
    fn drop_of_a_writer_where_nowait_is_refused_ends_the_stream() {
        let (reader, writer) = ends();
        writer.try_write(b"").unwrap();
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

    #[test]
    fn try_calls_on_another_type_of_file_return_wrong_type() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let reader = open(file.path(), OFlag::O_RDONLY, Mode::empty()).unwrap();
        let reader = PipeEnd::<Reading, _>::new(reader, Anonymous);
        reader.role.refuse();
        assert_eq!(reader.try_read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WrongType);
    }
}
