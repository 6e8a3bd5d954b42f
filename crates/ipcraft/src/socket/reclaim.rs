//! Replacing the file that a closed socket left at a path.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::SockType;

use super::Address;
use super::create::create;
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::errno;
use crate::sys::{ioctl, retry, socket as sys};
use crate::time::Deadline;

const RECLAIM: &str = "reclaim";

/// How long to wait for the directory's lock. Reclaiming takes some 10 ms, so this is a long queue.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between attempts to lock, and between the two probes of a file.
const PAUSE: Duration = Duration::from_millis(10);

/// Makes `bind` succeed if nothing but the file of a closed socket prevents it.
///
/// The lock is taken before the first attempt. A file exists for a moment before its socket can be
/// found through it, and no other reclaimer may probe it in that moment.
pub(super) fn bind(path: &Path, bind: impl Fn() -> Result<()>) -> Result<()> {
    let _lock = lock(path)?;
    match bind() {
        Err(error) if error.errno() == Some(libc::EADDRINUSE) => {}
        other => return other,
    }
    remove_stale(path)?;
    bind()
}

/// Locks the directory itself, which leaves no lock file behind.
fn lock(path: &Path) -> Result<Flock<File>> {
    let directory = directory(path);
    // O_DIRECTORY, since opening a FIFO would block.
    let opened = File::options().read(true).custom_flags(libc::O_DIRECTORY).open(&directory);
    let mut file = opened.map_err(|e| failed(&directory, errno(&e)))?;
    let deadline = Deadline::after(LOCK_TIMEOUT);
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, Errno::EAGAIN)) if deadline.has_passed() => {
                return Err(failed(&directory, Errno::ETIMEDOUT));
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

fn remove_stale(path: &Path) -> Result<()> {
    let before = inode(path)?;
    probe(path)?;
    // A process that does not take the lock may have created the file and not yet bound its socket.
    thread::sleep(PAUSE);
    probe(path)?;
    if inode(path)? != before {
        return Err(in_use(path));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, errno(&error))),
        _ => Ok(()),
    }
}

/// The device and inode of the socket file at the path.
fn inode(path: &Path) -> Result<Option<(u64, u64)>> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => Ok(Some((meta.dev(), meta.ino()))),
        Ok(_) => Err(Error::new(RECLAIM, ErrorKind::WrongType)
            .with_name(name::display(path))
            .with_hint("choose a path that leads to no other file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, errno(&error))),
    }
}

/// Fails if a socket of any type is bound to the file.
///
/// The kernel finds the socket before it compares types. Connecting a datagram socket therefore
/// detects a live stream socket (`EPROTOTYPE`), even one that does not listen yet, without
/// disturbing it with a connection. Only a closed socket yields `ECONNREFUSED`.
fn probe(path: &Path) -> Result<()> {
    let address = Address::from(path);
    let socket = create(SockType::Datagram)?;
    ioctl::set_nonblocking(socket.as_fd(), true).map_err(|e| failed(path, e))?;
    match retry(|| sys::connect(socket.as_fd(), address.checked(RECLAIM).map_err(|_| Errno::EINVAL)?)) {
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(()),
        Err(errno @ (Errno::EACCES | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => {
            Err(failed(path, errno))
        }
        _ => Err(in_use(path)),
    }
}

fn in_use(path: &Path) -> Error {
    failed(path, Errno::EADDRINUSE).with_hint("stop the live socket at this path, or use another path")
}

fn failed(path: &Path, errno: Errno) -> Error {
    Error::from_errno(RECLAIM, errno).with_name(name::display(path))
}
