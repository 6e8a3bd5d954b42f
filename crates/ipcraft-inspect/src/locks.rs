//! Which thread waits for which: a graph over locks in shared memory, System V semaphores and file
//! locks.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::file_locks;
use crate::identity::{FileId, Identity};
use crate::list::list;
use crate::name::{Kind, ObjectName, SysvName};
use crate::process::{Process, ProcessFiles, open_proc};
use crate::sysv::open_set;
use crate::waiting::{Block, Blocked, Thread, blocked};

/// A thread that waits, for what, and for which owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Wait {
    /// The thread; the first one of its process where only the process is known.
    pub waiter: Thread,
    /// What it waits for.
    pub resource: Resource,
    /// The owner, if it is known.
    pub owner: Option<Owner>,
}

/// What a thread waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resource {
    /// A lock in shared memory, with its place in it.
    Lock {
        /// The object, if it has a name.
        object: Option<ObjectName>,
        /// Where in the file the lock is.
        offset: u64,
    },
    /// A semaphore of a System V set.
    Semaphore {
        /// The set.
        object: ObjectName,
        /// Which one.
        index: u16,
    },
    /// A lock on a part of a file.
    File {
        /// `POSIX`, `OFDLCK` or `FLOCK`.
        kind: String,
        /// The file.
        file: FileId,
        /// First and last byte.
        range: String,
    },
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Resource::Lock { object: Some(object), offset } => write!(f, "{object} lock at {offset}"),
            Resource::Lock { object: None, offset } => write!(f, "unnamed memory, lock at {offset}"),
            Resource::Semaphore { object, index } => write!(f, "{object} semaphore {index}"),
            Resource::File { kind, file, range } => {
                let (major, minor) = file.device;
                write!(f, "{kind} lock of bytes {range}, file {major}:{minor} inode {}", file.inode)
            }
        }
    }
}

/// What is known of the owner of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Owner {
    /// A thread owns it.
    Thread(Thread),
    /// A process owns it: for a semaphore, the last one that changed it.
    Process(Process),
    /// A thread with this id, in a pid namespace that is not this process's.
    Elsewhere(u32),
}

/// The waits of the machine, and the cycles among them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Waits {
    /// All waits.
    pub waits: Vec<Wait>,
    /// Waits of which each owner is the waiter of the next one, and the last owner the first
    /// waiter. They were the same at two moments. None of these threads can continue, unless a
    /// timeout or a signal ends its wait, or another thread of an owning process releases the
    /// resource.
    pub cycles: Vec<Vec<Wait>>,
    /// Processes whose threads may not be read.
    pub denied: usize,
}

/// How long a cycle must exist.
const INTERVAL: Duration = Duration::from_millis(50);

/// Returns which threads wait for which.
///
/// The waits are read one after another, so a wait may be over. A cycle is reported only if all of
/// its waits are the same in a second pass.
///
/// # Errors
///
/// Fails if `/proc` cannot be read.
pub fn waits() -> Result<Waits> {
    let (waits, denied) = collect()?;
    let mut cycles = cycles(&waits);
    if !cycles.is_empty() {
        sleep(INTERVAL);
        let (again, _) = collect()?;
        cycles.retain(|cycle| cycle.iter().all(|wait| again.contains(wait)));
    }
    Ok(Waits { waits, cycles, denied })
}

fn collect() -> Result<(Vec<Wait>, usize)> {
    let (threads, denied) = blocked().map_err(|e| Error::new("read /proc", e))?;
    let names = Names::of(&threads)?;
    let mut waits: Vec<Wait> = threads.iter().filter_map(|thread| names.wait(thread)).collect();
    for (waiting, held) in file_locks::waiting() {
        let resource = Resource::File { kind: waiting.kind, file: held.file, range: held.range };
        let Some(process) = waiting.pid.and_then(process) else { continue };
        let waiter = Thread { tid: process.pid, process };
        waits.push(Wait { waiter, resource, owner: held.pid.and_then(process_owner) });
    }
    Ok((waits, denied))
}

fn process_owner(pid: u32) -> Option<Owner> {
    process(pid).map(Owner::Process)
}

fn process(pid: u32) -> Option<Process> {
    let proc = open_proc().ok()?;
    ProcessFiles::open(proc.as_fd(), pid).ok().map(|files| files.process)
}

/// The names of the objects that are waited for.
struct Names {
    files: HashMap<FileId, ObjectName>,
    sets: HashMap<i32, ObjectName>,
    own_namespace: u64,
}

impl Names {
    fn of(threads: &[Blocked]) -> Result<Names> {
        use std::os::unix::fs::MetadataExt;
        let own_namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino());
        let mut names = Names { files: HashMap::new(), sets: HashMap::new(), own_namespace };
        if threads.is_empty() {
            return Ok(names);
        }
        let kinds =
            [Kind::Channel, Kind::SharedMemory, Kind::Semaphore, Kind::SysvSharedMemory, Kind::SysvSemaphore];
        for object in list(&kinds)?.objects {
            match (object.identity, object.kind) {
                (Identity::File(file), _) => drop(names.files.insert(file, object.name)),
                (Identity::Sysv(id), Kind::SysvSemaphore) => drop(names.sets.insert(id, object.name)),
                _ => {}
            }
        }
        Ok(names)
    }

    fn wait(&self, blocked: &Blocked) -> Option<Wait> {
        let (resource, owner) = match blocked.at {
            Block::Lock { file, offset, owner_tid } => {
                let object = self.files.get(&file).cloned();
                (Resource::Lock { object, offset }, Some(self.lock_owner(owner_tid, blocked.namespace)))
            }
            Block::Semaphore { id, index } => {
                let object =
                    self.sets.get(&id).cloned().unwrap_or(ObjectName::SysvSemaphore(SysvName::Id(id)));
                let last = open_set(id).ok().and_then(|set| set.last_pid(index).ok().flatten());
                let owner = last.and_then(|pid| process_owner(pid.into()));
                (Resource::Semaphore { object, index }, owner)
            }
        };
        Some(Wait { waiter: blocked.thread.clone(), resource, owner })
    }

    /// A lock names its owner as the owner's namespace does, which is that of its waiters.
    fn lock_owner(&self, tid: u32, namespace: Option<u64>) -> Owner {
        if namespace != Some(self.own_namespace) {
            return Owner::Elsewhere(tid);
        }
        thread_owner(tid).unwrap_or(Owner::Elsewhere(tid))
    }
}

/// The thread with this id: `/proc/TID` exists for every thread, also where it is not listed.
fn thread_owner(tid: u32) -> Option<Owner> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let pid = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())?;
    process(pid).map(|process| Owner::Thread(Thread { tid, process }))
}

/// The cycles among the waits: for each wait at most one of which it is the first in the list.
fn cycles(waits: &[Wait]) -> Vec<Vec<Wait>> {
    let found = (0..waits.len()).filter_map(|start| {
        let (mut path, mut visited) = (vec![start], vec![false; waits.len()]);
        returns(waits, start, &mut path, &mut visited).then_some(path)
    });
    found.map(|cycle| cycle.into_iter().map(|at| waits[at].clone()).collect()).collect()
}

/// Extends a path from `start` by the waits of its last owner, until it returns to `start`. Each
/// wait is visited once.
fn returns(waits: &[Wait], start: usize, path: &mut Vec<usize>, visited: &mut [bool]) -> bool {
    let Some(last) = path.last().copied() else { return false };
    for next in (start..waits.len()).filter(|next| follows(&waits[last], &waits[*next])) {
        if next == start {
            return true;
        }
        if !std::mem::replace(&mut visited[next], true) {
            path.push(next);
            if returns(waits, start, path, visited) {
                return true;
            }
            path.pop();
        }
    }
    false
}

/// Whether the owner of one wait is the waiter of the other.
fn follows(wait: &Wait, next: &Wait) -> bool {
    match &wait.owner {
        Some(Owner::Thread(thread)) => *thread == next.waiter,
        Some(Owner::Process(process)) => *process == next.waiter.process,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32) -> Process {
        Process { pid, started: 1, name: "p".into(), uid: 0 }
    }

    fn wait(waiter: u32, owner: u32) -> Wait {
        Wait {
            waiter: Thread { tid: waiter, process: process(waiter) },
            resource: Resource::Lock { object: None, offset: 0 },
            owner: Some(Owner::Process(process(owner))),
        }
    }

    #[test]
    fn cycles_of_a_graph_are_found_once_each() {
        let graph = [wait(1, 2), wait(2, 3), wait(3, 1), wait(4, 1), wait(5, 5), wait(6, 7)];
        let found = cycles(&graph);
        let pids: Vec<Vec<u32>> =
            found.iter().map(|cycle| cycle.iter().map(|wait| wait.waiter.tid).collect()).collect();
        assert_eq!(pids, [vec![1, 2, 3], vec![5]]);
        assert!(cycles(&[wait(1, 2), wait(2, 3)]).is_empty());
    }
}
