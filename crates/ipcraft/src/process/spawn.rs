//! Starting a child.

#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;

use super::PidFd;
use super::child::{self, ChildSetup};
use super::inherit::{Inherit, Prepared};
use super::lasting_thread;
use super::manifest::VARIABLE;
use super::report::{Received, Report};
use super::streams;
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::support::{errno, limits, process_limit};
use crate::sys::{pidfd, retry};

const SPAWN: &str = "spawn";

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
        spawn(self, descriptors, false).map(|(child, _)| child)
    }

    fn spawn_pidfd(&mut self, descriptors: Inherit) -> Result<(Child, PidFd)> {
        let (child, pidfd) = spawn(self, descriptors, true)?;
        let pidfd = pidfd.map_err(|e| spawn_error(self, e))?;
        let pid = Pid::from(&child);
        Ok((child, PidFd::with_known_pid(pidfd, pid)))
    }
}

/// A started child, and its pidfd if that arrived.
type Started = (Child, nix::Result<OwnedFd>);

fn spawn(command: &mut Command, descriptors: Inherit, needs_pidfd: bool) -> Result<Started> {
    check_directory(command)?;
    // What is opened from here on is above the standard streams.
    let _occupied = streams::occupy().map_err(|e| spawn_error(command, e))?;
    let prepared = descriptors.prepare()?;
    command.env(VARIABLE, prepared.manifest()?);
    let started = if prepared.signals().death.is_some() {
        lasting_thread::run(|| start(command, &prepared, needs_pidfd)).unwrap_or_else(Err)
    } else {
        start(command, &prepared, needs_pidfd)
    };
    command.env_remove(VARIABLE);
    started
}

/// Fails if the command's directory is missing. The child would report the same, but through std,
/// which then waits for the child: see [`child`].
fn check_directory(command: &Command) -> Result<()> {
    let Some(directory) = command.get_current_dir() else { return Ok(()) };
    let found = match fs::metadata(directory) {
        Ok(found) if !found.is_dir() => Errno::ENOTDIR,
        Ok(_) => return Ok(()),
        Err(e) => errno(&e),
    };
    match found {
        // The child may have another user, with the permission to enter it.
        Errno::EACCES => Ok(()),
        errno => Err(Error::from_errno("chdir", errno).with_name(directory.display().to_string())),
    }
}

/// Starts the child. Starts again if another thread changed a descriptor number that the child
/// needs.
fn start(command: &mut Command, prepared: &Prepared, needs_pidfd: bool) -> Result<Started> {
    // The placeholders of two concurrent starts would occupy each other's targets.
    static PLACEHOLDERS: Mutex<()> = Mutex::new(());
    let _guard = prepared.has_numbers().then(|| PLACEHOLDERS.lock().unwrap_or_else(PoisonError::into_inner));
    let mut restarts = 0;
    loop {
        let placements = prepared.placements()?;
        let report = Report::new().map_err(|e| spawn_error(command, e))?;
        let setup = ChildSetup {
            kept_fds: prepared.kept_fds(),
            steps: placements.iter().map(|placement| placement.step).collect(),
            signals: prepared.signals(),
            report: report.child_fd(),
            needs_pidfd,
        };
        match fork_and_exec(command, setup, report) {
            Err(e) if e.raw_os_error() == Some(libc::EBUSY) && restarts < MAX_RESTARTS => restarts += 1,
            Err(e) => return Err(std_error(command, &e)),
            Ok(started) => return Ok(started),
        }
    }
}

fn fork_and_exec(command: &mut Command, setup: ChildSetup, report: Report) -> io::Result<Started> {
    let needs_pidfd = setup.needs_pidfd;
    let mut child = fork(command, setup)?;
    let Received { pidfd, failure } = report.recv()?;
    match (failure, &pidfd) {
        (None, Err(errno)) if needs_pidfd => {
            // The caller gets no handle to the child, so it is killed and reaped here.
            let _ = child.kill().and_then(|()| child.wait());
            Err((*errno).into())
        }
        (None, _) => Ok((child, pidfd)),
        (Some(errno), Ok(pidfd)) => {
            // Fails if the child was reaped elsewhere, or by the kernel.
            let _ = retry(|| pidfd::wait(pidfd.as_fd(), 0));
            Err(errno.into())
        }
        (Some(errno), Err(_)) => {
            let _ = child.wait();
            Err(errno.into())
        }
    }
}

/// Returns when the child has taken over std's report, which is before it executes the program.
fn fork(command: &mut Command, setup: ChildSetup) -> io::Result<Child> {
    let is_current = Arc::new(AtomicBool::new(true));
    let runs = is_current.clone();
    let set_up = move || {
        if runs.load(SeqCst) {
            child::set_up(&setup);
        }
        Ok(())
    };
    // SAFETY: because the closure makes only system calls that are async-signal-safe and allocates
    // nothing.
    unsafe { command.pre_exec(set_up) };
    let child = command.spawn();
    // The command keeps the closure, whose descriptor numbers are invalid after this call.
    is_current.store(false, SeqCst);
    child
}

fn std_error(command: &Command, error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(errno) => spawn_error(command, Errno::from_raw(errno)),
        // std rejects arguments with NUL bytes without an errno.
        None => Error::new(SPAWN, ErrorKind::Invalid)
            .with_name(program(command))
            .with_hint("pass no NUL byte in arguments and environment"),
    }
}

fn spawn_error(command: &Command, errno: Errno) -> Error {
    let error = Error::from_errno(SPAWN, errno).with_name(program(command));
    match errno {
        Errno::EAGAIN => error
            .with_kind(ErrorKind::LimitReached)
            .with_limit(process_limit::processes())
            .with_hint("end processes, or raise the limit"),
        _ => error.with_limit(limits::descriptors(errno)),
    }
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
