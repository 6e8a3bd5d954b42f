//! One pass over all processes: which of them holds which object.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::Mode;
use serde::Serialize;

use crate::identity::Identity;
use crate::maps::mappings;
use crate::process::{Process, ProcessFiles, ids, open_proc};
use crate::sys::{self, FileStatus};

/// A process that holds an object, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// Its descriptors of the object.
    pub descriptors: u32,
    /// The parts of its memory that are the object's.
    pub mappings: u32,
}

/// How much of the machine a scan could read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// Processes that were read.
    pub read: usize,
    /// Processes that exist, and whose memory maps or descriptors may not be read.
    pub denied: usize,
    /// Whether processes may exist that `/proc` does not list: it is mounted with `hidepid`, or
    /// belongs to a pid namespace other than the first.
    pub partial: bool,
}

impl View {
    /// Whether every process was read.
    pub fn is_complete(&self) -> bool {
        self.denied == 0 && !self.partial
    }
}

/// A file that was found at a descriptor, while not asked for.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The path that the kernel prints for the descriptor.
    pub(crate) path: Vec<u8>,
    pub(crate) status: FileStatus,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) holders: HashMap<Identity, Vec<Holder>>,
    /// FIFOs and POSIX queues that processes have open.
    pub(crate) discovered: BTreeMap<Identity, Found>,
    pub(crate) view: View,
}

/// What a scan records.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The holders of these; System V identifiers are those of segments.
    pub(crate) objects: HashSet<Identity>,
    /// Whether to record FIFOs and POSIX queues, with their holders.
    pub(crate) discover: bool,
    /// Whether to record the holders of every file, socket and segment.
    pub(crate) everything: bool,
}

impl Wanted {
    fn wants(&self, identity: Identity) -> bool {
        self.everything || self.objects.contains(&identity)
    }
}

/// Reads all processes.
///
/// Processes that end meanwhile are left out. What may not be read is counted.
pub(crate) fn scan(wanted: &Wanted) -> nix::Result<Scan> {
    let proc = open_proc()?;
    let mut scan = Scan::default();
    let mut reader = Reader { wanted, scan: &mut scan, text: Vec::new(), own_ipc: None };
    for pid in ids(proc.as_fd())? {
        reader.process(proc.as_fd(), pid);
    }
    scan.view.partial = is_partial();
    Ok(scan)
}

/// Reads one process.
pub(crate) fn scan_one(pid: u32) -> nix::Result<(Process, Scan)> {
    let proc = open_proc()?;
    let process = ProcessFiles::open(proc.as_fd(), pid)?.process;
    let wanted = Wanted { everything: true, ..Wanted::default() };
    let mut scan = Scan::default();
    Reader { wanted: &wanted, scan: &mut scan, text: Vec::new(), own_ipc: None }.process(proc.as_fd(), pid);
    Ok((process, scan))
}

/// What one process holds: descriptors and mappings.
type Holds = HashMap<Identity, (u32, u32)>;

struct Reader<'a> {
    wanted: &'a Wanted,
    scan: &'a mut Scan,
    text: Vec<u8>,
    /// The IPC namespace of this process, once it was needed.
    own_ipc: Option<u64>,
}

impl Reader<'_> {
    fn process(&mut self, proc: BorrowedFd<'_>, pid: u32) {
        let files = match ProcessFiles::open(proc, pid) {
            Ok(files) if files.is_kernel || files.has_ended() => return,
            Ok(files) => files,
            Err(Errno::ENOENT | Errno::ESRCH) => return,
            Err(_) => return self.scan.view.denied += 1,
        };
        let mut holds = Holds::new();
        let outcomes: Vec<_> =
            files.places().iter().map(|place| self.place(&files, place, &mut holds)).collect();
        match outcomes.into_iter().find(Result::is_err) {
            None => self.scan.view.read += 1,
            // It has ended, or is about to and holds nothing any more.
            Some(Err(Errno::ENOENT | Errno::ESRCH)) => {}
            Some(_) => self.scan.view.denied += 1,
        }
        for (identity, (descriptors, mappings)) in holds {
            let holder = Holder { process: files.process.clone(), descriptors, mappings };
            self.scan.holders.entry(identity).or_default().push(holder);
        }
    }

    /// Reads the memory maps and descriptors of a process or of one of its threads.
    fn place(&mut self, files: &ProcessFiles, place: &CStr, holds: &mut Holds) -> nix::Result<()> {
        let place = place.to_string_lossy();
        // Descriptors first: memory that is mapped meanwhile is found by one or the other.
        let descriptors = self.descriptors(files, &format!("{place}/fd"), holds);
        let maps = self.maps(files, &format!("{place}/maps"), holds);
        descriptors.and(maps)
    }

    fn maps(&mut self, files: &ProcessFiles, name: &str, holds: &mut Holds) -> nix::Result<()> {
        self.text.clear();
        let mut text = std::mem::take(&mut self.text);
        let outcome = files.read(name, &mut text);
        for mapping in mappings(&text) {
            let identity = match mapping.is_segment() {
                true => Identity::Sysv(mapping.file.inode as i32),
                false => Identity::File(mapping.file),
            };
            if self.wanted.wants(identity) && (!mapping.is_segment() || self.shares_ipc(files)) {
                holds.entry(identity).or_default().1 += 1;
            }
        }
        self.text = text;
        outcome
    }

    /// Whether the process is in this process's IPC namespace, as far as can be read.
    fn shares_ipc(&mut self, files: &ProcessFiles) -> bool {
        let own = *self.own_ipc.get_or_insert_with(own_ipc_namespace);
        files.namespace("ipc").is_none_or(|namespace| namespace == own)
    }

    fn descriptors(&mut self, files: &ProcessFiles, name: &str, holds: &mut Holds) -> nix::Result<()> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let listing = openat(files.directory(), name, flags, Mode::empty())?;
        for name in sys::names(listing.as_fd(), c".")? {
            if let Some(identity) = self.descriptor(listing.as_fd(), &name) {
                holds.entry(identity).or_default().0 += 1;
            }
        }
        Ok(())
    }

    /// The object behind a descriptor, if it is wanted.
    fn descriptor(&mut self, listing: BorrowedFd<'_>, name: &CStr) -> Option<Identity> {
        let link = readlinkat(listing, name).ok()?;
        let link = link.as_bytes();
        if let Some(inode) = link.strip_prefix(b"socket:[") {
            let inode = str::from_utf8(inode.strip_suffix(b"]")?).ok()?.parse().ok()?;
            return Some(Identity::Socket(inode)).filter(|socket| self.wanted.wants(*socket));
        }
        // Others are anonymous: pipes, eventfds, memfds.
        if !link.starts_with(b"/") || link.starts_with(b"/memfd:") || link == b"/dev/null" {
            return None;
        }
        let status = sys::status(listing, name, true).ok()?;
        let identity = Identity::File(status.id);
        if self.wanted.discover && is_discovered(&status, link) {
            self.scan.discovered.insert(identity, Found { path: link.to_owned(), status });
            return Some(identity);
        }
        self.wanted.wants(identity).then_some(identity)
    }
}

/// Whether a file is a FIFO with a path, or may be a POSIX queue: `/name`, 80 bytes long.
fn is_discovered(status: &FileStatus, link: &[u8]) -> bool {
    const QUEUE_FILE_SIZE: u64 = 80;
    status.has_type(nix::libc::S_IFIFO)
        || (status.has_type(nix::libc::S_IFREG)
            && status.size == QUEUE_FILE_SIZE
            && link.iter().filter(|byte| **byte == b'/').count() == 1)
}

/// The inode number of this process's IPC namespace; 0 if it cannot be read.
pub(crate) fn own_ipc_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/ipc").map_or(0, |namespace| namespace.ino())
}

/// Whether `/proc` may leave processes out.
fn is_partial() -> bool {
    use std::os::unix::fs::MetadataExt;
    /// The inode number of the first pid namespace (`PROC_PID_INIT_INO`, linux/proc_ns.h).
    const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;
    let namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino());
    namespace != FIRST_PID_NAMESPACE || is_hidden()
}

/// Whether `/proc` is mounted with `hidepid`, so that it leaves out processes of other users.
fn is_hidden() -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let options = mounts.lines().filter(|line| line.contains(" /proc ")).map(str::to_owned);
    let hides = |line: String| {
        ["hidepid=1", "hidepid=2", "hidepid=4", "hidepid=noaccess", "hidepid=invisible", "hidepid=ptraceable"]
            .iter()
            .any(|option| line.contains(option))
    };
    options.into_iter().any(hides) && !nix::unistd::geteuid().is_root()
}
