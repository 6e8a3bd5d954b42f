//! The pidfd handle: opening, identity, and descriptors of the process.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process::Child;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::state::{self, State};
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::support::dup::duplicate;
use crate::support::process_identity::ProcessIdentity;
use crate::support::{errno, limits};
use crate::sys::pidfd;

const OPEN: &str = "pidfd_open";
const GETFD: &str = "pidfd_getfd";
const FDINFO: &str = "read /proc/thread-self/fdinfo";

/// The value of `Pid` in fdinfo for a process that was reaped.
const REAPED: i32 = -1;

/// The null signal: the call only checks that the process exists.
const NULL_SIGNAL: i32 = 0;

/// A descriptor that refers to one process, even after the process has ended.
///
/// Dropping it closes the descriptor. The process is neither ended nor reaped.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
    /// The id in the namespace of the process that opened it, and that process.
    known_pid: Option<(Pid, ProcessIdentity)>,
}

impl PidFd {
    /// `pidfd_open(2)`: opens the process that has this id now.
    ///
    /// The intended process may have ended before this call, and another process may have its id.
    /// For a child, use [`for_child`](PidFd::for_child) or
    /// [`spawn_pidfd`](super::CommandExt::spawn_pidfd). For the peer of a socket, use
    /// [`peer_pidfd`](crate::socket::stream::Stream::peer_pidfd). For other processes, verify the
    /// identity after opening.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such process;
    /// [`Invalid`](ErrorKind::Invalid) for the id of a thread;
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "pidfd_open")]
    pub fn open(pid: Pid) -> Result<PidFd> {
        match pidfd::open(pid.raw()) {
            Ok(fd) => Ok(PidFd::with_known_pid(fd, pid)),
            Err(e) => Err(open_error(pid, e)),
        }
    }

    /// `pidfd_open(2)`: opens a running or ended child that was not reaped.
    ///
    /// The id belongs to the child until the child is reaped. If this process waits for any child,
    /// or ignores `SIGCHLD`, the child may be reaped at any time. Start it with
    /// [`spawn_pidfd`](super::CommandExt::spawn_pidfd) then.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the child was reaped. If its id already belongs to
    /// another child of this process, the call opens that child.
    pub fn for_child(child: &Child) -> Result<PidFd> {
        let pid = Pid::from(child);
        let pidfd = PidFd::open(pid).map_err(|error| match error.kind() {
            // A thread has the id, or the kernel is reaping the child and has not yet freed it.
            ErrorKind::Invalid => open_error(pid, Errno::ESRCH),
            _ => error,
        })?;
        match pidfd::wait(pidfd.as_fd(), libc::WNOHANG | libc::WNOWAIT) {
            // The id belongs to a process that is not a child of this one.
            Err(Errno::ECHILD) => Err(open_error(pid, Errno::ESRCH)),
            _ => Ok(pidfd),
        }
    }

    /// `pidfd_open(2)`: opens the calling process, for example to send the descriptor to a peer.
    pub fn current() -> Result<PidFd> {
        PidFd::open(Pid::current())
    }

    pub(super) fn with_known_pid(fd: OwnedFd, pid: Pid) -> PidFd {
        PidFd { fd, known_pid: Some((pid, ProcessIdentity::current())) }
    }

    /// Returns a second handle to the same process.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    pub fn try_clone(&self) -> Result<PidFd> {
        Ok(PidFd { fd: duplicate(&self.fd)?, known_pid: self.known_pid })
    }

    /// `Pid` of `/proc/self/fdinfo/FD`: returns the id in the pid namespace of the mounted `/proc`.
    ///
    /// The process may be reaped at any time, and its id may then be assigned to another process.
    ///
    /// A handle that was opened by id, or with its child, remembers the id and needs no `/proc`. A
    /// handle that was received or inherited does. Before Linux 5.14, `/proc` shows fdinfo only to
    /// root once the process has changed its user.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the process has ended and was reaped;
    /// [`NotFound`](ErrorKind::NotFound) if its pid namespace is not visible from this one;
    /// [`Unsupported`](ErrorKind::Unsupported) if the id is not remembered, and `/proc` is missing.
    pub fn pid(&self) -> Result<Pid> {
        match self.fdinfo_pid().or_else(|e| self.remembered_pid().ok_or(e))? {
            REAPED => Err(ended_error(Error::from_errno(FDINFO, Errno::ESRCH))),
            number => Pid::from_raw(number).ok_or_else(|| {
                Error::new(FDINFO, ErrorKind::NotFound)
                    .with_hint("call from the target's pid namespace or an ancestor of it")
            }),
        }
    }

    /// Returns the id from the opening as fdinfo would, if this process may know it.
    fn remembered_pid(&self) -> Option<i32> {
        let (pid, opener) = self.known_pid?;
        // A forked child may be in another pid namespace, where the process has another id.
        opener.is_current().then(|| match pidfd::send_signal(self.as_fd(), NULL_SIGNAL, None) {
            Err(Errno::ESRCH) => REAPED,
            // EPERM means that the process exists.
            _ => pid.raw(),
        })
    }

    fn fdinfo_pid(&self) -> Result<i32> {
        let path = format!("/proc/thread-self/fdinfo/{}", self.fd.as_raw_fd());
        let text = fs::read_to_string(path).map_err(|e| {
            let errno = errno(&e);
            let error = Error::from_errno(FDINFO, errno).with_limit(limits::descriptors(errno));
            if errno == Errno::ENOENT { state::proc_not_mounted(error) } else { error }
        })?;
        let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
        pid.ok_or_else(|| Error::new(FDINFO, ErrorKind::Unsupported))
    }

    /// `/proc/PID/stat`: returns the state of this process. The state may have changed by the time
    /// the call returns.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the process has ended and was reaped. Before it
    /// is reaped, its state is [`Zombie`](State::Zombie). Other errors are those of
    /// [`pid`](PidFd::pid).
    pub fn state(&self) -> Result<State> {
        let state = state::state(self.pid()?);
        // The process still has its id, so the state was its own.
        self.pid()?;
        state
    }

    /// `pidfd_getfd(2)`: duplicates the descriptor that has this number in the process.
    ///
    /// Both descriptors refer to the same open file description, and share its position and flags.
    /// The duplicate is close-on-exec. The process is not notified.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the number is not open in the process;
    /// [`Disconnected`](ErrorKind::Disconnected) if the process has ended.
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if the caller may not trace the process
    /// (ptrace(2)). The process has another user, has more privileges, is not dumpable, or the
    /// security module Yama denies tracing. If Yama restricts tracing, its setting is the error's
    /// limit.
    #[doc(alias = "pidfd_getfd")]
    pub fn descriptor(&self, number: RawFd) -> Result<OwnedFd> {
        pidfd::get(self.as_fd(), number).map_err(|errno| {
            let error = Error::from_errno(GETFD, errno).with_name(format!("descriptor number {number}"));
            match errno {
                Errno::EBADF => {
                    error.with_kind(ErrorKind::NotFound).with_hint("pass a number that the process has open")
                }
                Errno::ESRCH => ended_error(error),
                Errno::EPERM => not_traceable(error),
                _ => error.with_limit(limits::descriptors(errno)),
            }
        })
    }
}

#[cold]
fn open_error(pid: Pid, errno: Errno) -> Error {
    let error =
        Error::from_errno(OPEN, errno).with_name(pid.to_string()).with_limit(limits::descriptors(errno));
    match errno {
        Errno::ESRCH => error.with_kind(ErrorKind::NotFound),
        // EINVAL before Linux 6.16.
        Errno::ENOENT | Errno::EINVAL => {
            error.with_kind(ErrorKind::Invalid).with_hint("pass the id of a process, not of a thread")
        }
        _ => error,
    }
}

/// Converts `ESRCH` of a call on a pidfd.
pub(super) fn ended_error(error: Error) -> Error {
    error.with_kind(ErrorKind::Disconnected).with_hint("drop the handle; the process has ended")
}

/// Adds the setting of Yama (Linux, Documentation/admin-guide/LSM/Yama.rst) if it restricts
/// tracing.
fn not_traceable(error: Error) -> Error {
    let yama = limits::sysctl("/proc/sys/kernel/yama/ptrace_scope", None);
    error
        .with_limit(yama.filter(|scope| scope.value > 0))
        .with_hint("trace as the same user or with CAP_SYS_PTRACE, or use PR_SET_PTRACER")
}

/// Becomes readable for `poll(2)` when all threads of the process have ended, and stays readable.
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

/// Converts a pidfd that was inherited, received over a socket, or returned by a socket.
///
/// # Errors
///
/// [`WrongType`](ErrorKind::WrongType) if the descriptor is not a pidfd, or refers to a single
/// thread (`PIDFD_THREAD`). The descriptor is closed then.
impl TryFrom<OwnedFd> for PidFd {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        // Any result but EBADF means a pidfd; the process need not be a child.
        let kind = pidfd::wait(fd.as_fd(), libc::WNOHANG | libc::WNOWAIT);
        let flags = fcntl(&fd, FcntlArg::F_GETFL).map(OFlag::from_bits_retain);
        let is_a_thread = flags.is_ok_and(|flags| flags.contains(OFlag::O_EXCL));
        if kind == Err(Errno::EBADF) || is_a_thread {
            return Err(Error::new("waitid(P_PIDFD)", ErrorKind::WrongType));
        }
        Ok(PidFd { fd, known_pid: None })
    }
}
