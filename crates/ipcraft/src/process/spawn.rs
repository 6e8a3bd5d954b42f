//! The parent's side: a child is forked, and between fork and exec its descriptors are put in order.

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
use super::inherit::{Arranged, Inherit, Step};
use super::manifest::{Identity, VARIABLE};
use crate::error::{Error, ErrorKind, Result};
use crate::support::limits;

/// The first number after the standard streams.
const FIRST: RawFd = 3;

/// Mark all at once (close_range(2), Linux 5.11).
const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;

/// How often to start over when other threads open and close the very numbers that the child wants.
const ATTEMPTS: u32 = 100;

/// Starts children that inherit named descriptors and nothing else.
pub trait CommandExt {
    /// `fork(2)` and `execve(2)`: starts the program with these descriptors and its standard streams, and closes them here.
    ///
    /// The command can be used again; it keeps nothing of this call.
    ///
    /// # Errors
    ///
    /// As in the [module's table](super#errors). The descriptors are closed here then, too.
    fn spawn_inheriting(&mut self, descriptors: Inherit) -> Result<Child>;

    /// [`spawn_inheriting`](CommandExt::spawn_inheriting), and `pidfd_open(2)` in the child: also gives a [`PidFd`] of
    /// the child that is right whatever has become of it by now.
    ///
    /// It is right even if another thread waits for any child of this process, or if `SIGCHLD` is ignored, so that the
    /// child is reaped the moment it ends. Wait for the child through one of the two and not both: see
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

/// A way to start the child, prepared so.
type Launch<T> = fn(&mut Command, Preparation) -> io::Result<T>;

fn spawn<T>(command: &mut Command, descriptors: Inherit, launch: Launch<T>) -> Result<T> {
    let arranged = descriptors.arrange()?;
    command.env(VARIABLE, arranged.manifest()?);
    let child = start(command, &arranged, launch);
    command.env_remove(VARIABLE);
    child
}

/// What the child does between fork and exec.
#[derive(Debug)]
struct Preparation {
    kept: Vec<RawFd>,
    steps: Vec<Step>,
    /// Where to send the pidfd; open over the fork.
    handover: Option<RawFd>,
}

/// Starts the child, again if another thread of this process changed what is under a number that the child wants.
fn start<T>(command: &mut Command, arranged: &Arranged, launch: Launch<T>) -> Result<T> {
    // Placeholders of two starts at once would be in each other's way.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = arranged.has_numbers().then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
    let mut attempts = 0;
    loop {
        let placed = arranged.placed()?;
        let steps = placed.iter().map(|placement| placement.step).collect();
        match launch(command, Preparation { kept: arranged.kept(), steps, handover: None }) {
            Err(e) if e.raw_os_error() == Some(libc::EBUSY) && attempts < ATTEMPTS => attempts += 1,
            started => return started.map_err(|e| failed(command, &e)),
        }
    }
}

fn fork_with_pidfd(command: &mut Command, preparation: Preparation) -> io::Result<(Child, PidFd)> {
    let handover = Handover::new()?;
    let preparation = Preparation { handover: Some(handover.number()), ..preparation };
    let mut child = fork_and_exec(command, preparation)?;
    match handover.receive() {
        Ok(fd) => Ok((child, PidFd::of_descriptor(fd))),
        Err(errno) => {
            // There is no child without its pidfd. It is this thread's to wait for: the caller never knew of it.
            let _ = child.kill().and_then(|()| child.wait());
            Err(errno.into())
        }
    }
}

fn fork_and_exec(command: &mut Command, preparation: Preparation) -> io::Result<Child> {
    let current = Arc::new(AtomicBool::new(true));
    let of_this_call = current.clone();
    let arrange = move || if of_this_call.load(SeqCst) { in_child(&preparation) } else { Ok(()) };
    // SAFETY: because the closure makes only system calls that are async-signal-safe and allocates nothing.
    unsafe { command.pre_exec(arrange) };
    let child = command.spawn();
    // The closure stays with the command, and its numbers mean nothing after this call.
    current.store(false, SeqCst);
    child
}

/// Runs in the child alone, whose copy of the descriptor table nobody else uses.
fn in_child(preparation: &Preparation) -> io::Result<()> {
    if let Some(number) = preparation.handover {
        // SAFETY: because the parent holds the socket open over the fork, and so it is open in the child until exec.
        handover::send(unsafe { BorrowedFd::borrow_raw(number) })?;
    }
    close_all_on_exec()?;
    for &number in &preparation.kept {
        keep_on_exec(number)?;
    }
    for step in &preparation.steps {
        put_in_place(step)?;
    }
    Ok(())
}

fn close_all_on_exec() -> nix::Result<()> {
    // SAFETY: because the call takes three integers and touches no memory.
    let status =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    match Errno::result(status) {
        Err(Errno::EINVAL | Errno::ENOSYS) => close_each_on_exec(),
        result => result.map(drop),
    }
}

/// The same before Linux 5.11: every number that the limit allows.
fn close_each_on_exec() -> nix::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: because getrlimit(2) writes one structure of this type.
    Errno::result(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    for number in FIRST..RawFd::try_from(limit.rlim_cur).unwrap_or(RawFd::MAX) {
        // SAFETY: because setting a flag of a descriptor touches no memory; a number that is not open is EBADF and no harm.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

fn keep_on_exec(number: RawFd) -> nix::Result<()> {
    // SAFETY: because clearing a flag of a descriptor touches no memory.
    Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).map(drop)
}

/// Puts the source under the target number, unless something is there that was not before the fork: that would be the pipe by which std
/// learns of a failed exec.
fn put_in_place(step: &Step) -> nix::Result<()> {
    match Identity::of_number(step.target) {
        Ok(found) if step.occupant != Some(found) => return Err(Errno::EBUSY),
        _ => {}
    }
    // SAFETY: because dup2(2) touches no memory, and what it closes in this child is a copy of a descriptor that the parent keeps.
    Errno::result(unsafe { libc::dup2(step.source, step.target) }).map(drop)
}

fn failed(command: &Command, error: &io::Error) -> Error {
    let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
        // std refuses arguments with NUL bytes itself.
        return Error::new("spawn", ErrorKind::Invalid).with_name(program(command));
    };
    let error =
        Error::from_errno("spawn", errno).with_name(program(command)).with_limit(limits::descriptors(errno));
    match errno {
        Errno::EAGAIN => {
            error.with_kind(ErrorKind::LimitReached).with_hint("see RLIMIT_NPROC and the pids cgroup")
        }
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
    fn the_way_of_older_kernels_marks_descriptors_too() {
        let (reader, _writer) = std::io::pipe().unwrap();
        fcntl(reader.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        close_each_on_exec().unwrap();
        assert_eq!(fcntl(reader.as_fd(), FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }
}
