//! Replacing the file that a closed socket left at a path.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::SockType;
use nix::sys::stat::{FileStat, fstat};
use nix::time::{ClockId, clock_gettime};

use super::create::create;
use super::{Address, bound_file};
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::directory_entry::DirectoryEntry;
use crate::support::{errno, limits, proc_fd};
use crate::sys::{ioctl, retry, socket as sys};
use crate::time::Deadline;

const RECLAIM: &str = "reclaim";

/// How long to wait for the directory's lock. Reclaiming takes some 10 ms, so this is a long queue.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between attempts to lock.
const PAUSE: Duration = Duration::from_millis(10);

/// The age from which a file without a socket is stale.
///
/// bind(2) makes the file some microseconds before the socket can be found through it. A busy
/// machine may stretch that by some scheduling periods, of 10 ms at most.
const SETTLING_TIME: Duration = Duration::from_millis(100);

/// Makes `bind` succeed if nothing but the file of a closed socket prevents it.
///
/// The lock is taken before the first attempt. A file exists for a moment before its socket can be
/// found through it, and no other reclaimer may probe it in that moment.
pub(super) fn bind<T>(path: &Path, bind: impl Fn() -> Result<T>) -> Result<T> {
    let _lock = lock(path)?;
    match bind() {
        Err(error) if error.errno() == Some(libc::EADDRINUSE) => {}
        other => return other,
    }
    remove_stale(path)?;
    bind()
}

/// Locks the directory itself, which leaves no lock file behind.
pub(super) fn lock(path: &Path) -> Result<Flock<File>> {
    let directory = directory(path);
    // O_DIRECTORY, since opening a FIFO would block.
    let opened = File::options().read(true).custom_flags(libc::O_DIRECTORY).open(&directory);
    let mut file = opened.map_err(|e| failed(&directory, errno(&e)))?;
    let deadline = Deadline::after(LOCK_TIMEOUT);
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, Errno::EAGAIN)) if deadline.has_passed() => {
                return Err(failed(&directory, Errno::ETIMEDOUT)
                    .with_hint("find the process that keeps the directory locked"));
            }
            Err((again, Errno::EAGAIN | Errno::EINTR)) => file = again,
            Err((_, errno)) => return Err(failed(&directory, errno)),
        }
        thread::sleep(PAUSE);
    }
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.into(),
        _ => ".".into(),
    }
}

/// Removes the file of a closed socket, which stays held, so that no other file is taken for it.
fn remove_stale(path: &Path) -> Result<()> {
    let entry = DirectoryEntry::of(path).map_err(|e| failed(path, e))?;
    let held = match bound_file::hold(&entry) {
        Err(Errno::ENOENT) => return Ok(()),
        Err(Errno::EPROTOTYPE) => return Err(another_file(RECLAIM, path)),
        other => other.map_err(|e| failed(path, e))?,
    };
    probe(path, held.as_fd())?;
    let settling = settling_time(&fstat(&held).map_err(|e| failed(path, e))?);
    if !settling.is_zero() {
        thread::sleep(settling);
        probe(path, held.as_fd())?;
    }
    match entry.remove(held.as_fd()) {
        Err(Errno::ESTALE) => Err(in_use(path)),
        Err(errno) if errno != Errno::ENOENT => Err(failed(path, errno)),
        _ => Ok(()),
    }
}

/// The time until the file is old enough. One from the future, by a step of the clock, counts as
/// new.
fn settling_time(file: &FileStat) -> Duration {
    let changed = Duration::new(file.st_ctime.max(0) as u64, file.st_ctime_nsec as u32);
    let now = clock_gettime(ClockId::CLOCK_REALTIME).map_or(Duration::ZERO, Duration::from);
    let age = now.checked_sub(changed).unwrap_or_default();
    SETTLING_TIME.saturating_sub(age)
}

/// Fails if a socket of any type is bound to the file.
///
/// The kernel finds the socket before it compares types. Connecting a datagram socket therefore
/// detects a live stream socket (`EPROTOTYPE`), even one that does not listen yet, without
/// disturbing it with a connection. Only a closed socket yields `ECONNREFUSED`.
fn probe(path: &Path, held: BorrowedFd<'_>) -> Result<()> {
    let socket = create(SockType::Datagram).map_err(|e| e.with_name(name::display(path)))?;
    ioctl::set_nonblocking(socket.as_fd(), true).map_err(|e| failed(path, e))?;
    // Without /proc the path has to lead to the held file. A removal checks that it does.
    let address = proc_fd::checked_path(held).map_or_else(|_| Address::from(path), Address::from);
    match address.find(RECLAIM, |target| retry(|| sys::connect(socket.as_fd(), target)))? {
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(()),
        Err(errno @ (Errno::EACCES | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => {
            Err(failed(path, errno))
        }
        _ => Err(in_use(path)),
    }
}

/// The error for a path that leads to a file which is not a socket.
pub(super) fn another_file(operation: &'static str, path: &Path) -> Error {
    Error::new(operation, ErrorKind::WrongType)
        .with_name(name::display(path))
        .with_hint("choose a path that leads to no other file")
}

fn in_use(path: &Path) -> Error {
    failed(path, Errno::EADDRINUSE).with_hint("stop the live socket at this path, or use another path")
}

fn failed(path: &Path, errno: Errno) -> Error {
    Error::from_errno(RECLAIM, errno).with_name(name::display(path)).with_limit(limits::descriptors(errno))
}
