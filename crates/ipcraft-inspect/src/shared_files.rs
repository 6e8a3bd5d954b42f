//! The files in `/dev/shm`: shared memory, channels and POSIX semaphores.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{FsType, TMPFS_MAGIC, fstatfs};

use crate::identity::{FileId, Identity};
use crate::name::{Kind, ObjectName};
use crate::object::{Object, Reason, State};
use crate::proof::{self, Answer};
use crate::sys;

/// Where the C library keeps shared memory and semaphores (shm_overview(7), sem_overview(7)).
pub(crate) const DIRECTORY: &str = "/dev/shm";

/// What the C library puts before the name of a semaphore.
const SEMAPHORE: &[u8] = b"sem.";

/// The objects of these kinds, without their holders. Nothing if there is no such directory.
///
/// While a file is open, the kernel is asked whether any other process holds it.
pub(crate) fn list(kinds: &[Kind]) -> nix::Result<Vec<Object>> {
    if ![Kind::Channel, Kind::SharedMemory, Kind::Semaphore].iter().any(|kind| kinds.contains(kind)) {
        return Ok(Vec::new());
    }
    let directory = match open_directory() {
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        other => other?,
    };
    let names = sys::names(directory.fd.as_fd(), c".")?;
    let objects = names.iter().filter_map(|name| object(&directory, name));
    Ok(objects.filter(|object| kinds.contains(&object.kind)).collect())
}

/// [`DIRECTORY`], and on which device the kernel counts the users of its files.
struct Directory {
    fd: OwnedFd,
    counted: Option<(u32, u32)>,
}

/// Other file systems than these may show one file as several, each with a count of its own, as
/// overlayfs does.
const COUNTED: [FsType; 2] = [TMPFS_MAGIC, FsType(0x8584_58f6)];

fn open_directory() -> nix::Result<Directory> {
    let fd = open(DIRECTORY, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let is_counted = COUNTED.contains(&fstatfs(&fd)?.filesystem_type());
    let device = sys::status_of(fd.as_fd())?.id.device;
    Ok(Directory { fd, counted: is_counted.then_some(device) })
}

/// A file that was opened to be asked about.
pub(crate) struct Opened {
    pub(crate) file: OwnedFd,
    /// Whether the kernel's count of its users is that of all users.
    pub(crate) is_counted: bool,
}

impl Opened {
    /// What the kernel answers to `ask`.
    pub(crate) fn answer(&self, ask: impl FnOnce(BorrowedFd<'_>) -> Answer) -> Answer {
        if self.is_counted { ask(self.file.as_fd()) } else { Answer::NotCounted }
    }
}

/// The object with this name, if one has it.
pub(crate) fn find(name: &ObjectName) -> nix::Result<Object> {
    let file = file_name(name).ok_or(Errno::EINVAL)?;
    let directory = open_directory()?;
    let found = object(&directory, &file).ok_or(Errno::ENOENT)?;
    // `shm:` names any of these files, the others only what they are.
    let is_kind = found.kind == name.kind() || name.kind() == Kind::SharedMemory;
    if is_kind { Ok(found) } else { Err(Errno::ENOENT) }
}

/// The file of an object in [`DIRECTORY`].
pub(crate) fn file_name(name: &ObjectName) -> Option<CString> {
    let body = name.posix_name()?.as_bytes().get(1..)?;
    let prefix = if name.kind() == Kind::Semaphore { SEMAPHORE } else { b"" };
    CString::new([prefix, body].concat()).ok()
}

/// What the file is; `None` if it is gone, or no regular file.
fn object(directory: &Directory, file: &CStr) -> Option<Object> {
    let status = sys::status(directory.fd.as_fd(), file, false).ok()?;
    if !status.has_type(nix::libc::S_IFREG) {
        return None;
    }
    let bytes = file.to_bytes();
    let semaphore = bytes.strip_prefix(SEMAPHORE).filter(|name| !name.is_empty());
    let opened = open_file(directory, file, status.id);
    let contents = match (&opened, semaphore) {
        (Ok(opened), None) => contents(opened.file.as_fd()),
        _ => None,
    };
    let state = match &opened {
        Ok(opened) => state(opened.answer(proof::ask_quickly)),
        Err(errno) => refused(*errno),
    };
    let name = match (semaphore, contents) {
        (Some(name), _) => ObjectName::Semaphore(slashed(name)),
        (None, None | Some(SHARED_VALUE)) => ObjectName::SharedMemory(slashed(bytes)),
        (None, Some(_)) => ObjectName::Channel(slashed(bytes)),
    };
    Some(Object {
        kind: name.kind(),
        name,
        contents,
        identity: Identity::File(status.id),
        size: Some(status.size),
        queued: None,
        uid: status.uid,
        gid: status.gid,
        mode: status.mode & 0o7777,
        changed: status.changed,
        maker: None,
        holders: Vec::new(),
        channel: None,
        state,
    })
}

fn slashed(name: &[u8]) -> OsString {
    OsStr::from_bytes(&[b"/", name].concat()).to_owned()
}

/// Opens a regular file with this identity, without blocking and without a trace in its times.
fn open_file(directory: &Directory, file: &CStr, id: FileId) -> nix::Result<Opened> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = match openat(&directory.fd, file, flags | OFlag::O_NOATIME, Mode::empty()) {
        Err(Errno::EPERM) => openat(&directory.fd, file, flags, Mode::empty()),
        other => other,
    }?;
    let status = sys::status_of(opened.as_fd())?;
    let is_same = status.id == id && status.has_type(nix::libc::S_IFREG);
    let is_counted = directory.counted == Some(id.device);
    if is_same { Ok(Opened { file: opened, is_counted }) } else { Err(Errno::ESTALE) }
}

/// Asks the kernel whether any process holds the object. The file must be the listed one.
pub(crate) fn prove(object: &Object) -> State {
    match open_listed(object) {
        Ok(opened) => state(opened.answer(proof::ask)),
        Err(e) => refused(e),
    }
}

/// Opens the file of an object that was listed. Fails with `ESTALE` if its name leads to another.
pub(crate) fn open_listed(object: &Object) -> nix::Result<Opened> {
    let file = file_name(&object.name).ok_or(Errno::EINVAL)?;
    let Identity::File(id) = object.identity else { return Err(Errno::ESTALE) };
    open_file(&open_directory()?, &file, id)
}

/// The state that follows from the kernel's answer.
pub(crate) fn state(answer: Answer) -> State {
    match answer {
        Answer::Free => State::Dead,
        Answer::Held => State::Live,
        Answer::NotPermitted => State::Unknown(Reason::NeedsRoot),
        Answer::NotCounted => State::Unknown(Reason::NotCounted),
    }
}

/// The state of an object that could not be opened.
pub(crate) fn refused(errno: Errno) -> State {
    match errno {
        Errno::EACCES | Errno::EPERM => State::Unknown(Reason::NeedsRoot),
        // Another process has a lease on it.
        Errno::EAGAIN => State::Live,
        _ => State::Unknown(Reason::Changed),
    }
}

const SHARED_VALUE: &str = "value";

/// The kinds of the library's memory, by the number in its header.
const KINDS: [&str; 7] = [SHARED_VALUE, "spsc", "mpmc", "broadcast", "latest", "bytes", "request"];

/// What the header of the file states, if it is the library's.
fn contents(file: BorrowedFd<'_>) -> Option<&'static str> {
    const MAGIC: &[u8] = b"ipcraft\x01";
    let mut header = [0; 64];
    let read = nix::sys::uio::pread(file, &mut header, 0).ok()?;
    if read < header.len() || !header.starts_with(MAGIC) {
        return None;
    }
    // The third word, whose upper half is the version of the layout.
    let kind = header[16..].first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))?;
    KINDS.get((kind & u64::from(u32::MAX)) as usize).copied()
}
