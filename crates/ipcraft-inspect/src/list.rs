//! All objects, each with its holders and its state.

use std::os::fd::{AsFd, OwnedFd};

use ipcraft::Pid;
use nix::errno::Errno;
use serde::Serialize;

use crate::channels;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::name::{Kind, ObjectName, SocketName};
use crate::object::{Object, Reason, State};
use crate::paths;
use crate::posix_queues;
use crate::process::Process;
use crate::scan::{Scan, View, Wanted, scan, scan_one};
use crate::shared_files;
use crate::sockets;
use crate::sysv;

/// A listing, and what it may lack.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Listing {
    /// The objects, by kind and name.
    pub objects: Vec<Object>,
    /// How many processes were read for their holders.
    pub view: View,
    /// Whether POSIX queues are missing that no visible process has open.
    pub queues_incomplete: bool,
}

/// Returns the objects of these kinds, all kinds if there are none, with holders and states.
///
/// Objects that are made or removed meanwhile may be missing. An object that is [`State::Dead`] was
/// held by no process at one moment during the call.
///
/// # Errors
///
/// Fails if `/proc` or the kernel's tables cannot be read.
pub fn list(kinds: &[Kind]) -> Result<Listing> {
    let kinds = if kinds.is_empty() { &Kind::LISTED[..] } else { kinds };
    let mut found = Found::new(kinds)?;
    let mut wanted =
        Wanted { discover: kinds.contains(&Kind::Fifo) || found.discovers_queues, ..Wanted::default() };
    wanted.objects.extend(found.objects.iter().flat_map(|(object, sockets)| identities(object, sockets)));
    let scan = scan(&wanted).map_err(|e| Error::new("read /proc", e))?;
    if kinds.contains(&Kind::Fifo) {
        let fifos = paths::fifos(&found.files, &scan);
        found.objects.extend(fifos.into_iter().map(|fifo| (fifo, Vec::new())));
    }
    if found.discovers_queues {
        let queues = posix_queues::discovered(&scan);
        found.objects.extend(queues.into_iter().map(|queue| (queue, Vec::new())));
    }
    let mut objects: Vec<Object> = found
        .objects
        .into_iter()
        .map(|(object, sockets)| complete(object, &sockets, &scan, found.queues.as_ref()))
        .collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Listing { objects, view: scan.view, queues_incomplete: found.discovers_queues })
}

/// Returns one object, with its holders and its state.
///
/// # Errors
///
/// Fails with [`ENOENT`](Error::errno) if no object has this name.
pub fn find(name: &ObjectName) -> Result<(Object, View)> {
    let queues = if name.kind() == Kind::Queue { posix_queues::directory() } else { None };
    let failed = |e| Error::new("find", e).named(name);
    let (object, sockets) = match name.kind() {
        Kind::Channel | Kind::SharedMemory | Kind::Semaphore => {
            (shared_files::find(name).map_err(failed)?, Vec::new())
        }
        Kind::Queue => {
            let directory = queues.as_ref().map(AsFd::as_fd);
            (posix_queues::find(directory, name).map_err(failed)?, Vec::new())
        }
        Kind::SysvQueue | Kind::SysvSharedMemory | Kind::SysvSemaphore => {
            let found = sysv::find(name).map_err(Error::from)?;
            (found.ok_or_else(|| failed(Errno::ENOENT))?, Vec::new())
        }
        Kind::Fifo | Kind::Socket => paths::find(name).map_err(failed)?,
        Kind::Process => return Err(failed(Errno::EINVAL)),
    };
    let wanted = Wanted { objects: identities(&object, &sockets).into_iter().collect(), ..Wanted::default() };
    let scan = scan(&wanted).map_err(|e| Error::new("read /proc", e))?;
    let view = scan.view;
    Ok((complete(object, &sockets, &scan, queues.as_ref()), view))
}

/// Returns a process, and the objects with a name that it holds.
///
/// # Errors
///
/// Fails with [`ESRCH`](Error::errno) if no visible process has this id, and with `EACCES` if its
/// memory maps and descriptors may not be read.
pub fn held_by(pid: Pid) -> Result<(Process, Vec<Object>)> {
    let name = ObjectName::Process(pid);
    let (process, scan) = scan_one(pid.into()).map_err(|e| match e {
        Errno::ENOENT => Error::new("read /proc", Errno::ESRCH).named(&name),
        e => Error::new("read /proc", e).named(&name),
    })?;
    if scan.view.denied > 0 {
        let denied = Error::new("read the descriptors of", Errno::EACCES).named(&name);
        return Err(denied.with_hint("run as root"));
    }
    let mut objects = list(&[])?.objects;
    objects.retain(|object| object.holders.iter().any(|holder| holder.process == process));
    Ok((process, objects))
}

/// What there is, before its holders are known.
struct Found {
    /// Objects, with the inode numbers of sockets.
    objects: Vec<(Object, Vec<u64>)>,
    files: std::collections::BTreeMap<std::path::PathBuf, crate::sys::FileStatus>,
    queues: Option<OwnedFd>,
    /// Whether queues are known from descriptors only.
    discovers_queues: bool,
}

impl Found {
    fn new(kinds: &[Kind]) -> Result<Found> {
        let has = |kind| kinds.contains(&kind);
        let queues = if has(Kind::Queue) { posix_queues::directory() } else { None };
        let files =
            if has(Kind::Fifo) || has(Kind::Socket) { paths::in_usual_places() } else { Default::default() };
        let mut objects = shared_files::list(kinds).map_err(|e| Error::new("read /dev/shm", e))?;
        objects.extend(sysv::list(kinds)?);
        if let Some(directory) = &queues {
            objects
                .extend(posix_queues::list(directory.as_fd()).map_err(|e| Error::new("read the queues", e))?);
        }
        let mut objects: Vec<_> = objects.into_iter().map(|object| (object, Vec::new())).collect();
        if has(Kind::Socket) {
            objects.extend(paths::sockets(&files));
        }
        Ok(Found { objects, files, discovers_queues: has(Kind::Queue) && queues.is_none(), queues })
    }
}

/// What a holder of the object has: its file, its segment, or its sockets.
fn identities(object: &Object, sockets: &[u64]) -> Vec<Identity> {
    match object.kind {
        Kind::SysvQueue | Kind::SysvSemaphore => Vec::new(),
        Kind::Socket => sockets.iter().map(|inode| Identity::Socket(*inode)).collect(),
        _ => vec![object.identity],
    }
}

/// Adds the holders of the scan, and the state.
///
/// The order is: the object was listed; then all processes were read. If the kernel counted no
/// holder of a file when it was listed, and no process has it now, it is dead. In all other cases
/// the kernel is asked about the object that was listed.
fn complete(mut object: Object, sockets: &[u64], scan: &Scan, queues: Option<&OwnedFd>) -> Object {
    for identity in identities(&object, sockets) {
        for holder in scan.holders.get(&identity).into_iter().flatten() {
            match object.holders.iter_mut().find(|known| known.process == holder.process) {
                Some(known) => known.descriptors += holder.descriptors,
                None => object.holders.push(holder.clone()),
            }
        }
    }
    if object.kind == Kind::Channel {
        object.channel = channels::observe(&object);
        object.queued = object.channel.as_ref().and_then(channels::queued);
    }
    let is_held = !object.holders.is_empty();
    match object.kind {
        Kind::Queue => {
            object.state = State::Live;
            posix_queues::complete(queues.map(AsFd::as_fd), &mut object, !is_held);
        }
        _ if is_held => object.state = State::Live,
        _ if object.state == State::Dead && object.kind != Kind::SysvSharedMemory => {}
        _ => object.state = prove(&object),
    }
    object
}

/// Asks the kernel about an object that no visible process holds.
fn prove(object: &Object) -> State {
    match (object.kind, &object.name) {
        (Kind::Channel | Kind::SharedMemory | Kind::Semaphore, _) => shared_files::prove(object),
        (Kind::SysvSharedMemory, _) => sysv::prove(object),
        (Kind::Socket, ObjectName::Socket(SocketName::Path(path))) if object.state != State::Live => {
            sockets::prove(path, object.idle_seconds())
        }
        // A process may be blocked in opening it, which no table shows.
        (Kind::Fifo, _) => State::Unknown(Reason::Unattached),
        _ => object.state,
    }
}
