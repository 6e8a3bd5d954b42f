//! Threads that are blocked, by the system call that they are in (proc_pid_syscall(5)).

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::sys::stat::Mode;
use serde::Serialize;

use crate::identity::FileId;
use crate::maps::mappings;
use crate::process::{Process, ProcessFiles, ids, numbered, open_proc};

/// A thread of a process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Thread {
    /// The id of the thread; that of the process for its first one.
    pub tid: u32,
    /// Its process.
    #[serde(flatten)]
    pub process: Process,
}

/// What a thread is blocked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// A word in a shared file, with its value, if a lock can have this value.
    Lock { file: FileId, offset: u64, owner_tid: u32 },
    /// One semaphore of a set.
    Semaphore { id: i32, index: u16 },
}

/// A thread and what it is blocked at.
#[derive(Clone, Debug)]
pub(crate) struct Blocked {
    pub(crate) thread: Thread,
    pub(crate) at: Block,
    /// The pid namespace of the thread, in which a lock names its owner.
    pub(crate) namespace: Option<u64>,
}

/// The blocked threads, and the processes whose threads may not be read.
pub(crate) fn blocked() -> nix::Result<(Vec<Blocked>, usize)> {
    let proc = open_proc()?;
    let (mut found, mut denied) = (Vec::new(), 0);
    for pid in ids(proc.as_fd())? {
        let Ok(files) = ProcessFiles::open(proc.as_fd(), pid) else { continue };
        if files.is_kernel || files.has_ended() {
            continue;
        }
        let threads = if files.threads > 1 {
            numbered(files.directory(), c"task").unwrap_or_default()
        } else {
            vec![pid]
        };
        for tid in threads {
            match thread(&files, tid) {
                Ok(blocked) => found.extend(blocked),
                Err(Errno::ENOENT | Errno::ESRCH) => {}
                Err(_) => {
                    denied += 1;
                    break;
                }
            }
        }
    }
    Ok((found, denied))
}

/// What a thread is blocked at, if that is a lock.
fn thread(files: &ProcessFiles, tid: u32) -> nix::Result<Option<Blocked>> {
    let mut text = Vec::with_capacity(128);
    files.read(&format!("task/{tid}/syscall"), &mut text)?;
    let Some((number, arguments)) = parse(&text) else { return Ok(None) };
    let at = match number {
        libc::SYS_futex => futex(files, arguments),
        libc::SYS_semop | libc::SYS_semtimedop => semaphore(files, arguments),
        _ => None,
    };
    let thread = Thread { tid, process: files.process.clone() };
    Ok(at.map(|at| Blocked { thread, at, namespace: files.namespace("pid") }))
}

/// Parses `number 0x1 0x2 0x3 0x4 0x5 0x6 sp pc`. A thread that runs has no number.
fn parse(text: &[u8]) -> Option<(libc::c_long, [u64; 6])> {
    let mut fields = str::from_utf8(text).ok()?.split_ascii_whitespace();
    let number = fields.next()?.parse().ok().filter(|number| *number >= 0)?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some((number, arguments))
}

/// The lock that a futex(2) call waits for: a word in a shared mapping that names an owner.
fn futex(files: &ProcessFiles, [address, operation, value, ..]: [u64; 6]) -> Option<Block> {
    const FUTEX_WAITERS: u32 = 0x8000_0000;
    const FUTEX_TID_MASK: u32 = 0x3fff_ffff;
    let operation = operation as i32;
    if operation & libc::FUTEX_PRIVATE_FLAG != 0 {
        return None;
    }
    let operation = operation & libc::FUTEX_CMD_MASK;
    let waits = [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET].contains(&operation);
    let locks = [libc::FUTEX_LOCK_PI, libc::FUTEX_LOCK_PI2].contains(&operation);
    if !waits && !locks {
        return None;
    }
    let word = u32::from_ne_bytes(memory(files, address)?);
    // The word has the value that the thread waits to change, and marks that a thread waits.
    let is_lock = word & FUTEX_WAITERS != 0 && word & FUTEX_TID_MASK != 0;
    if !is_lock || (waits && word != value as u32) {
        return None;
    }
    let mut text = Vec::new();
    files.read("maps", &mut text).ok()?;
    let mapping = mappings(&text).find(|mapping| (mapping.start..mapping.end).contains(&address))?;
    let offset = mapping.offset + (address - mapping.start);
    Some(Block::Lock { file: mapping.file, offset, owner_tid: word & FUTEX_TID_MASK })
}

/// The semaphore that a semop(2) call waits for: the first of its operations that takes away.
fn semaphore(files: &ProcessFiles, [id, operations, count, ..]: [u64; 6]) -> Option<Block> {
    const MOST: u64 = 64;
    const SIZE: u64 = 6;
    for number in 0..count.min(MOST) {
        let operation: [u8; 6] = memory(files, operations + number * SIZE)?;
        let change = i16::from_ne_bytes([operation[2], operation[3]]);
        if change <= 0 {
            let index = u16::from_ne_bytes([operation[0], operation[1]]);
            return Some(Block::Semaphore { id: id as i32, index });
        }
    }
    None
}

/// Reads the memory of a process.
fn memory<const N: usize>(files: &ProcessFiles, address: u64) -> Option<[u8; N]> {
    let file = openat(files.directory(), "mem", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = [0; N];
    File::from(file).read_exact_at(&mut bytes, address).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_of_a_blocked_and_a_running_thread() {
        let text = b"202 0x7f00 0x80 0x2 0x0 0x0 0xffffffff 0x7ffd 0x7f11\n";
        assert_eq!(parse(text), Some((202, [0x7f00, 0x80, 2, 0, 0, 0xffff_ffff])));
        for text in [&b"running\n"[..], b"-1 0x7ffd 0x7f11\n", b"202 0x1", b""] {
            assert_eq!(parse(text), None);
        }
    }
}
