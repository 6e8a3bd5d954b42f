//! Starting a child. Between fork and exec the child arranges its descriptors.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;

use super::PidFd;
use super::handover::{self, Handover};
use super::inherit::{Inherit, Prepared, Step};
use super::manifest::{Identity, VARIABLE};
use crate::error::{Error, ErrorKind, Result};
use crate::support::limits;

/// The first descriptor number after the standard streams.
const FIRST_FD: RawFd = 3;

/// Sets close-on-exec on a range of descriptors (close_range(2), Linux 5.11).
const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;

/// Bounds the restarts after another thread opened or closed a number that the child needs. Each
/// restart needs such a race between fork and exec. After 100 in a row, the cause is another one.
const MAX_RESTARTS: u32 = 100;

/// Starts children that inherit the listed descriptors and no others.
pub trait CommandExt {
    /// `fork(2)` and `execve(2)`: starts the program with these descriptors and its standard
    /// streams. Closes the descriptors in this process, also on failure.
    ///
    /// The command can be used again and retains nothing from this call.
    ///
    /// # Errors
    ///
    /// See the [module's table](super#errors).
    fn spawn_inheriting(&mut self, descriptors: Inherit) -> Result<Child>;

    /// [`spawn_inheriting`](CommandExt::spawn_inheriting), and `pidfd_open(2)` in the child: also
    /// returns a [`PidFd`] of the child.
    ///
    /// The [`PidFd`] refers to the child even if the child was reaped in the meantime, by another
    /// thread or because `SIGCHLD` is ignored. Wait through one of the two handles, not both: see
    /// [`PidFd::wait`].
    ///
    /// # Errors
    ///
    /// As for [`spawn_inheriting`](CommandExt::spawn_inheriting).
    #[doc(alias = "pidfd_open")]
    #[doc(alias = "CLONE_PIDFD")]
    fn spawn_pidfd(&mut self, descriptors: Inherit) -> Result<(Child, PidFd)>;
}

impl CommandExt for Command {
    fn spawn_inheriting(&mut self, descriptors: Inherit) -> Result<Child> {
        spawn(self, descriptors, fork_and_exec)
    }

    fn spawn_pidfd(&mut self, descriptors: Inherit) -> Result<(Child, PidFd)> {
        spawn(self, descriptors, fork_with_pidfd)
    }
}

/// A function that starts the child with this setup.
type Launch<T> = fn(&mut Command, ChildSetup) -> io::Result<T>;

fn spawn<T>(command: &mut Command, descriptors: Inherit, launch: Launch<T>) -> Result<T> {
    let prepared = descriptors.prepare()?;
    command.env(VARIABLE, prepared.manifest()?);
    let child = start(command, &prepared, launch);
    command.env_remove(VARIABLE);
    child
}

/// The work of the child between fork and exec.
#[derive(Debug)]
struct ChildSetup {
    kept_fds: Vec<RawFd>,
    steps: Vec<Step>,
    /// The socket to send the pidfd to, open across the fork.
    handover: Option<RawFd>,
}

/// Starts the child. Starts again if another thread changed a descriptor number that the child
/// needs.
fn start<T>(command: &mut Command, prepared: &Prepared, launch: Launch<T>) -> Result<T> {
    // The placeholders of two concurrent starts would occupy each other's targets.
    static PLACEHOLDERS: Mutex<()> = Mutex::new(());
    let _guard = prepared.has_numbers().then(|| PLACEHOLDERS.lock().unwrap_or_else(PoisonError::into_inner));
    let mut restarts = 0;
    loop {
        let placements = prepared.placements()?;
        let steps = placements.iter().map(|placement| placement.step).collect();
        match launch(command, ChildSetup { kept_fds: prepared.kept_fds(), steps, handover: None }) {
            Err(e) if e.raw_os_error() == Some(libc::EBUSY) && restarts < MAX_RESTARTS => restarts += 1,
            started => return started.map_err(|e| spawn_error(command, &e)),
        }
    }
}

fn fork_with_pidfd(command: &mut Command, setup: ChildSetup) -> io::Result<(Child, PidFd)> {
    let handover = Handover::new()?;
    let setup = ChildSetup { handover: Some(handover.child_fd()), ..setup };
    let mut child = fork_and_exec(command, setup)?;
    match handover.recv() {
        Ok(fd) => Ok((child, PidFd::from_fd(fd))),
        Err(errno) => {
            // The caller gets no handle to the child, so it is killed and reaped here.
            let _ = child.kill().and_then(|()| child.wait());
            Err(errno.into())
        }
    }
}

fn fork_and_exec(command: &mut Command, setup: ChildSetup) -> io::Result<Child> {
    let is_current = Arc::new(AtomicBool::new(true));
    let runs = is_current.clone();
    let set_up = move || if runs.load(SeqCst) { set_up_child(&setup) } else { Ok(()) };
    // SAFETY: because the closure makes only system calls that are async-signal-safe and allocates
    // nothing.
    unsafe { command.pre_exec(set_up) };
    let child = command.spawn();
    // The command keeps the closure, whose descriptor numbers are invalid after this call.
    is_current.store(false, SeqCst);
    child
}

/// Runs in the child, which has only this thread and a descriptor table of its own.
fn set_up_child(setup: &ChildSetup) -> io::Result<()> {
    if let Some(number) = setup.handover {
        // SAFETY: because the parent holds the socket open across the fork, so it is open in the
        // child until exec.
        handover::send(unsafe { BorrowedFd::borrow_raw(number) })?;
    }
    close_all_on_exec()?;
    for &number in &setup.kept_fds {
        keep_on_exec(number)?;
    }
    for step in &setup.steps {
        place(step)?;
    }
    Ok(())
}

fn close_all_on_exec() -> nix::Result<()> {
    // SAFETY: because the call takes three integers and touches no memory.
    let status =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST_FD, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    match Errno::result(status) {
        Err(Errno::EINVAL | Errno::ENOSYS) => close_each_on_exec(),
        result => result.map(drop),
    }
}

/// As [`close_all_on_exec`] before Linux 5.11: sets the flag on each number that the limit allows.
fn close_each_on_exec() -> nix::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: because getrlimit(2) writes one structure of this type.
    Errno::result(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    for number in FIRST_FD..RawFd::try_from(limit.rlim_cur).unwrap_or(RawFd::MAX) {
        // SAFETY: because setting a flag of a descriptor touches no memory; for a number that is
        // not open it fails with EBADF.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

fn keep_on_exec(number: RawFd) -> nix::Result<()> {
    // SAFETY: because clearing a flag of a descriptor touches no memory.
    Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).map(drop)
}

/// Duplicates the source to the target number. Fails with `EBUSY` if the target was opened since
/// the preparation: std may have placed the pipe there that reports a failed exec.
fn place(step: &Step) -> nix::Result<()> {
    match Identity::for_number(step.target) {
        Ok(found) if step.occupant != Some(found) => return Err(Errno::EBUSY),
        _ => {}
    }
    // SAFETY: because dup2(2) touches no memory, and the descriptor that it closes in the child is
    // a copy of one that the parent keeps.
    Errno::result(unsafe { libc::dup2(step.source, step.target) }).map(drop)
}

fn spawn_error(command: &Command, error: &io::Error) -> Error {
    let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
        // std rejects arguments with NUL bytes without an errno.
        return Error::new("spawn", ErrorKind::Invalid).with_name(program(command));
    };
    let error =
        Error::from_errno("spawn", errno).with_name(program(command)).with_limit(limits::descriptors(errno));
    match errno {
        Errno::EAGAIN => error
            .with_kind(ErrorKind::LimitReached)
            .with_hint("raise RLIMIT_NPROC or pids.max of the cgroup, or end processes"),
        _ => error,
    }
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use std::os::fd::AsFd;

    #[test]
    fn close_each_on_exec_sets_the_flag() {
        let (reader, _writer) = std::io::pipe().unwrap();
        fcntl(reader.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        close_each_on_exec().unwrap();
        assert_eq!(fcntl(reader.as_fd(), FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }
}
