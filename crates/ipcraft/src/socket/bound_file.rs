//! The file of a socket at a path: making it, and knowing which one was made.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat};

use crate::support::directory_entry::DirectoryEntry;
use crate::support::mode;
use crate::support::unlink_guard::UnlinkGuard;

/// A bit without meaning for a socket. The file has it until it is held, so that another process's
/// file, which took the name in between, is not taken for this one.
const MARK: Mode = Mode::S_ISVTX;

/// The mode that a file gets, and the mode with which bind(2) makes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileMode {
    bits: Mode,
    is_exact: bool,
    is_marked: bool,
}

impl FileMode {
    /// Gives the socket the mode with which bind(2) will make the file.
    ///
    /// An exact mode begins with no permission, since the umask takes bits away only then. Fails
    /// with `ENOSYS` if the mode of a held file cannot be changed, as an exact mode needs. Without
    /// one, the file then has no mark.
    pub(super) fn prepare(socket: BorrowedFd<'_>, bits: Mode, is_exact: bool) -> nix::Result<Self> {
        let first = if is_exact { Mode::empty() } else { bits };
        let is_marked = match mode::set(socket, first | MARK) {
            Err(_) if !is_exact => {
                fchmod(socket, first)?;
                false
            }
            result => result.map(|()| true)?,
        };
        Ok(FileMode { bits, is_exact, is_marked })
    }

    /// Gives a held file its mode.
    fn finish(self, held: BorrowedFd<'_>) -> nix::Result<()> {
        if !self.is_marked {
            return Ok(());
        }
        let bits = if self.is_exact { self.bits } else { permissions(&fstat(held)?) };
        mode::set(held, bits)
    }

    /// Whether the file behind `held` is one that was made with this mode and not finished.
    fn is_of(self, held: BorrowedFd<'_>) -> nix::Result<bool> {
        let file = fstat(held)?;
        Ok(is_socket(&file) && (!self.is_marked || Mode::from_bits_truncate(file.st_mode).contains(MARK)))
    }
}

/// The file of a bound socket, which the drop of this removes unless it is kept.
#[derive(Debug)]
pub(super) struct BoundFile {
    /// `None` if another file has the name already.
    guard: Option<UnlinkGuard>,
    mode: FileMode,
}

impl BoundFile {
    /// Makes the file at its name with `bind`, and holds it.
    ///
    /// Fails with `EADDRINUSE` if a file that needs an exact mode lost its name before that.
    pub(super) fn make(
        entry: DirectoryEntry,
        mode: FileMode,
        bind: impl FnOnce() -> nix::Result<()>,
    ) -> nix::Result<Self> {
        bind()?;
        let guard = match entry.hold() {
            Ok(held) if mode.is_of(held.as_fd())? => Some(UnlinkGuard::new(entry, held)),
            Ok(_) | Err(Errno::ENOENT) => None,
            Err(errno) => {
                // No descriptor is free. The inode number is the socket's until that is closed.
                let _ = entry.remove_if(|file| is_socket(file) && file.st_mode & MARK.bits() != 0);
                return Err(errno);
            }
        };
        if guard.is_none() && mode.is_exact { Err(Errno::EADDRINUSE) } else { Ok(BoundFile { guard, mode }) }
    }

    /// Makes the file under a private name, lets `listen` complete the socket, and gives the file
    /// its name, in place of the socket file that has it.
    ///
    /// Fails with `EEXIST` if a file of another type has the name.
    pub(super) fn replace(
        entry: DirectoryEntry,
        mode: FileMode,
        bind: impl Fn(BorrowedFd<'_>, &CStr) -> nix::Result<()>,
        listen: impl FnOnce() -> nix::Result<()>,
    ) -> nix::Result<Self> {
        let private = entry.make_private(bind)?;
        listen()?;
        mode.finish(private.held())?;
        let held = private.publish_over(is_socket)?;
        let mode = FileMode { is_marked: false, ..mode };
        Ok(BoundFile { guard: Some(UnlinkGuard::new(entry, held)), mode })
    }

    /// Gives the file its mode. Returns what removes it on drop, if that is wanted.
    pub(super) fn finish(self, removes: bool) -> nix::Result<Option<UnlinkGuard>> {
        let Some(guard) = self.guard else { return Ok(None) };
        self.mode.finish(guard.held())?;
        if removes {
            return Ok(Some(guard));
        }
        guard.disarm();
        Ok(None)
    }
}

pub(super) fn is_socket(file: &FileStat) -> bool {
    file.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFSOCK.bits()
}

fn permissions(file: &FileStat) -> Mode {
    Mode::from_bits_truncate(file.st_mode & 0o777)
}

/// Holds the socket file of this name. Fails with `EPROTOTYPE` if it has another type.
pub(super) fn hold(entry: &DirectoryEntry) -> nix::Result<OwnedFd> {
    let held = entry.hold()?;
    if is_socket(&fstat(&held)?) { Ok(held) } else { Err(Errno::EPROTOTYPE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::create::create;
    use crate::sys::sockaddr::SocketAddress;
    use crate::sys::socket::bind;
    use nix::sys::socket::SockType;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    fn make(path: &Path, is_exact: bool, after_bind: impl FnOnce()) -> nix::Result<BoundFile> {
        let socket = create(SockType::Stream).unwrap();
        let mode = FileMode::prepare(socket.as_fd(), Mode::S_IRWXU, is_exact)?;
        let address = SocketAddress::path(path.as_os_str().as_bytes()).unwrap();
        BoundFile::make(DirectoryEntry::of(path)?, mode, || {
            bind(socket.as_fd(), &address)?;
            after_bind();
            Ok(())
        })
    }

    #[test]
    fn make_whose_path_was_taken_by_another_file_leaves_that() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let replace = || {
            fs::remove_file(&path).unwrap();
            drop(UnixListener::bind(&path).unwrap());
        };
        let guard = make(&path, false, replace).unwrap().finish(true).unwrap();
        assert!(guard.is_none());
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        assert_eq!(make(&path, true, replace).unwrap_err(), Errno::EADDRINUSE);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        let guard = make(&path, false, || fs::remove_file(&path).unwrap()).unwrap().finish(true);
        assert!(guard.unwrap().is_none());
    }

    #[test]
    fn file_without_a_mark_is_held_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let mode = FileMode { bits: Mode::S_IRWXU, is_exact: false, is_marked: false };
        let listener = || UnixListener::bind(&path).map(drop).map_err(|e| crate::support::errno(&e));
        let file = BoundFile::make(DirectoryEntry::of(&path).unwrap(), mode, listener).unwrap();
        let guard = file.finish(true).unwrap().unwrap();
        assert!(path.exists());
        drop(guard);
        assert!(!path.exists());
    }

    #[test]
    fn drop_without_finish_removes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let file = make(&path, false, || {}).unwrap();
        drop(file);
        assert!(!path.exists());
        make(&path, false, || {}).unwrap().finish(false).unwrap();
        assert!(path.exists());
    }
}
