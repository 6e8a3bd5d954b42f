//! Removal of objects that no process holds.
//!
//! An object is removed by what identifies it. If its name leads to another object by then, that
//! one stays.

use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::queue::sysv::Queue;
use ipcraft::shm::sysv::Segment;
use nix::errno::Errno;
use serde::Serialize;

use crate::aside::Entry;
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::list::find;
use crate::name::{Kind, ObjectName, SocketName};
use crate::object::{Object, Reason, State};
use crate::posix_queues;
use crate::proof::{self, Answer};
use crate::scan::Holder;
use crate::shared_files;
use crate::sockets;
use crate::sys;
use crate::sysv;

/// Why an object was not removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// A process holds it: these, or one that is not visible.
    Held(Vec<Holder>),
    /// It belongs to this user, and only root removes the objects of others.
    OfOtherUser(u32),
    /// It is not known whether a process holds it.
    #[serde(serialize_with = "reason_text")]
    Unknown(Reason),
    /// It is gone, or its name leads to another object.
    Changed,
}

fn reason_text<S: serde::Serializer>(reason: &Reason, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.text())
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Held(holders) if holders.is_empty() => {
                f.write_str("held by a process that is not visible")
            }
            Refusal::Held(holders) => {
                let names: Vec<String> = holders
                    .iter()
                    .map(|holder| format!("{} {}", holder.process.name, holder.process.pid))
                    .collect();
                write!(f, "held by {}", names.join(", "))
            }
            Refusal::OfOtherUser(uid) => write!(f, "belongs to user {uid}; ask as root"),
            Refusal::Unknown(Reason::NeedsRoot) => f.write_str("not known to be unused; ask as root"),
            Refusal::Unknown(reason) => write!(f, "not known to be unused: {}", reason.text()),
            Refusal::Changed => f.write_str("gone, or replaced by another object"),
        }
    }
}

/// How an object that was renamed may still be opened by a process that found it by its former
/// name: the kernel had found the file, and not counted the process yet. It has this time.
const SETTLE: Duration = Duration::from_millis(2);

/// Removes the object with this name, if no process holds it. Returns why not otherwise.
///
/// System V queues and sets, and FIFOs, are removed unless a process is known to use them.
///
/// # Errors
///
/// Fails if no object has the name, or if the kernel refuses.
pub fn remove(name: &ObjectName) -> Result<std::result::Result<(), Refusal>> {
    let (object, view) = find(name)?;
    match (object.kind, object.state) {
        (_, State::Live) => Ok(Err(Refusal::Held(object.holders))),
        (Kind::Fifo, _) if is_open_to_others(&object) && !view.is_complete() && !is_root() => {
            Ok(Err(Refusal::Unknown(Reason::NeedsRoot)))
        }
        (Kind::SysvQueue | Kind::SysvSemaphore | Kind::Fifo, State::Unknown(Reason::Unattached))
        | (_, State::Dead) => remove_listed(&object),
        (_, State::Unknown(reason)) => Ok(Err(unknown(&object, reason))),
    }
}

/// That another user owns the object is the better reason.
fn unknown(object: &Object, reason: Reason) -> Refusal {
    if is_of_other_user(object) { Refusal::OfOtherUser(object.uid) } else { Refusal::Unknown(reason) }
}

fn is_of_other_user(object: &Object) -> bool {
    !is_root() && nix::unistd::geteuid().as_raw() != object.uid
}

/// Whether processes of other users, which may be invisible, can have the object open.
fn is_open_to_others(object: &Object) -> bool {
    object.mode & 0o066 != 0
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Removes an object of a listing that is [`State::Dead`], if it still is and still has its name.
///
/// # Errors
///
/// Fails if the kernel refuses.
pub fn remove_dead(object: &Object) -> Result<std::result::Result<(), Refusal>> {
    match object.state {
        State::Dead => remove_listed(object),
        State::Live => Ok(Err(Refusal::Held(object.holders.clone()))),
        State::Unknown(reason) => Ok(Err(unknown(object, reason))),
    }
}

fn remove_listed(object: &Object) -> Result<std::result::Result<(), Refusal>> {
    if is_of_other_user(object) {
        return Ok(Err(Refusal::OfOtherUser(object.uid)));
    }
    let outcome = match object.kind {
        Kind::Channel | Kind::SharedMemory | Kind::Semaphore => remove_shared_file(object),
        Kind::Queue => remove_queue(object),
        Kind::SysvSharedMemory => return remove_segment(object),
        Kind::SysvQueue | Kind::SysvSemaphore => return remove_sysv(object),
        Kind::Fifo | Kind::Socket => remove_path(object),
        Kind::Process => Err(Errno::EINVAL),
    };
    match outcome {
        Err(Errno::ENOENT | Errno::ESTALE) => Ok(Err(Refusal::Changed)),
        Err(e) => Err(Error::new("remove", e).named(&object.name)),
        Ok(outcome) => Ok(outcome),
    }
}

/// What the kernel's answer allows.
fn allowed(answer: Answer) -> std::result::Result<(), Refusal> {
    match answer {
        Answer::Free => Ok(()),
        Answer::Held => Err(Refusal::Held(Vec::new())),
        Answer::NotPermitted => Err(Refusal::Unknown(Reason::NeedsRoot)),
        Answer::NotCounted => Err(Refusal::Unknown(Reason::NotCounted)),
    }
}

/// Renames the file while a lease keeps all processes from opening it, and removes it if none has
/// found it by its name before.
fn remove_shared_file(object: &Object) -> nix::Result<std::result::Result<(), Refusal>> {
    let file_name = shared_files::file_name(&object.name).ok_or(Errno::EINVAL)?;
    let opened = shared_files::open_listed(object)?;
    if let Err(refusal) = allowed(opened.answer(proof::take_patiently)) {
        return Ok(Err(refusal));
    }
    let file = &opened.file;
    let entry = Entry::new(std::path::Path::new(shared_files::DIRECTORY), file_name)?;
    let aside = entry.put_aside(object.identity)?;
    if sys::has_whole_lease(file.as_fd()) {
        sys::end_lease(file.as_fd());
        sleep(SETTLE);
        if proof::take(file.as_fd()) == Answer::Free && sys::has_whole_lease(file.as_fd()) {
            aside.remove()?;
            return Ok(Ok(()));
        }
    }
    aside.put_back()?;
    Ok(Err(Refusal::Held(Vec::new())))
}

/// A queue cannot be renamed, and has at most one name. The lease keeps processes from opening it.
fn remove_queue(object: &Object) -> nix::Result<std::result::Result<(), Refusal>> {
    let directory = posix_queues::directory();
    let queue = posix_queues::opened(directory.as_ref().map(AsFd::as_fd), object)?;
    if let Err(refusal) = allowed(proof::take_patiently(queue.as_fd())) {
        return Ok(Err(refusal));
    }
    if sys::status_of(queue.as_fd())?.links == 0 {
        return Err(Errno::ESTALE);
    }
    if !sys::has_whole_lease(queue.as_fd()) {
        return Ok(Err(Refusal::Held(Vec::new())));
    }
    posix_queues::unlink(directory.as_ref().map(AsFd::as_fd), object)?;
    Ok(Ok(()))
}

/// A segment without permissions cannot be attached any more, except by root.
fn remove_segment(object: &Object) -> Result<std::result::Result<(), Refusal>> {
    let Identity::Sysv(id) = object.identity else { return Ok(Err(Refusal::Changed)) };
    let segment = Segment::from_id(id)?;
    let free = |state| matches!(state, State::Dead);
    if !free(sysv::prove(object)) {
        return Ok(Err(Refusal::Held(Vec::new())));
    }
    segment.set_mode(0)?;
    if !free(sysv::prove(object)) {
        segment.set_mode(object.mode)?;
        return Ok(Err(Refusal::Held(Vec::new())));
    }
    segment.remove()?;
    Ok(Ok(()))
}

fn remove_sysv(object: &Object) -> Result<std::result::Result<(), Refusal>> {
    let Identity::Sysv(id) = object.identity else { return Ok(Err(Refusal::Changed)) };
    match sysv::find(&object.name)? {
        Some(found) if found.identity == object.identity && found.uid == object.uid => {}
        _ => return Ok(Err(Refusal::Changed)),
    }
    match object.kind {
        Kind::SysvQueue => Queue::from_id(id)?.remove()?,
        _ => sysv::open_set(id)?.remove()?,
    }
    Ok(Ok(()))
}

/// A FIFO or the file of a socket.
fn remove_path(object: &Object) -> nix::Result<std::result::Result<(), Refusal>> {
    let entry = Entry::of(object.name.path().ok_or(Errno::EINVAL)?)?;
    let aside = entry.put_aside(object.identity)?;
    if matches!(object.name, ObjectName::Socket(SocketName::Path(_)))
        && sockets::prove(&aside.path(), u64::MAX) != State::Dead
    {
        aside.put_back()?;
        return Ok(Err(Refusal::Held(Vec::new())));
    }
    aside.remove()?;
    Ok(Ok(()))
}
