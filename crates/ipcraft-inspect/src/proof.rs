//! The proof that no process holds a file.
//!
//! Reading `/proc` cannot prove that. A descriptor may be in transit over a socket. A process may
//! pass it on, or fork, while others are read. Processes of other pid namespaces are not listed.
//!
//! The kernel itself counts the open file descriptions of each file, for leases (fcntl(2)). A
//! mapping keeps its description, also when the descriptor is closed, and so does a socket that
//! transports one. `F_SETLEASE` with `F_WRLCK` succeeds only if there is none but the caller's, at
//! one moment, over all namespaces. It needs the owner of the file or root, and no view of other
//! processes. The lease ends immediately. A process that opens the file in this microsecond waits
//! for its end, unless it opens with `O_NONBLOCK`, which then fails with `EAGAIN`.
//!
//! A descriptor with `O_PATH` is not counted: it can neither read, write nor map the file.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::sys;

/// What the kernel answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No process held the file at one moment.
    Free,
    /// Some process holds it.
    Held,
    /// Only the owner and root may ask.
    NotPermitted,
    /// This kernel, or the file system, does not count.
    NotCounted,
}

/// How often a file that no visible process holds is asked about, because another inspection may
/// hold it for a moment.
const ATTEMPTS: u32 = 3;

const PAUSE: Duration = Duration::from_micros(300);

/// Returns whether any process but the caller, which has only this description, holds the file.
pub(crate) fn ask(file: BorrowedFd<'_>) -> Answer {
    let answer = take_patiently(file);
    if answer == Answer::Free {
        sys::end_lease(file);
    }
    answer
}

/// As [`ask`], but takes another inspection for a holder.
pub(crate) fn ask_quickly(file: BorrowedFd<'_>) -> Answer {
    if !kernel_counts() {
        return Answer::NotCounted;
    }
    let answer = take(file);
    if answer == Answer::Free {
        sys::end_lease(file);
    }
    answer
}

/// As [`ask`], but keeps the lease if the file is free, so that no process can open it.
pub(crate) fn take_patiently(file: BorrowedFd<'_>) -> Answer {
    if !kernel_counts() {
        return Answer::NotCounted;
    }
    for _ in 1..ATTEMPTS {
        match take(file) {
            Answer::Held => sleep(PAUSE),
            answer => return answer,
        }
    }
    take(file)
}

/// Asks once, and keeps the lease if the file is free.
pub(crate) fn take(file: BorrowedFd<'_>) -> Answer {
    match sys::take_lease(file) {
        Ok(()) => Answer::Free,
        Err(Errno::EAGAIN) => Answer::Held,
        Err(Errno::EACCES | Errno::EPERM) => Answer::NotPermitted,
        Err(_) => Answer::NotCounted,
    }
}

/// Returns whether this kernel counts descriptions for reading and for writing, which is tried with
/// files of this process. Kernels before 5.3, and emulations of Linux, may not.
pub(crate) fn kernel_counts() -> bool {
    static COUNTS: OnceLock<bool> = OnceLock::new();
    *COUNTS.get_or_init(|| counts().unwrap_or(false))
}

fn counts() -> nix::Result<bool> {
    // The first description of such a file is not counted, so it is replaced.
    let first = memfd_create(c"ipcraft-inspect", MFdFlags::MFD_CLOEXEC)?;
    let (reader, writer) = (reopen(&first, false)?, reopen(&first, true)?);
    drop(first);
    let sees_writer = sys::take_lease(reader.as_fd()) == Err(Errno::EAGAIN);
    drop(writer);
    let other = reopen(&reader, false)?;
    let sees_reader = sys::take_lease(reader.as_fd()) == Err(Errno::EAGAIN);
    drop(other);
    Ok(sees_writer && sees_reader && sys::take_lease(reader.as_fd()) == Ok(()))
}

/// Another description of the same file.
fn reopen(file: &OwnedFd, write: bool) -> nix::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let opened = File::options().read(true).write(write).custom_flags(nix::libc::O_NONBLOCK).open(path);
    opened.map(OwnedFd::from).map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(nix::libc::EIO)))
}

#[cfg(test)]
mod tests {
    use super::*;
    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "content").unwrap();
        (directory, path)
    }

    fn asked(path: &std::path::Path) -> Answer {
        ask(File::open(path).unwrap().as_fd())
    }

    #[test]
    #[allow(clippy::print_stderr, reason = "a test that cannot run shows why")]
    fn ask_of_a_file_reports_each_way_to_hold_it() {
        if !kernel_counts() {
            eprintln!("skipped: needs a kernel that counts open file descriptions");
            return;
        }
        let (_directory, path) = file();
        assert_eq!(asked(&path), Answer::Free);
        let reader = File::open(&path).unwrap();
        assert_eq!(asked(&path), Answer::Held, "a descriptor for reading");
        drop(reader);
        let writer = File::options().write(true).open(&path).unwrap();
        assert_eq!(asked(&path), Answer::Held, "a descriptor for writing");
        drop(writer);
        assert_eq!(asked(&path), Answer::Free);
    }
}
