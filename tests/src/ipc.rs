//! The kernel objects that no path leads to: POSIX queues and System V identifiers.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::ptr;

use nix::errno::Errno;

/// The System V objects of this IPC namespace, as `msg 7`.
///
/// Empty unless the namespace is this process's [own](crate::namespace::enter_own_ipc), since an
/// object does not name the process that made it.
pub fn system_v_objects() -> Vec<String> {
    let kinds = if has_own_namespace() { ["msg", "sem", "shm"].as_slice() } else { &[] };
    kinds.iter().flat_map(|kind| identifiers(kind)).collect()
}

fn has_own_namespace() -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/ipc")).ok();
    let parent = std::os::unix::process::parent_id().to_string();
    namespace(&parent).is_some_and(|theirs| namespace("self") != Some(theirs))
}

/// sysvipc(5): the identifier is the second column, below a heading.
fn identifiers(kind: &str) -> Vec<String> {
    let listed = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
    let ids = listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
    ids.map(|id| format!("{kind} {id}")).collect()
}

/// The POSIX queues of this IPC namespace, as paths; none where they cannot be listed.
pub fn posix_queues() -> Vec<PathBuf> {
    match mount() {
        Ok(directory) => entries(Path::new(&format!("/proc/self/fd/{}", directory.as_raw_fd()))),
        // Without the privilege to mount, this process has no namespace of its own and uses the
        // system's list.
        Err(_) => entries(Path::new("/dev/mqueue")),
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.map(|name| Path::new("/dev/mqueue").join(name)).collect()
}

/// The `mqueue` file system of this IPC namespace, mounted nowhere (fsmount(2)).
fn mount() -> nix::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: libc::c_uint = 1;
    const FSMOUNT_CLOEXEC: libc::c_uint = 1;
    const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
    // SAFETY: because fsopen(2) reads a name that ends in NUL.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, c"mqueue".as_ptr(), FSOPEN_CLOEXEC) })?;
    let (fd, none) = (context.as_raw_fd(), ptr::null::<libc::c_void>());
    // SAFETY: because fsconfig(2) with this command takes neither key nor value.
    Errno::result(unsafe { libc::syscall(libc::SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, none, none, 0) })?;
    // SAFETY: because fsmount(2) takes integers only.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, fd, FSMOUNT_CLOEXEC, 0) })
}

fn owned(result: libc::c_long) -> nix::Result<OwnedFd> {
    // SAFETY: because both calls return a new descriptor, which has no other owner.
    Errno::result(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
