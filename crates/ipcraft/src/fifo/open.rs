//! Opening the two ends of a FIFO in the three forms, and nothing but a FIFO.

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
use crate::sys::{poll, retry};
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
        ErrorKind::NoReader => e.with_hint("start the reader first, or use open_write_timeout"),
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
    while !has_writer(&fd, deadline.capped(backoff.step())).map_err(|e| failed(READING, path, e))? {
        if deadline.has_passed() {
            return Err(timed_out(READING, path));
        }
    }
    Ok(fd)
}

/// Waits up to `step` for data or a hang-up, both of which prove a writer; then checks for a silent
/// one.
fn has_writer(fd: &OwnedFd, step: Duration) -> nix::Result<bool> {
    if poll::wait_ready(fd.as_fd(), PollFlags::POLLIN, Deadline::after(step))? {
        return Ok(true);
    }
    // tee(2) removes nothing. For an empty pipe it returns EAGAIN with a writer, and 0 without.
    let (_scratch, copy) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    match retry(|| fcntl::tee(fd, &copy, 1, SpliceFFlags::SPLICE_F_NONBLOCK)) {
        Ok(0) => Ok(false),
        Ok(_) | Err(Errno::EAGAIN) => Ok(true),
        Err(errno) => Err(errno),
    }
}

/// Opens a write end of the FIFO behind `reader`, which keeps its stream from ending.
pub(super) fn own_writer(path: &Path, reader: &OwnedFd) -> Result<OwnedFd> {
    proc_fd::reopen(reader.as_fd(), OFlag::O_WRONLY | OFlag::O_NONBLOCK).map_err(|e| match e {
        Errno::EACCES => failed(WRITING, path, e).with_hint("grant write permission too, for stay_open"),
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

/// Opens the path, which must lead to a FIFO before and after. It is checked before, since opening
/// a device can have side effects.
fn open(operation: &'static str, path: &Path, flags: OFlag) -> Result<OwnedFd> {
    check_type_at(path)?;
    let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let fd = retry(|| fcntl::open(path, flags, Mode::empty())).map_err(|e| failed(operation, path, e))?;
    check_type(path, &fstat(&fd).map_err(|e| failed("fstat", path, e))?)?;
    Ok(fd)
}

/// Fails if the path leads to another type of file.
pub(super) fn check_type_at(path: &Path) -> Result<()> {
    check_type(path, &stat(path).map_err(|e| failed("stat", path, e))?)
}

fn check_type(path: &Path, stat: &FileStat) -> Result<()> {
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO {
        return Ok(());
    }
    Err(Error::new("open", ErrorKind::WrongType)
        .with_name(name::display(path))
        .with_hint("pass the path of a FIFO"))
}

fn failed(operation: &'static str, path: &Path, errno: Errno) -> Error {
    Error::from_errno(operation, errno).with_name(name::display(path)).with_limit(limits::descriptors(errno))
}

fn timed_out(operation: &'static str, path: &Path) -> Error {
    failed(operation, path, Errno::ETIMEDOUT)
}
