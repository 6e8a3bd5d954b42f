//! A name that is taken from its file before the file is removed, and can be given back.

use std::ffi::CString;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, RenameFlags, open, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::identity::Identity;
use crate::sys;

/// A name in a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    directory: OwnedFd,
    name: CString,
}

impl Entry {
    pub(crate) fn new(directory: &Path, name: CString) -> nix::Result<Entry> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Entry { directory: open(directory, flags, Mode::empty())?, name })
    }

    pub(crate) fn of(path: &Path) -> nix::Result<Entry> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Errno::EINVAL);
        };
        Entry::new(directory, CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?)
    }

    /// Gives the file another name. Fails with `ESTALE` if this name leads to another file.
    pub(crate) fn put_aside(&self, file: Identity) -> nix::Result<Aside<'_>> {
        self.check(&self.name, file)?;
        let random = RandomState::new().hash_one(std::process::id());
        let name = CString::new(format!(".ipcraft-rm-{random:016x}")).map_err(|_| Errno::EINVAL)?;
        self.rename(&self.name, &name)?;
        let aside = Aside { entry: self, name };
        // Another file may have got the name after it was checked.
        match self.check(&aside.name, file) {
            Ok(()) => Ok(aside),
            Err(errno) => aside.put_back().and(Err(errno)),
        }
    }

    fn check(&self, name: &CString, file: Identity) -> nix::Result<()> {
        let found = sys::status(self.directory.as_fd(), name, false)?.id;
        if Identity::File(found) == file { Ok(()) } else { Err(Errno::ESTALE) }
    }

    fn rename(&self, from: &CString, to: &CString) -> nix::Result<()> {
        let directory = self.directory.as_fd();
        renameat2(directory, from.as_c_str(), directory, to.as_c_str(), RenameFlags::RENAME_NOREPLACE)
    }
}

/// A file that was put aside.
#[derive(Debug)]
pub(crate) struct Aside<'a> {
    entry: &'a Entry,
    name: CString,
}

impl Aside<'_> {
    /// Where the file is now. The path is short, so that an address of a socket has room for it.
    pub(crate) fn path(&self) -> PathBuf {
        let directory = format!("/proc/self/fd/{}", self.entry.directory.as_raw_fd());
        Path::new(&directory).join(std::ffi::OsStr::from_bytes(self.name.to_bytes()))
    }

    /// Removes the file.
    pub(crate) fn remove(self) -> nix::Result<()> {
        unlinkat(self.entry.directory.as_fd(), self.name.as_c_str(), UnlinkatFlags::NoRemoveDir)
    }

    /// Gives the file its name back. Fails with `EEXIST` if another file has it by now; the file
    /// then keeps the name that it was given.
    pub(crate) fn put_back(self) -> nix::Result<()> {
        self.entry.rename(&self.name, &self.entry.name)
    }
}
