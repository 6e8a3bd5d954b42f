//! FIFOs and sockets at paths: open ones, and ones that were left in the usual places.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;

use crate::identity::Identity;
use crate::name::{Kind, ObjectName, SocketName};
use crate::object::{Object, Reason, State};
use crate::scan::Scan;
use crate::sockets;
use crate::sys::{self, FileStatus};

/// Where programs put FIFOs and sockets. Their folders are searched, too, but no deeper.
const PLACES: [&str; 3] = ["/run", "/tmp", "/dev/shm"];

/// At most this many files are read in the usual places, so that a huge one does not stop a
/// listing.
const MAX_FILES: usize = 20_000;

/// A path with the status of what it leads to.
type Files = BTreeMap<PathBuf, FileStatus>;

/// The FIFOs and sockets in the usual places.
pub(crate) fn in_usual_places() -> Files {
    let mut places: Vec<PathBuf> = PLACES.iter().map(PathBuf::from).collect();
    places.extend(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()));
    let (mut found, mut left) = (Files::new(), MAX_FILES);
    for place in &places {
        let folders = search(place, &mut found, &mut left);
        folders.iter().for_each(|folder| drop(search(folder, &mut found, &mut left)));
    }
    found
}

/// Adds the FIFOs and sockets of a folder; returns its folders.
fn search(folder: &Path, found: &mut Files, left: &mut usize) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(fewer) = left.checked_sub(1) else { break };
        *left = fewer;
        let Ok(kind) = entry.file_type() else { continue };
        use std::os::unix::fs::FileTypeExt;
        if kind.is_dir() {
            folders.push(entry.path());
        } else if kind.is_fifo() || kind.is_socket() {
            let path = entry.path();
            found.extend(status(&path).ok().map(|status| (path, status)));
        }
    }
    folders
}

fn status(path: &Path) -> nix::Result<FileStatus> {
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    sys::status(AT_FDCWD.as_fd(), &path, false)
}

/// The FIFOs among these files, and the FIFOs that the scan found.
pub(crate) fn fifos(files: &Files, scan: &Scan) -> Vec<Object> {
    let mut all: Files =
        files.iter().filter(|(_, s)| s.has_type(nix::libc::S_IFIFO)).map(|(p, s)| (p.clone(), *s)).collect();
    for found in scan.discovered.values().filter(|found| found.status.has_type(nix::libc::S_IFIFO)) {
        let path = PathBuf::from(OsStr::from_bytes(&found.path));
        // The path is that of the process, and may lead elsewhere here.
        if let Ok(here) = status(&path).and_then(|here| same(here, found.status.id)) {
            all.insert(path, here);
        }
    }
    all.into_iter().map(|(path, status)| object(ObjectName::Fifo(path), &status)).collect()
}

fn same(found: FileStatus, wanted: crate::FileId) -> nix::Result<FileStatus> {
    if found.id == wanted { Ok(found) } else { Err(Errno::ESTALE) }
}

/// The sockets with a name: bound ones, each with the inode numbers of its sockets, and files
/// without a socket.
pub(crate) fn sockets(files: &Files) -> Vec<(Object, Vec<u64>)> {
    let mut bound = sockets::bound().unwrap_or_default();
    for path in files.iter().filter(|(_, s)| s.has_type(nix::libc::S_IFSOCK)).map(|(path, _)| path) {
        bound.entry(SocketName::Path(path.clone())).or_default();
    }
    let objects = bound.into_iter().filter_map(|(name, inodes)| Some((socket(&name, &inodes)?, inodes)));
    objects.collect()
}

/// The socket with this name. Its file may be gone, or in another mount namespace.
fn socket(name: &SocketName, inodes: &[u64]) -> Option<Object> {
    let status = match name {
        SocketName::Path(path) => status(path).ok().filter(|status| status.has_type(nix::libc::S_IFSOCK)),
        SocketName::Abstract(_) => None,
    };
    let mut found = match (status, inodes.first()) {
        (Some(status), _) => object(sockets::name(name), &status),
        (None, Some(inode)) => Object { identity: Identity::Socket(*inode), ..unknown(sockets::name(name)) },
        (None, None) => return None,
    };
    if !inodes.is_empty() {
        found.state = State::Live;
    }
    Some(found)
}

fn unknown(name: ObjectName) -> Object {
    Object {
        kind: name.kind(),
        name,
        contents: None,
        identity: Identity::Socket(0),
        size: None,
        queued: None,
        uid: u32::MAX,
        gid: u32::MAX,
        mode: 0,
        changed: 0,
        maker: None,
        holders: Vec::new(),
        channel: None,
        state: State::Unknown(Reason::Unattached),
    }
}

fn object(name: ObjectName, status: &FileStatus) -> Object {
    Object {
        identity: Identity::File(status.id),
        uid: status.uid,
        gid: status.gid,
        mode: status.mode & 0o7777,
        changed: status.changed,
        ..unknown(name)
    }
}

/// The FIFO or socket at this path, with the inode numbers of the socket.
pub(crate) fn find(name: &ObjectName) -> nix::Result<(Object, Vec<u64>)> {
    let inodes = match name {
        ObjectName::Socket(socket) => sockets::bound().unwrap_or_default().remove(socket).unwrap_or_default(),
        _ => Vec::new(),
    };
    if let ObjectName::Socket(socket_name) = name {
        return socket(socket_name, &inodes).map(|object| (object, inodes)).ok_or(Errno::ENOENT);
    }
    let found = status(name.path().ok_or(Errno::EINVAL)?)?;
    let wanted = if name.kind() == Kind::Fifo { nix::libc::S_IFIFO } else { nix::libc::S_IFSOCK };
    if !found.has_type(wanted) {
        return Err(Errno::ENOENT);
    }
    Ok((object(name.clone(), &found), inodes))
}
