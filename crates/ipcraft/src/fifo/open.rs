//! Opening the two ends: at once, when the peer comes, or before a deadline; and never anything but a FIFO.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{self, FcntlArg, OFlag, SpliceFFlags, fcntl};
use nix::poll::PollFlags;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, stat};

use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::backoff::Backoff;
use crate::support::{limits, proc_fd};
use crate::sys::poll;
use crate::sys::retry;
use crate::time::Deadline;

const READING: &str = "open for reading";
const WRITING: &str = "open for writing";

pub(super) fn read(path: &Path) -> Result<OwnedFd> {
    open(READING, path, OFlag::O_RDONLY)
}

pub(super) fn try_read(path: &Path) -> Result<OwnedFd> {
    open(READING, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)
}

pub(super) fn write(path: &Path) -> Result<OwnedFd> {
    open(WRITING, path, OFlag::O_WRONLY)
}

pub(super) fn try_write(path: &Path) -> Result<OwnedFd> {
    open(WRITING, path, OFlag::O_WRONLY | OFlag::O_NONBLOCK).map_err(|e| match e.kind() {
        ErrorKind::NoReader => e.with_hint("start the reader first, or give it time with open_write_timeout"),
        _ => e,
    })
}

pub(super) fn write_until(path: &Path, deadline: Deadline) -> Result<OwnedFd> {
    let mut backoff = Backoff::new();
    loop {
        match try_write(path) {
            Err(e) if e.kind() == ErrorKind::NoReader && backoff.sleep(deadline) => {}
            Err(e) if e.kind() == ErrorKind::NoReader => return Err(timed_out(WRITING, path)),
            other => return other,
        }
    }
}

pub(super) fn read_until(path: &Path, deadline: Deadline) -> Result<OwnedFd> {
    let fd = try_read(path)?;
    let mut backoff = Backoff::new();
    while !writer_has_come(&fd, deadline.capped(backoff.step())).map_err(|e| failed(READING, path, e))? {
        if deadline.has_passed() {
            return Err(timed_out(READING, path));
        }
    }
    Ok(fd)
}

/// Waits a step for data or a hang-up, both of which a writer leaves; then asks whether a silent one is there.
fn writer_has_come(fd: &OwnedFd, step: Duration) -> nix::Result<bool> {
    if poll::wait_ready(fd.as_fd(), PollFlags::POLLIN, Deadline::after(step))? {
        return Ok(true);
    }
    // tee(2) takes nothing out, and tells an empty pipe with a writer (EAGAIN) from one without (0).
    let (_scratch, copy) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    match retry(|| fcntl::tee(fd, &copy, 1, SpliceFFlags::SPLICE_F_NONBLOCK)) {
        Ok(0) => Ok(false),
        Ok(_) | Err(Errno::EAGAIN) => Ok(true),
        Err(errno) => Err(errno),
    }
}

/// A writing end of the FIFO that `reader` has open, which keeps end of stream away from it.
pub(super) fn own_writer(path: &Path, reader: &OwnedFd) -> Result<OwnedFd> {
    proc_fd::reopen(reader.as_fd(), OFlag::O_WRONLY | OFlag::O_NONBLOCK).map_err(|e| match e {
        Errno::EACCES => {
            failed(WRITING, path, e).with_hint("a reader that stays open needs permission to write as well")
        }
        _ => failed(WRITING, path, e),
    })
}

pub(super) fn set_nonblocking(fd: OwnedFd, nonblocking: bool) -> Result<OwnedFd> {
    let mut flags = OFlag::empty();
    flags.set(OFlag::O_NONBLOCK, nonblocking);
    match fcntl(&fd, FcntlArg::F_SETFL(flags)) {
        Ok(_) => Ok(fd),
        Err(errno) => Err(Error::from_errno("fcntl(F_SETFL)", errno)),
    }
}

/// Opens the path, which must lead to a FIFO before and after: opening a device can have effects of its own.
fn open(operation: &'static str, path: &Path, flags: OFlag) -> Result<OwnedFd> {
    check_type_at(path)?;
    let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let fd = retry(|| fcntl::open(path, flags, Mode::empty())).map_err(|e| failed(operation, path, e))?;
    check_type(path, &fstat(&fd).map_err(|e| failed("fstat", path, e))?)?;
    Ok(fd)
}

/// Refuses a path that leads to anything but a FIFO.
pub(super) fn check_type_at(path: &Path) -> Result<()> {
    check_type(path, &stat(path).map_err(|e| failed("stat", path, e))?)
}

fn check_type(path: &Path, stat: &FileStat) -> Result<()> {
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO {
        return Ok(());
    }
    Err(Error::new("open", ErrorKind::WrongType)
        .with_name(name::display(path))
        .with_hint("the path must lead to a FIFO"))
}

fn failed(operation: &'static str, path: &Path, errno: Errno) -> Error {
    Error::from_errno(operation, errno).with_name(name::display(path)).with_limit(limits::descriptors(errno))
}

fn timed_out(operation: &'static str, path: &Path) -> Error {
    failed(operation, path, Errno::ETIMEDOUT)
}
