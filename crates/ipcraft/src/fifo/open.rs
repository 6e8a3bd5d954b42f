//! Opening the two ends of a FIFO in the three forms, and nothing but a FIFO.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{self, FcntlArg, OFlag, SpliceFFlags, fcntl};
use nix::poll::PollFlags;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, lstat, stat};

use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::backoff::Backoff;
use crate::support::directory_entry::DirectoryEntry;
use crate::support::limits;
use crate::support::unlink_guard::UnlinkGuard;
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
    while !has_writer(fd.as_fd(), deadline.capped(backoff.step())).map_err(|e| failed(READING, path, e))? {
        if deadline.has_passed() {
            return Err(timed_out(READING, path));
        }
    }
    Ok(fd)
}

/// Waits up to `step` for data or a hang-up, both of which prove a writer; then checks for a silent
/// one.
pub(super) fn has_writer(fd: BorrowedFd<'_>, step: Duration) -> nix::Result<bool> {
    if poll::wait_ready(fd, PollFlags::POLLIN, Deadline::after(step))? {
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

/// Opens a read end, and a write end that keeps its stream from ending.
pub(super) fn both(path: &Path) -> Result<(OwnedFd, OwnedFd)> {
    loop {
        let reader = try_read(path)?;
        let writer = try_write(path).map_err(|e| match e.kind() {
            ErrorKind::PermissionDenied => e.with_hint("grant write permission too, for stay_open"),
            _ => e,
        });
        match writer {
            Ok(writer) if is_same(path, &reader, &writer)? => return Ok((reader, writer)),
            // Another FIFO took the name in between; without a reader it refuses the writer.
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NoReader => {}
            Err(e) => return Err(e),
        }
    }
}

fn is_same(path: &Path, a: &OwnedFd, b: &OwnedFd) -> Result<bool> {
    let stat = |fd| fstat(fd).map_err(|e| failed("fstat", path, e));
    let (a, b) = (stat(a)?, stat(b)?);
    Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
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

/// Holds the FIFO that the path leads to, or the symbolic link to one.
pub(super) fn hold(path: &Path) -> Result<UnlinkGuard> {
    let failed = |e| failed("open", path, e);
    let entry = DirectoryEntry::of(path).map_err(failed)?;
    let held = entry.hold().map_err(failed)?;
    let stat = fstat(&held).map_err(failed)?;
    if !is(&stat, SFlag::S_IFLNK) {
        check_type(path, &stat)?;
    }
    Ok(UnlinkGuard::without_removal(entry, held))
}

/// Fails with `ESTALE` if this is no new FIFO: another process, which may write to the directory,
/// has replaced it.
pub(super) fn check_own_fifo(held: BorrowedFd<'_>) -> nix::Result<()> {
    let stat = fstat(held)?;
    if is(&stat, SFlag::S_IFIFO) && stat.st_nlink == 1 { Ok(()) } else { Err(Errno::ESTALE) }
}

/// The error for a name that leads to another file than the handle's.
pub(super) fn replaced(path: &Path) -> Error {
    match lstat(path) {
        Ok(stat) if !is(&stat, SFlag::S_IFIFO) => wrong_type("unlink", path),
        _ => Error::from_errno("unlink", Errno::ESTALE)
            .with_kind(ErrorKind::Removed)
            .with_name(name::display(path))
            .with_hint("use unlink to remove whichever FIFO has the name"),
    }
}

/// The error of opening `path`; of another kind if the name exists and leads nowhere, since then
/// neither creating nor opening can succeed.
pub(super) fn leads_nowhere(path: &Path, error: Error) -> Error {
    match (error.kind(), lstat(path)) {
        (ErrorKind::NotFound, Ok(stat)) if is(&stat, SFlag::S_IFLNK) => {
            error.with_kind(ErrorKind::WrongType).with_hint("remove the symbolic link, which leads nowhere")
        }
        _ => error,
    }
}

fn check_type(path: &Path, stat: &FileStat) -> Result<()> {
    if is(stat, SFlag::S_IFIFO) { Ok(()) } else { Err(wrong_type("open", path)) }
}

fn is(stat: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
}

fn wrong_type(operation: &'static str, path: &Path) -> Error {
    Error::new(operation, ErrorKind::WrongType)
        .with_name(name::display(path))
        .with_hint("pass the path of a FIFO")
}

pub(super) fn failed(operation: &'static str, path: &Path, errno: Errno) -> Error {
    Error::from_errno(operation, errno).with_name(name::display(path)).with_limit(limits::descriptors(errno))
}

fn timed_out(operation: &'static str, path: &Path) -> Error {
    failed(operation, path, Errno::ETIMEDOUT)
}
