//! POSIX message queues.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use ipcraft::queue::posix::Queue;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{FsType, fstatfs};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::identity::Identity;
use crate::name::{Kind, ObjectName};
use crate::object::{Object, Queued, Reason, State};
use crate::proof;
use crate::scan::Scan;
use crate::shared_files::{refused, state};
use crate::sys::{self, FileStatus};

/// Where queues are usually mounted (mq_overview(7)).
const MOUNT: &str = "/dev/mqueue";

/// The type of the file system of queues (`MQUEUE_MAGIC`).
const QUEUE_FILE_SYSTEM: FsType = FsType(0x1980_0202);

/// The directory of the queues of this IPC namespace: where it is mounted, or a mount of this
/// process's own, which root may make.
pub(crate) fn directory() -> Option<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mounted = open(MOUNT, flags, Mode::empty()).ok();
    let is_theirs =
        |fd: &OwnedFd| fstatfs(fd).is_ok_and(|found| found.filesystem_type() == QUEUE_FILE_SYSTEM);
    // A mount may belong to another IPC namespace, the own mount never does.
    sys::mount_mqueue().ok().or_else(|| mounted.filter(is_theirs))
}

/// The queues in the directory, without their holders.
pub(crate) fn list(directory: BorrowedFd<'_>) -> nix::Result<Vec<Object>> {
    let queue = |name: &CString| {
        let status = sys::status(directory, name, false).ok()?;
        status.has_type(nix::libc::S_IFREG).then(|| object(name.to_bytes(), &status))
    };
    Ok(sys::names(directory, c".")?.iter().filter_map(queue).collect())
}

/// The queues that a scan found at descriptors, where no directory lists them.
pub(crate) fn discovered(scan: &Scan) -> Vec<Object> {
    let regular = scan.discovered.values().filter(|found| found.status.has_type(nix::libc::S_IFREG));
    let named = regular.filter_map(|found| {
        let name = found.path.strip_prefix(b"/").filter(|_| found.status.links > 0)?;
        // The name leads to this queue, and not to a file of another kind or namespace.
        let opened = open_queue(None, name).ok()?;
        let same = sys::status_of(opened.as_fd()).ok()?.id == found.status.id;
        same.then(|| object(name, &found.status))
    });
    named.collect()
}

fn object(name: &[u8], status: &FileStatus) -> Object {
    Object {
        name: ObjectName::Queue(OsStr::from_bytes(&[b"/", name].concat()).to_owned()),
        kind: Kind::Queue,
        contents: None,
        identity: Identity::File(status.id),
        size: None,
        queued: None,
        uid: status.uid,
        gid: status.gid,
        mode: status.mode & 0o7777,
        changed: status.changed,
        maker: None,
        holders: Vec::new(),
        channel: None,
        state: State::Unknown(Reason::NeedsRoot),
    }
}

/// The queue with this name.
pub(crate) fn find(directory: Option<BorrowedFd<'_>>, name: &ObjectName) -> nix::Result<Object> {
    let body = body(name)?;
    match directory {
        Some(directory) => {
            let file = CString::new(body).map_err(|_| Errno::EINVAL)?;
            Ok(object(body, &sys::status(directory, &file, false)?))
        }
        None => Ok(object(body, &sys::status_of(open_queue(None, body)?.as_fd())?)),
    }
}

fn body(name: &ObjectName) -> nix::Result<&[u8]> {
    name.posix_name().and_then(|name| name.as_bytes().get(1..)).ok_or(Errno::EINVAL)
}

/// Opens a queue for reading, without blocking.
fn open_queue(directory: Option<BorrowedFd<'_>>, name: &[u8]) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match directory {
        Some(directory) => openat(directory, name, flags, Mode::empty()),
        None => sys::open_queue(&CString::new([b"/", name].concat()).map_err(|_| Errno::EINVAL)?),
    }
}

/// Reads what waits in the queue, and asks the kernel whether any process holds it, if `ask`.
pub(crate) fn complete(directory: Option<BorrowedFd<'_>>, object: &mut Object, ask: bool) {
    match opened(directory, object) {
        Ok(queue) => {
            if ask {
                object.state = state(proof::ask(queue.as_fd()));
            }
            if let Ok(attributes) = Queue::try_from(queue).and_then(|queue| queue.attributes()) {
                object.size = Some((attributes.capacity * attributes.message_size) as u64);
                object.queued = Some(Queued {
                    count: attributes.messages as u64,
                    capacity: Some(attributes.capacity as u64),
                    bytes: None,
                });
            }
        }
        Err(e) if ask => object.state = refused(e),
        Err(_) => {}
    }
}

/// Opens the queue that was listed.
pub(crate) fn opened(directory: Option<BorrowedFd<'_>>, object: &Object) -> nix::Result<OwnedFd> {
    let queue = open_queue(directory, body(&object.name)?)?;
    let is_same = Identity::File(sys::status_of(queue.as_fd())?.id) == object.identity;
    if is_same { Ok(queue) } else { Err(Errno::ESTALE) }
}

/// Removes the name of a queue.
pub(crate) fn unlink(directory: Option<BorrowedFd<'_>>, object: &Object) -> nix::Result<()> {
    match directory {
        Some(directory) => unlinkat(directory, body(&object.name)?, UnlinkatFlags::NoRemoveDir),
        None => {
            let name = object.name.posix_name().map(OsStr::as_bytes).unwrap_or_default();
            sys::unlink_queue(&CString::new(name).map_err(|_| Errno::EINVAL)?)
        }
    }
}
