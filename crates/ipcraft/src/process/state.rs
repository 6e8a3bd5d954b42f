//! What a process is doing, in the kernel's words.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::support::{errno, limits};

const READ: &str = "read /proc/PID/stat";

/// The state of a process: the third field of proc_pid_stat(5), which `ps` shows as `STAT`.
///
/// It is that of the process's first thread. One that has ended shows as [`Zombie`](State::Zombie) although other
/// threads of the process go on: only [`PidFd::has_ended`](super::PidFd::has_ended) tells whether all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// `R`: it runs, or is ready to and waits for a processor; the kernel does not tell one from the other.
    Running,
    /// `S`: it waits for something, and a signal would wake it.
    Sleeping,
    /// `D`: it waits for something, usually a disk, and no signal wakes it.
    DiskSleep,
    /// `T`: a signal such as `SIGSTOP` has stopped it, whatever it did before, until `SIGCONT`.
    Stopped,
    /// `t`: its tracer, such as a debugger, has stopped it.
    Traced,
    /// `Z`: it has ended and its parent has not waited for it yet.
    Zombie,
    /// `X`: it has ended and is about to vanish.
    Dead,
    /// `I`: a thread of the kernel that has nothing to do.
    Idle,
    /// `P`: a thread of the kernel that is parked.
    Parked,
    /// A state that this library does not know, by its letter.
    Other(char),
}

impl State {
    /// The letter in proc_pid_stat(5).
    pub fn letter(self) -> char {
        match self {
            State::Running => 'R',
            State::Sleeping => 'S',
            State::DiskSleep => 'D',
            State::Stopped => 'T',
            State::Traced => 't',
            State::Zombie => 'Z',
            State::Dead => 'X',
            State::Idle => 'I',
            State::Parked => 'P',
            State::Other(letter) => letter,
        }
    }

    fn of_letter(letter: char) -> State {
        match letter {
            'R' => State::Running,
            'S' => State::Sleeping,
            'D' => State::DiskSleep,
            'T' => State::Stopped,
            't' => State::Traced,
            'Z' => State::Zombie,
            'X' => State::Dead,
            'I' => State::Idle,
            'P' => State::Parked,
            other => State::Other(other),
        }
    }
}

/// `sleeping (S)`
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            State::Running => "running",
            State::Sleeping => "sleeping",
            State::DiskSleep => "disk sleep",
            State::Stopped => "stopped",
            State::Traced => "traced",
            State::Zombie => "zombie",
            State::Dead => "dead",
            State::Idle => "idle",
            State::Parked => "parked",
            State::Other(_) => "unknown",
        };
        f.pad(&format!("{name} ({})", self.letter()))
    }
}

/// `/proc/PID/stat`: what the process of this id is doing.
///
/// Stale as soon as it is returned; and between the moment when you learnt the id and this call the process may have
/// ended and its id passed to another. [`PidFd::state`](super::PidFd::state) has only the first of these weaknesses.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if there is no such process.
#[doc(alias = "/proc/PID/stat")]
pub fn state(pid: Pid) -> Result<State> {
    let text = fs::read(format!("/proc/{pid}/stat")).map_err(|e| unread(pid, &e))?;
    parse(&text).ok_or_else(|| Error::new(READ, ErrorKind::Unsupported).with_name(pid.to_string()))
}

/// The letter follows the name of the command in parentheses, which may itself hold parentheses and spaces.
fn parse(stat: &[u8]) -> Option<State> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = stat[end_of_name + 1..].strip_prefix(b" ")?;
    rest.first().map(|letter| State::of_letter(char::from(*letter)))
}

fn unread(pid: Pid, error: &io::Error) -> Error {
    let errno = errno(error);
    let failed =
        Error::from_errno(READ, errno).with_name(pid.to_string()).with_limit(limits::descriptors(errno));
    match errno {
        Errno::ENOENT if !Path::new("/proc/self/stat").exists() => without_proc(failed),
        // It ended between opening and reading.
        Errno::ESRCH => failed.with_kind(ErrorKind::NotFound),
        _ => failed,
    }
}

pub(super) fn without_proc(error: Error) -> Error {
    error.with_kind(ErrorKind::Unsupported).with_hint("the file system proc is not mounted at /proc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_have_any_name() {
        for (stat, expected) in [
            (&b"1 (cat) S 0"[..], Some(State::Sleeping)),
            (b"1 (a) R (b) t 0", Some(State::Traced)),
            (b"1 () Z 0) Z) T 1 1", Some(State::Stopped)),
            (b"1 (\xff\xfe) D 1", Some(State::DiskSleep)),
            (b"1 (x) W 1", Some(State::Other('W'))),
            (b"1 (x)", None),
            (b"1 (x) ", None),
            (b"", None),
        ] {
            assert_eq!(parse(stat), expected, "{}", String::from_utf8_lossy(stat));
        }
    }

    #[test]
    fn letters_are_those_of_the_kernel() {
        for letter in "RSDTtZXIPW".chars() {
            assert_eq!(State::of_letter(letter).letter(), letter);
        }
        assert_eq!(format!("{:>12}", State::Sleeping), "sleeping (S)");
    }
}
