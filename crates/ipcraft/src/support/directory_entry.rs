//! One name in a directory, which is held by a descriptor.
//!
//! The name stays reachable if the working directory or the root changes, or if the directory is
//! moved. A file is made under a private name and held before it is published, so that it is known
//! which file this process made: the file that a name leads to afterwards may be another's.

use std::collections::hash_map::RandomState;
use std::ffi::{CStr, CString};
use std::hash::BuildHasher;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat, stat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use crate::sys::rename::{rename_exchange, rename_noreplace};
use crate::sys::retry;

/// A name in a directory that this holds.
#[derive(Debug)]
pub(crate) struct DirectoryEntry {
    directory: OwnedFd,
    name: CString,
}

impl DirectoryEntry {
    /// Opens the directory of `path`. The name itself need not exist.
    pub(crate) fn of(path: &Path) -> nix::Result<Self> {
        let bytes = path.as_os_str().as_bytes();
        let (directory, name) = match bytes.iter().rposition(|&byte| byte == b'/') {
            Some(0) => (&b"/"[..], &bytes[1..]),
            Some(slash) => (&bytes[..slash], &bytes[slash + 1..]),
            None => (&b"."[..], bytes),
        };
        if matches!(name, b"" | b"." | b"..") {
            // Such a path leads to a directory or to nothing, and no file can be made there.
            return Err(stat(path).map_or_else(|errno| errno, |_| Errno::EEXIST));
        }
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = retry(|| open(directory, flags, Mode::empty()))?;
        Ok(DirectoryEntry { directory, name: CString::new(name).map_err(|_| Errno::EINVAL)? })
    }

    /// Opens the file of this name with `O_PATH`, and a symbolic link as itself.
    ///
    /// The descriptor needs no right to the file, and keeps its inode number from being reused.
    pub(crate) fn hold(&self) -> nix::Result<OwnedFd> {
        self.hold_named(&self.name)
    }

    /// Returns the directory, held with `O_PATH`.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Returns the name in the directory.
    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }

    /// Returns whether a file has this name.
    pub(crate) fn exists(&self) -> bool {
        fstatat(&self.directory, self.name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// Makes a file under a private name in the same directory, and holds it.
    ///
    /// `make` gets the directory and a name, and fails with `EEXIST` or `EADDRINUSE` if that
    /// exists. A process that is killed before [`publish`](PrivateFile::publish) leaves the private
    /// name.
    pub(crate) fn make_private(
        &self,
        make: impl Fn(BorrowedFd<'_>, &CStr) -> nix::Result<()>,
    ) -> nix::Result<PrivateFile<'_>> {
        loop {
            let name = private_name();
            match make(self.directory.as_fd(), &name) {
                Err(Errno::EEXIST | Errno::EADDRINUSE) => continue,
                made => made?,
            }
            match self.hold_named(&name) {
                Ok(held) => return Ok(PrivateFile { entry: self, name, held: Some(held) }),
                // It was removed already.
                Err(Errno::ENOENT) => {}
                Err(errno) => {
                    self.unlink(&name);
                    return Err(errno);
                }
            }
        }
    }

    /// Removes the name if it leads to the file behind `held`, and fails with `ESTALE` if it leads
    /// to another one.
    ///
    /// Needs no descriptor. Another file may take the name after a check, so the name is moved
    /// aside, checked again there, and moved back if it is another's.
    pub(crate) fn remove(&self, held: BorrowedFd<'_>) -> nix::Result<()> {
        let held = fstat(held)?;
        self.remove_if(|named| is_same(named, &held))
    }

    /// Removes the name if it leads to a file that is `wanted`, and fails with `ESTALE` if not, as
    /// [`remove`](DirectoryEntry::remove) does.
    pub(crate) fn remove_if(&self, wanted: impl Fn(&FileStat) -> bool) -> nix::Result<()> {
        self.check(&self.name, &wanted)?;
        self.remove_checked(wanted)
    }

    /// Removes the name, which led to a file that is `wanted` a moment ago.
    fn remove_checked(&self, wanted: impl Fn(&FileStat) -> bool) -> nix::Result<()> {
        let aside = private_name();
        renameat(&self.directory, self.name.as_c_str(), &self.directory, aside.as_c_str())?;
        let removed = self
            .check(&aside, &wanted)
            .and_then(|()| unlinkat(&self.directory, aside.as_c_str(), UnlinkatFlags::NoRemoveDir));
        if removed.is_err() {
            let _ = self.rename(&aside, &self.name);
        }
        removed
    }

    fn hold_named(&self, name: &CStr) -> nix::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        retry(|| openat(&self.directory, name, flags, Mode::empty()))
    }

    fn check(&self, name: &CStr, wanted: impl Fn(&FileStat) -> bool) -> nix::Result<()> {
        let named = fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if wanted(&named) { Ok(()) } else { Err(Errno::ESTALE) }
    }

    /// Moves one name of the directory to another one that does not exist.
    fn rename(&self, from: &CStr, to: &CStr) -> nix::Result<()> {
        match rename_noreplace(self.directory.as_fd(), from, to) {
            Err(Errno::EINVAL | Errno::ENOSYS) => {
                linkat(&self.directory, from, &self.directory, to, AtFlags::empty())?;
                self.unlink(from);
                Ok(())
            }
            other => other,
        }
    }

    /// Moves a name over the name of this entry, if that leads to a file that is `replaceable`.
    /// Fails with `EEXIST` if not.
    ///
    /// The two names are exchanged, and again if the file turns out to be another one.
    fn rename_over(&self, from: &CStr, replaceable: impl Fn(&FileStat) -> bool) -> nix::Result<()> {
        let directory = self.directory.as_fd();
        let in_the_way = |e| if e == Errno::ESTALE { Errno::EEXIST } else { e };
        self.check(&self.name, &replaceable).map_err(in_the_way)?;
        match rename_exchange(directory, from, &self.name) {
            Err(Errno::EINVAL | Errno::ENOSYS) => renameat(directory, from, directory, self.name.as_c_str()),
            Err(errno) => Err(errno),
            Ok(()) => match self.check(from, &replaceable) {
                Ok(()) => unlinkat(directory, from, UnlinkatFlags::NoRemoveDir),
                Err(_) => rename_exchange(directory, from, &self.name).and(Err(Errno::EEXIST)),
            },
        }
    }

    fn unlink(&self, name: &CStr) {
        let _ = unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
    }
}

/// A file under a private name, which this removes on drop unless it was published.
#[derive(Debug)]
pub(crate) struct PrivateFile<'a> {
    entry: &'a DirectoryEntry,
    name: CString,
    /// `None` after the publication.
    held: Option<OwnedFd>,
}

impl PrivateFile<'_> {
    /// Returns the descriptor with `O_PATH` that holds the file.
    pub(crate) fn held(&self) -> BorrowedFd<'_> {
        self.held.as_ref().expect("held until published").as_fd()
    }

    /// Gives the file the name of its entry, and returns what holds it.
    ///
    /// Fails with `EEXIST` if the name exists, and with `ESTALE` if the private name was removed.
    pub(crate) fn publish(mut self) -> nix::Result<OwnedFd> {
        self.entry.rename(&self.name, &self.entry.name).map_err(|e| match e {
            Errno::ENOENT => Errno::ESTALE,
            other => other,
        })?;
        Ok(self.held.take().expect("held until published"))
    }

    /// Gives the file the name of its entry, in place of a file that is `replaceable`. The name
    /// leads to one of the two at every moment.
    ///
    /// Fails with `EEXIST` if the name leads to another file, and with `ESTALE` as
    /// [`publish`](PrivateFile::publish) does.
    pub(crate) fn publish_over(mut self, replaceable: impl Fn(&FileStat) -> bool) -> nix::Result<OwnedFd> {
        let held = fstat(self.held())?;
        loop {
            self.entry.check(&self.name, |file| is_same(file, &held)).map_err(|_| Errno::ESTALE)?;
            let renamed = match self.entry.rename(&self.name, &self.entry.name) {
                Err(Errno::EEXIST) => self.entry.rename_over(&self.name, &replaceable),
                other => other,
            };
            match renamed {
                // The name in the way is gone, so the next round does not replace.
                Err(Errno::ENOENT) => {}
                other => {
                    other?;
                    return Ok(self.held.take().expect("held until published"));
                }
            }
        }
    }
}

impl Drop for PrivateFile<'_> {
    fn drop(&mut self) {
        if self.held.is_some() {
            self.entry.unlink(&self.name);
        }
    }
}

fn is_same(a: &FileStat, b: &FileStat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

/// A name that no other process chooses.
fn private_name() -> CString {
    let random = RandomState::new().hash_one(std::process::id());
    CString::new(format!(".ipcraft-{random:016x}")).expect("has no NUL byte")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::mkfifoat;
    use std::fs;

    fn make(directory: BorrowedFd<'_>, name: &CStr) -> nix::Result<()> {
        mkfifoat(directory, name, Mode::S_IRWXU)
    }

    fn names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn publish_to_a_taken_name_returns_eexist_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let entry = DirectoryEntry::of(&dir.path().join("object")).unwrap();
        let held = entry.make_private(make).unwrap().publish().unwrap();
        assert_eq!(entry.make_private(make).unwrap().publish().unwrap_err(), Errno::EEXIST);
        assert_eq!(names(dir.path()), 1);
        drop(entry.make_private(make).unwrap());
        assert_eq!(names(dir.path()), 1);
        entry.remove(held.as_fd()).unwrap();
        assert_eq!(names(dir.path()), 0);
    }

    #[test]
    fn publish_over_replaces_only_a_file_of_the_wanted_kind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        let entry = DirectoryEntry::of(&path).unwrap();
        let is_fifo = |file: &FileStat| file.st_mode & libc::S_IFMT == libc::S_IFIFO;
        let publish = || entry.make_private(make).unwrap().publish_over(is_fifo);
        let first = publish().unwrap();
        let second = publish().unwrap();
        assert_eq!(entry.remove(first.as_fd()), Err(Errno::ESTALE));
        entry.remove(second.as_fd()).unwrap();
        fs::write(&path, "precious").unwrap();
        assert_eq!(publish().unwrap_err(), Errno::EEXIST);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        assert_eq!(names(dir.path()), 1);
    }

    #[test]
    fn remove_of_a_name_that_leads_to_another_file_returns_estale() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        let entry = DirectoryEntry::of(&path).unwrap();
        let held = entry.make_private(make).unwrap().publish().unwrap();
        // The held inode is not freed, so no file system can give its number to the next one.
        for _ in 0..100 {
            fs::remove_file(&path).unwrap();
            fs::write(&path, "another").unwrap();
            assert_eq!(entry.remove(held.as_fd()), Err(Errno::ESTALE));
            assert_eq!(fs::read(&path).unwrap(), b"another");
        }
        assert_eq!(names(dir.path()), 1);
    }

    #[test]
    fn remove_of_a_name_that_was_taken_after_the_check_puts_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        let entry = DirectoryEntry::of(&path).unwrap();
        let held = entry.make_private(make).unwrap().publish().unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        let held = fstat(&held).unwrap();
        assert_eq!(entry.remove_checked(|file| is_same(file, &held)), Err(Errno::ESTALE));
        assert_eq!(fs::read(&path).unwrap(), b"another");
        assert_eq!(names(dir.path()), 1);
    }

    #[test]
    fn remove_after_the_directory_was_moved_finds_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let (before, after) = (dir.path().join("before"), dir.path().join("after"));
        fs::create_dir(&before).unwrap();
        let entry = DirectoryEntry::of(&before.join("object")).unwrap();
        let held = entry.make_private(make).unwrap().publish().unwrap();
        fs::rename(&before, &after).unwrap();
        entry.remove(held.as_fd()).unwrap();
        assert_eq!(names(&after), 0);
    }

    #[test]
    fn entry_of_a_path_without_a_last_name_returns_an_error() {
        for (path, errno) in [("/", Errno::EEXIST), ("/tmp/..", Errno::EEXIST), ("/no-such/", Errno::ENOENT)]
        {
            assert_eq!(DirectoryEntry::of(Path::new(path)).unwrap_err(), errno, "{path}");
        }
        assert_eq!(DirectoryEntry::of(Path::new("name")).unwrap().name.to_bytes(), b"name");
        assert_eq!(DirectoryEntry::of(Path::new("/name")).unwrap().name.to_bytes(), b"name");
    }
}
