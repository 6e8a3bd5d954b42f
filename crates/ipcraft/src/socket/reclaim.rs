//! Taking over a path that a dead socket left behind.

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
use super::options::create;
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::support::errno;
use crate::sys::socket as sys;
use crate::sys::{ioctl, retry};
use crate::time::Deadline;

const RECLAIM: &str = "reclaim";
const TURN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Makes `bind` succeed where only a dead socket's file was in the way.
///
/// The lock is taken before the first attempt: a file is there for a moment before its socket can be found by it, and
/// another reclaimer must not look in that moment.
pub(super) fn bind(path: &Path, bind: impl Fn() -> Result<()>) -> Result<()> {
    let _turn = lock(path)?;
    match bind() {
        Err(error) if error.errno() == Some(libc::EADDRINUSE) => {}
        other => return other,
    }
    remove_dead(path)?;
    bind()
}

/// Locks the directory, so that nothing of the lock stays behind.
fn lock(path: &Path) -> Result<Flock<File>> {
    let directory = directory(path);
    // Nothing but a directory is opened: a FIFO there would make this wait.
    let opened = File::options().read(true).custom_flags(libc::O_DIRECTORY).open(&directory);
    let mut file = opened.map_err(|e| failed(&directory, errno(&e)))?;
    let deadline = Deadline::after(TURN);
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

fn remove_dead(path: &Path) -> Result<()> {
    let before = inode(path)?;
    probe(path)?;
    // Somebody who does not take the lock may be between making the file and owning it.
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

/// Which socket file the path leads to.
fn inode(path: &Path) -> Result<Option<(u64, u64)>> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => Ok(Some((meta.dev(), meta.ino()))),
        Ok(_) => Err(Error::new(RECLAIM, ErrorKind::WrongType)
            .with_name(name::display(path))
            .with_hint("it is not a socket, so it is left alone")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, errno(&error))),
    }
}

/// Refuses unless no socket of any type is bound to the file.
///
/// The kernel looks for the socket before it compares types. So a datagram socket's connect finds a live stream socket
/// with `EPROTOTYPE`, also one that does not listen yet, and does not disturb it with a connection; only a dead one is
/// `ECONNREFUSED`.
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
    failed(path, Errno::EADDRINUSE).with_hint("a live socket has it")
}

fn failed(path: &Path, errno: Errno) -> Error {
    Error::from_errno(RECLAIM, errno).with_name(name::display(path))
}
