//! The handle: how one comes by it, and whose it is.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process::Child;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::state::{self, State};
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::support::dup::duplicate;
use crate::support::{errno, limits};
use crate::sys::pidfd;

const OPEN: &str = "pidfd_open";
const GETFD: &str = "pidfd_getfd";
const FDINFO: &str = "read /proc/thread-self/fdinfo";

/// What a line of fdinfo says of a process that was reaped.
const REAPED: i32 = -1;

/// A process, held by a descriptor that never comes to mean another one.
///
/// Dropping it closes the descriptor and does nothing to the process: it neither ends nor reaps it.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
}

impl PidFd {
    /// `pidfd_open(2)`: the process that has this id now.
    ///
    /// Between the moment when you learnt the id and this call the process may have ended and its id passed to another.
    /// For a child take [`of`](PidFd::for_child) or [`spawn_pidfd`](super::CommandExt::spawn_pidfd); for the peer of a socket,
    /// its [`peer_pidfd`](crate::socket::stream::Stream::peer_pidfd); for any other, check after opening that it
    /// is the one you mean.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such process, [`Invalid`](ErrorKind::Invalid) for an id below 1
    /// or that of a thread, [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "pidfd_open")]
    pub fn open(pid: Pid) -> Result<PidFd> {
        pidfd::open(pid.raw()).map(PidFd::of_descriptor).map_err(|e| unopened(pid, e))
    }

    /// `pidfd_open(2)`: a child that was not waited for yet, running or not.
    ///
    /// As long as nobody has waited for it, its id is no other's. That holds unless this process waits for children
    /// whose ids it does not name, or ignores `SIGCHLD`: then start the child with
    /// [`spawn_pidfd`](super::CommandExt::spawn_pidfd).
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if it was waited for: unless its id is another child's by now, which then is
    /// what you get.
    pub fn for_child(child: &Child) -> Result<PidFd> {
        let pid = Pid::from(child);
        let pidfd = PidFd::open(pid)?;
        match pidfd::wait(pidfd.as_fd(), libc::WNOHANG | libc::WNOWAIT) {
            // The id has passed to a process that is no child of this one.
            Err(Errno::ECHILD) => Err(unopened(pid, Errno::ESRCH)),
            _ => Ok(pidfd),
        }
    }

    /// `pidfd_open(2)`: this process, to be handed to others.
    pub fn current() -> Result<PidFd> {
        PidFd::open(Pid::current())
    }

    pub(super) fn of_descriptor(fd: OwnedFd) -> PidFd {
        PidFd { fd }
    }

    /// A second handle to the same process.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    pub fn try_clone(&self) -> Result<PidFd> {
        duplicate(&self.fd).map(PidFd::of_descriptor)
    }

    /// `Pid` of `/proc/self/fdinfo/FD`: its id, as the mounted `/proc` numbers processes.
    ///
    /// The id is the process's own until it is reaped, and may be another's as soon as this returns.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if it has ended and is reaped, [`NotFound`](ErrorKind::NotFound) if
    /// it is in a pid namespace that cannot be seen from here, [`Unsupported`](ErrorKind::Unsupported) without `/proc`.
    pub fn pid(&self) -> Result<Pid> {
        match self.listed_pid()? {
            REAPED => Err(has_ended(Error::from_errno(FDINFO, Errno::ESRCH))),
            number => Pid::from_raw(number).ok_or_else(|| {
                Error::new(FDINFO, ErrorKind::NotFound)
                    .with_hint("the target is not in this or a child pid namespace")
            }),
        }
    }

    fn listed_pid(&self) -> Result<i32> {
        let path = format!("/proc/thread-self/fdinfo/{}", self.fd.as_raw_fd());
        let text = fs::read_to_string(path).map_err(|e| {
            let errno = errno(&e);
            let error = Error::from_errno(FDINFO, errno).with_limit(limits::descriptors(errno));
            if errno == Errno::ENOENT { state::without_proc(error) } else { error }
        })?;
        let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
        pid.ok_or_else(|| Error::new(FDINFO, ErrorKind::Unsupported))
    }

    /// `/proc/PID/stat`: what the process is doing; of this process and no other, but stale as soon as it is returned.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if it has ended and is reaped: before that it is a
    /// [`Zombie`](State::Zombie). Else as [`pid`](PidFd::pid).
    pub fn state(&self) -> Result<State> {
        let state = state::state(self.pid()?);
        // Only now is it sure whose state that was: a process that is not reaped shares its id with nobody.
        self.pid()?;
        state
    }

    /// `pidfd_getfd(2)`: a duplicate of the descriptor that has this number in the process.
    ///
    /// Both refer to the same open file description, and so share its position and flags. The duplicate is
    /// close-on-exec. Nothing tells the process.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the process has nothing open under the number,
    /// [`Disconnected`](ErrorKind::Disconnected) if it has ended, [`PermissionDenied`](ErrorKind::PermissionDenied) if
    /// this process may not trace it (ptrace(2)): it belongs to another user, has privileges of its own, has made
    /// itself undumpable, or the security module Yama forbids it: what that is set to is the error's limit, if it is
    /// set.
    #[doc(alias = "pidfd_getfd")]
    pub fn descriptor(&self, number: RawFd) -> Result<OwnedFd> {
        pidfd::get(self.as_fd(), number).map_err(|errno| {
            let error = Error::from_errno(GETFD, errno).with_name(format!("descriptor number {number}"));
            match errno {
                Errno::EBADF => {
                    error.with_kind(ErrorKind::NotFound).with_hint("the process has no such descriptor")
                }
                Errno::ESRCH => has_ended(error),
                Errno::EPERM => not_traceable(error),
                _ => error.with_limit(limits::descriptors(errno)),
            }
        })
    }
}

#[cold]
fn unopened(pid: Pid, errno: Errno) -> Error {
    let error =
        Error::from_errno(OPEN, errno).with_name(pid.to_string()).with_limit(limits::descriptors(errno));
    match errno {
        Errno::ESRCH => error.with_kind(ErrorKind::NotFound),
        // EINVAL before Linux 6.16.
        Errno::ENOENT => {
            error.with_kind(ErrorKind::Invalid).with_hint("this is the id of a thread, not of a process")
        }
        _ => error,
    }
}

/// `ESRCH` of a call on a pidfd.
pub(super) fn has_ended(error: Error) -> Error {
    error.with_kind(ErrorKind::Disconnected).with_hint("the process has ended")
}

/// With what Yama (Linux, Documentation/admin-guide/LSM/Yama.rst) says, where it says anything.
fn not_traceable(error: Error) -> Error {
    let yama = limits::sysctl("/proc/sys/kernel/yama/ptrace_scope", None);
    error.with_limit(yama.filter(|scope| scope.value > 0)).with_hint(
        "it takes the right to trace the process: the same user or CAP_SYS_PTRACE, and under Yama the consent of the \
         process by prctl(PR_SET_PTRACER)",
    )
}

/// For `poll(2)`: readable as soon as the whole process has ended, reaped or not, and from then on.
impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<PidFd> for OwnedFd {
    fn from(pidfd: PidFd) -> Self {
        pidfd.fd
    }
}

/// A pidfd that was inherited, received over a socket, or asked of one.
///
/// # Errors
///
/// [`WrongType`](ErrorKind::WrongType) if it leads to something else, or to a single thread (`PIDFD_THREAD`); it is
/// closed then.
impl TryFrom<OwnedFd> for PidFd {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        // Whether or not this is a child's, which is not what is asked.
        let kind = pidfd::wait(fd.as_fd(), libc::WNOHANG | libc::WNOWAIT);
        let flags = fcntl(&fd, FcntlArg::F_GETFL).map(OFlag::from_bits_retain);
        let is_a_thread = flags.is_ok_and(|flags| flags.contains(OFlag::O_EXCL));
        if kind == Err(Errno::EBADF) || is_a_thread {
            return Err(Error::new("waitid(P_PIDFD)", ErrorKind::WrongType));
        }
        Ok(PidFd { fd })
    }
}
