//! System V queues, segments and sets of semaphores.

use std::os::fd::AsFd;
use std::time::SystemTime;

use ipcraft::Pid;
use ipcraft::semaphore::sysv::{self as semaphores, SemaphoreSet};
use ipcraft::sysv::{Key, Permissions};
use ipcraft::{queue::sysv as queues, shm::sysv as segments};
use nix::errno::Errno;
use nix::sys::signal::kill;

use crate::identity::Identity;
use crate::name::{Kind, ObjectName, SysvName};
use crate::object::{Maker, Object, Queued, Reason, State};
use crate::process::{Process, ProcessFiles, open_proc};

/// The objects of these kinds in this IPC namespace. The holders of segments are missing.
pub(crate) fn list(kinds: &[Kind]) -> ipcraft::Result<Vec<Object>> {
    let mut objects = Vec::new();
    if kinds.contains(&Kind::SysvQueue) {
        objects.extend(queues::list()?.iter().map(|entry| queue(entry.id, &entry.statistics)));
    }
    if kinds.contains(&Kind::SysvSharedMemory) {
        let entries = segments::list()?;
        objects.extend(entries.iter().map(|entry| segment(entry.id, &entry.statistics)));
    }
    if kinds.contains(&Kind::SysvSemaphore) {
        objects.extend(semaphores::list()?.iter().map(|entry| set(entry.id, &entry.statistics)));
    }
    Ok(objects)
}

/// The object with this key or identifier.
pub(crate) fn find(name: &ObjectName) -> ipcraft::Result<Option<Object>> {
    let objects = list(&[name.kind()])?;
    Ok(objects.into_iter().find(|object| match name.sysv_name() {
        Some(SysvName::Id(id)) => object.identity == Identity::Sysv(id),
        _ => object.name == *name,
    }))
}

fn name_of(key: Key, id: i32) -> SysvName {
    if key.is_private() { SysvName::Id(id) } else { SysvName::Key(key.number()) }
}

fn base(name: ObjectName, id: i32, permissions: &Permissions, times: &[Option<SystemTime>]) -> Object {
    let seconds =
        |time: &SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    Object {
        kind: name.kind(),
        name,
        contents: None,
        identity: Identity::Sysv(id),
        size: None,
        queued: None,
        uid: permissions.uid,
        gid: permissions.gid,
        mode: permissions.mode,
        changed: times.iter().flatten().map(seconds).max().unwrap_or(0).cast_signed(),
        maker: None,
        holders: Vec::new(),
        channel: None,
        state: State::Unknown(Reason::Unattached),
    }
}

fn queue(id: i32, found: &queues::Statistics) -> Object {
    let name = ObjectName::SysvQueue(name_of(found.key, id));
    let times = [found.last_send, found.last_receive, found.last_change];
    let users = [found.last_sender, found.last_receiver];
    Object {
        size: Some(found.max_bytes),
        queued: Some(Queued { count: found.messages, capacity: None, bytes: Some(found.bytes) }),
        state: state_by_users(users.into_iter().flatten()),
        ..base(name, id, &found.permissions, &times)
    }
}

fn set(id: i32, found: &semaphores::Statistics) -> Object {
    let name = ObjectName::SysvSemaphore(name_of(found.key, id));
    let times = [found.last_operation, Some(found.last_change)];
    let mut object = Object { size: Some(found.count as u64), ..base(name, id, &found.permissions, &times) };
    let Ok(set) = open_set(id) else { return object };
    let indexes = 0..u16::try_from(found.count).unwrap_or(u16::MAX);
    // A set of thousands is not worth three calls for each.
    let indexes = indexes.take(64);
    let waits = |index| set.waiting_for_increase(index).is_ok_and(|waiting| waiting > 0);
    let waits_for_zero = |index| set.waiting_for_zero(index).is_ok_and(|waiting| waiting > 0);
    if indexes.clone().any(|index| waits(index) || waits_for_zero(index)) {
        object.state = State::Live;
    } else {
        object.state = state_by_users(indexes.filter_map(|index| set.last_pid(index).ok().flatten()));
    }
    if found.count == 1 {
        let value = set.value(0).ok();
        object.queued = value.map(|value| Queued { count: value.into(), capacity: None, bytes: None });
    }
    object
}

/// Opens a set, also one whose creator has not set its values.
pub(crate) fn open_set(id: i32) -> ipcraft::Result<SemaphoreSet> {
    semaphores::Options::new().wait_for_creator(None).from_id(id)
}

/// No process holds a queue or a set, and any process may use it. That a recent user runs is all
/// that can be known.
fn state_by_users(mut users: impl Iterator<Item = Pid>) -> State {
    State::Unknown(if users.any(runs) { Reason::UserRuns } else { Reason::Unattached })
}

fn segment(id: i32, found: &segments::Statistics) -> Object {
    let name = ObjectName::SysvSharedMemory(name_of(found.key, id));
    let times = [found.attached, found.detached, found.changed];
    let made = found.changed.unwrap_or(SystemTime::UNIX_EPOCH);
    Object {
        size: Some(found.size as u64),
        maker: found.creator.map(|pid| Maker { pid: pid.into(), process: maker(pid, made) }),
        state: segment_state(found),
        ..base(name, id, &found.permissions, &times)
    }
}

/// The kernel counts the attachments of a segment over all namespaces, at one moment. A process
/// that has just made a segment has not attached it yet, so its maker must be gone, too.
///
/// Another process that has the maker's id by now makes the state unknown. Start times would
/// distinguish the two, but not after the clock was set.
fn segment_state(found: &segments::Statistics) -> State {
    if found.attachments > 0 {
        return State::Live;
    }
    let was_used = found.attached.is_some() || found.detached.is_some();
    match (found.creator, found.last_user) {
        (None, _) => State::Unknown(Reason::MakerInvisible),
        (_, None) if was_used => State::Unknown(Reason::MakerInvisible),
        (Some(maker), user) if runs(maker) || user.is_some_and(runs) => State::Unknown(Reason::UserRuns),
        _ => State::Dead,
    }
}

/// Reads the attachments of a segment again.
pub(crate) fn prove(object: &Object) -> State {
    match list(&[object.kind]) {
        Ok(objects) => objects
            .into_iter()
            .find(|found| found.identity == object.identity && found.name == object.name)
            .map_or(State::Unknown(Reason::Changed), |found| found.state),
        Err(_) => State::Unknown(Reason::NeedsRoot),
    }
}

/// Whether a process has this id, visible in `/proc` or not. A zombie has it, too.
fn runs(pid: Pid) -> bool {
    kill(nix::unistd::Pid::from_raw(pid.into()), None) != Err(Errno::ESRCH)
}

/// The process that made an object, if it still runs.
fn maker(pid: Pid, made: SystemTime) -> Option<Process> {
    read(pid).filter(|process| !started_after(process, made))
}

fn read(pid: Pid) -> Option<Process> {
    let proc = open_proc().ok()?;
    ProcessFiles::open(proc.as_fd(), pid.into()).ok().map(|files| files.process)
}

/// Whether a process started after a time, for which only whole seconds are known.
fn started_after(process: &Process, time: SystemTime) -> bool {
    const TOLERANCE: u64 = 2;
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    let Some(boot) = boot_time() else { return false };
    boot + process.started / ticks.unsigned_abs().max(1) > seconds(time) + TOLERANCE
}

/// When the machine was booted, in seconds since 1970, by its present clock.
fn boot_time() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}
