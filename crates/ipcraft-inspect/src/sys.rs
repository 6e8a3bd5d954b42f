//! The system calls that neither the standard library nor nix has.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int, c_long, c_uint, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::identity::FileId;

/// What statx(2) returns of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileStatus {
    pub(crate) id: FileId,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    pub(crate) links: u32,
    /// The later of the last modification and the last change of the inode, in seconds since 1970.
    pub(crate) changed: i64,
}

impl FileStatus {
    pub(crate) fn has_type(&self, wanted: u32) -> bool {
        self.mode & libc::S_IFMT == wanted
    }
}

/// statx(2): the status of the file that a name in a directory leads to. Does not ask a server for
/// it, so a dead one does not block.
pub(crate) fn status(directory: BorrowedFd<'_>, name: &CStr, follow: bool) -> nix::Result<FileStatus> {
    let flags = libc::AT_STATX_DONT_SYNC | libc::AT_NO_AUTOMOUNT;
    statx(directory, name, if follow { flags } else { flags | libc::AT_SYMLINK_NOFOLLOW })
}

/// statx(2): the status of an open file.
pub(crate) fn status_of(file: BorrowedFd<'_>) -> nix::Result<FileStatus> {
    statx(file, c"", libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC)
}

fn statx(directory: BorrowedFd<'_>, name: &CStr, flags: c_int) -> nix::Result<FileStatus> {
    let mut found = MaybeUninit::<libc::statx>::uninit();
    let wanted = libc::STATX_BASIC_STATS;
    // SAFETY: because statx(2) reads a name that ends in NUL, and writes one structure of this
    // type.
    Errno::result(unsafe {
        libc::statx(directory.as_raw_fd(), name.as_ptr(), flags, wanted, found.as_mut_ptr())
    })?;
    // SAFETY: because the call succeeded and has filled the structure in.
    let found = unsafe { found.assume_init() };
    Ok(FileStatus {
        id: FileId::new(found.stx_dev_major, found.stx_dev_minor, found.stx_ino),
        mode: u32::from(found.stx_mode),
        uid: found.stx_uid,
        gid: found.stx_gid,
        size: found.stx_size,
        links: found.stx_nlink,
        changed: found.stx_mtime.tv_sec.max(found.stx_ctime.tv_sec),
    })
}

/// `F_SETLEASE` with `F_WRLCK`: succeeds only if no other open file description of the file exists.
///
/// Until the lease ends, a process that opens the file waits. The kernel then notifies this process
/// by `SIGURG`, which is ignored by default, instead of `SIGIO`, which is not.
pub(crate) fn take_lease(file: BorrowedFd<'_>) -> nix::Result<()> {
    fcntl(file, F_SETSIG, libc::SIGURG)?;
    fcntl(file, libc::F_SETLEASE, libc::F_WRLCK).map(drop)
}

/// `F_GETLEASE`: whether the lease is held and no process waits for its end.
pub(crate) fn has_whole_lease(file: BorrowedFd<'_>) -> bool {
    fcntl(file, libc::F_GETLEASE, 0) == Ok(libc::F_WRLCK)
}

/// `F_SETLEASE` with `F_UNLCK`.
pub(crate) fn end_lease(file: BorrowedFd<'_>) {
    // Closing the file ends the lease, too.
    let _ = fcntl(file, libc::F_SETLEASE, libc::F_UNLCK);
}

/// Missing in libc.
const F_SETSIG: c_int = 10;

fn fcntl(file: BorrowedFd<'_>, command: c_int, argument: c_int) -> nix::Result<c_int> {
    // SAFETY: because these commands take an integer.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), command, argument) })
}

/// fsmount(2): the `mqueue` file system of this IPC namespace, mounted nowhere. Needs
/// `CAP_SYS_ADMIN`.
pub(crate) fn mount_mqueue() -> nix::Result<OwnedFd> {
    const CLOEXEC: c_uint = 1;
    const CREATE: c_uint = 6;
    // SAFETY: because fsopen(2) reads a name that ends in NUL.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, c"mqueue".as_ptr(), CLOEXEC) })?;
    let (fd, none) = (context.as_raw_fd(), ptr::null::<c_void>());
    // SAFETY: because fsconfig(2) with this command takes neither key nor value.
    Errno::result(unsafe { libc::syscall(libc::SYS_fsconfig, fd, CREATE, none, none, 0) })?;
    // SAFETY: because fsmount(2) takes integers only.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, fd, CLOEXEC, 0) })
}

fn owned(result: c_long) -> nix::Result<OwnedFd> {
    let fd = Errno::result(result)? as RawFd;
    // SAFETY: because the call has just returned this descriptor, which has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// mq_open(3): a queue of this IPC namespace, for reading and without blocking.
pub(crate) fn open_queue(name: &CStr) -> nix::Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: because mq_open(3) reads a name that ends in NUL, and no further argument without
    // `O_CREAT`. On Linux, what it returns is a descriptor (mq_overview(7)).
    owned(c_long::from(unsafe { libc::mq_open(name.as_ptr(), flags) }))
}

/// mq_unlink(3)
pub(crate) fn unlink_queue(name: &CStr) -> nix::Result<()> {
    // SAFETY: because mq_unlink(3) reads a name that ends in NUL.
    Errno::result(unsafe { libc::mq_unlink(name.as_ptr()) }).map(drop)
}

/// The names in a directory below another one. If reading fails after the first ones, as it does
/// when a process ends, the rest is missing.
///
/// nix's `Dir` would leak a descriptor when a process ends while it is opened.
pub(crate) fn names(directory: BorrowedFd<'_>, name: &CStr) -> nix::Result<Vec<CString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let opened = openat(directory, name, flags, Mode::empty())?;
    let mut names = Vec::with_capacity(32);
    // Words, because the kernel aligns the entries to them.
    let mut buffer = [0_u64; 4096];
    loop {
        let size = size_of_val(&buffer);
        // SAFETY: because getdents64(2) writes at most `size` bytes, which the buffer has.
        let read = Errno::result(unsafe {
            libc::syscall(libc::SYS_getdents64, opened.as_raw_fd(), buffer.as_mut_ptr(), size)
        });
        let Ok(read @ 1..) = read else { return Ok(names) };
        let bytes: Vec<u8> = buffer.iter().flat_map(|word| word.to_ne_bytes()).take(read as usize).collect();
        push_names(&bytes, &mut names);
    }
}

/// Parses entries: inode and offset of 8 bytes each, length of 2, type of 1, and the name.
fn push_names(mut entries: &[u8], names: &mut Vec<CString>) {
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    while let Some(&[low, high]) = entries.get(LENGTH..LENGTH + 2) {
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let name = entries.get(NAME..length).and_then(|bytes| CStr::from_bytes_until_nul(bytes).ok());
        let Some(name) = name else { return };
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
        entries = &entries[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::fd::AsFd;

    #[test]
    fn names_of_a_large_directory_are_all_there() {
        let directory = tempfile::tempdir().unwrap();
        let made: BTreeSet<String> = (0..3000).map(|n| format!("{n}-{}", "x".repeat(n % 200))).collect();
        for name in &made {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let opened = std::fs::File::open(directory.path()).unwrap();
        let found = names(opened.as_fd(), c".").unwrap();
        let found: BTreeSet<String> = found.into_iter().map(|name| name.into_string().unwrap()).collect();
        assert_eq!(found, made);
        assert_eq!(names(opened.as_fd(), c"missing").unwrap_err(), Errno::ENOENT);
    }
}
