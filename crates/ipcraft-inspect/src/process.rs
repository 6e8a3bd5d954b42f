//! One process, through a directory of `/proc` that stays that of this process.
//!
//! A descriptor of `/proc/PID` leads to the process that had this id when it was opened. After its
//! end every access fails, also if the id belongs to another process by then.

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use serde::Serialize;

use crate::escape::escape;
use crate::sys;

/// A process, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Process {
    /// Its id, in the pid namespace of the reader.
    pub pid: u32,
    /// When it started, in clock ticks since boot. Two processes that had the same id differ here.
    pub started: u64,
    /// The name of its program, [escaped](crate::escape), as far as the kernel keeps it.
    pub name: String,
    /// Its effective user, or root if the process is protected from its user.
    pub uid: u32,
}

/// The directory of `/proc`.
pub(crate) fn open_proc() -> nix::Result<OwnedFd> {
    open("/proc", DIRECTORY, Mode::empty())
}

const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The ids of the processes that this process can see.
pub(crate) fn ids(proc: BorrowedFd<'_>) -> nix::Result<Vec<u32>> {
    numbered(proc, c".")
}

/// The numbers among the names in a directory.
pub(crate) fn numbered(directory: BorrowedFd<'_>, name: &std::ffi::CStr) -> nix::Result<Vec<u32>> {
    let names = sys::names(directory, name)?;
    Ok(names.iter().filter_map(|name| name.to_str().ok()?.parse().ok()).collect())
}

/// The files of one process.
#[derive(Debug)]
pub(crate) struct ProcessFiles {
    directory: OwnedFd,
    pub(crate) process: Process,
    /// The letter of its state.
    pub(crate) state: u8,
    pub(crate) threads: u32,
    /// A thread of the kernel holds no object.
    pub(crate) is_kernel: bool,
}

/// The flag of a thread of the kernel (`PF_KTHREAD`, linux/sched.h).
const KERNEL_THREAD: u64 = 0x0020_0000;

impl ProcessFiles {
    /// Opens the process with this id. Fails with `ENOENT` or `ESRCH` if none has it any more.
    pub(crate) fn open(proc: BorrowedFd<'_>, pid: u32) -> nix::Result<ProcessFiles> {
        let directory = openat(proc, pid.to_string().as_str(), DIRECTORY, Mode::empty())?;
        let mut text = Vec::with_capacity(512);
        read_at(directory.as_fd(), "stat", &mut text)?;
        let stat = parse_stat(&text).ok_or(Errno::ESRCH)?;
        let uid = sys::status_of(directory.as_fd())?.uid;
        let process = Process { pid, started: stat.started, name: escape(stat.name), uid };
        Ok(ProcessFiles {
            directory,
            process,
            state: stat.state,
            threads: stat.threads,
            is_kernel: stat.flags & KERNEL_THREAD != 0,
        })
    }

    /// Reads one of its files to the end of the buffer.
    pub(crate) fn read(&self, name: &str, text: &mut Vec<u8>) -> nix::Result<()> {
        read_at(self.directory.as_fd(), name, text)
    }

    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Whether it has ended and waits for its parent, so that it holds nothing.
    pub(crate) fn has_ended(&self) -> bool {
        self.state == b'Z' && self.threads <= 1
    }

    /// Where its memory maps and descriptors are: in its own directory, or in those of its threads
    /// if its first thread has ended before the others.
    pub(crate) fn places(&self) -> Vec<CString> {
        let own = || CString::from(c".");
        if self.state != b'Z' || self.threads <= 1 {
            return vec![own()];
        }
        let threads = numbered(self.directory(), c"task").unwrap_or_default();
        threads.into_iter().filter_map(|id| CString::new(format!("task/{id}")).ok()).collect()
    }

    /// The inode number of a namespace of the process.
    pub(crate) fn namespace(&self, name: &str) -> Option<u64> {
        let name = CString::new(format!("ns/{name}")).ok()?;
        sys::status(self.directory(), &name, true).ok().map(|status| status.id.inode)
    }
}

/// Reads a file below a directory, and appends it.
pub(crate) fn read_at(directory: BorrowedFd<'_>, name: &str, text: &mut Vec<u8>) -> nix::Result<()> {
    let file = openat(directory, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    File::from(file)
        .read_to_end(text)
        .map(drop)
        .map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(nix::libc::EIO)))
}

/// What is needed of proc_pid_stat(5).
#[derive(Debug, PartialEq)]
struct Stat<'a> {
    name: &'a [u8],
    state: u8,
    flags: u64,
    threads: u32,
    started: u64,
}

/// Parses proc_pid_stat(5). The name may contain spaces and parentheses.
fn parse_stat(text: &[u8]) -> Option<Stat<'_>> {
    let (open, close) =
        (text.iter().position(|byte| *byte == b'(')?, text.iter().rposition(|byte| *byte == b')')?);
    let fields: Vec<&str> = str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace().collect();
    // The first of these is the third field.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        name: text.get(open + 1..close)?,
        state: fields.first()?.bytes().next()?,
        flags: number(9)?,
        threads: u32::try_from(number(20)?).ok()?,
        started: number(22)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_of_stat_with_parentheses_in_the_name_finds_the_fields() {
        let text = b"7 (a) (b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 12345 1 2\n";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat, Stat { name: b"a) (b", state: b'S', flags: 4_194_560, threads: 3, started: 12345 });
        for text in [&b""[..], b"7 (a", b"7 (a) S", b")(", b"7 (a) S 1 2 3 4 5 x"] {
            assert_eq!(parse_stat(text), None);
        }
    }

    #[test]
    fn open_of_the_own_process_reads_it_and_of_no_process_fails() {
        let proc = open_proc().unwrap();
        let own = ProcessFiles::open(proc.as_fd(), std::process::id()).unwrap();
        assert_eq!(own.process.pid, std::process::id());
        assert!(own.process.started > 0 && own.threads >= 1 && !own.is_kernel);
        assert!(ids(proc.as_fd()).unwrap().contains(&std::process::id()));
        assert_eq!(ProcessFiles::open(proc.as_fd(), 1 << 30).unwrap_err(), Errno::ENOENT);
    }
}
