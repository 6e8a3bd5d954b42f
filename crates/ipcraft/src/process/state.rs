//! The state of a process, as the kernel reports it.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::support::{errno, limits};

const READ: &str = "read /proc/PID/stat";

/// The state of a process: the third field of proc_pid_stat(5), which `ps` prints as `STAT`.
///
/// This is the state of the first thread. A first thread that has ended is a
/// [`Zombie`](State::Zombie) even if other threads still run.
/// [`PidFd::has_ended`](super::PidFd::has_ended) reports whether all threads have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// `R`: running, or ready and waiting for a CPU. The kernel does not distinguish the two.
    Running,
    /// `S`: blocked; a signal wakes it.
    Sleeping,
    /// `D`: blocked, usually in disk I/O; no signal wakes it.
    DiskSleep,
    /// `T`: stopped by a signal such as `SIGSTOP`, until `SIGCONT`.
    Stopped,
    /// `t`: stopped by its tracer, such as a debugger.
    Traced,
    /// `Z`: ended, and not yet reaped by its parent.
    Zombie,
    /// `X`: ended and being removed.
    Dead,
    /// `I`: an idle kernel thread.
    Idle,
    /// `P`: a parked kernel thread.
    Parked,
    /// The letter of a state that this library does not know.
    Other(char),
}

impl State {
    /// Returns the letter of proc_pid_stat(5).
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

    fn from_letter(letter: char) -> State {
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

/// `/proc/PID/stat`: returns the state of the process with this id.
///
/// The state may have changed by the time the call returns. The process may also have ended before
/// the call, and another process may have its id. [`PidFd::state`](super::PidFd::state) rules out
/// the second case.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if there is no such process.
#[doc(alias = "/proc/PID/stat")]
pub fn state(pid: Pid) -> Result<State> {
    let text = fs::read(format!("/proc/{pid}/stat")).map_err(|e| read_error(pid, &e))?;
    parse(&text).ok_or_else(|| Error::new(READ, ErrorKind::Unsupported).with_name(pid.to_string()))
}

/// Parses the letter after the command name. The name is in parentheses and may itself contain
/// parentheses and spaces.
fn parse(stat: &[u8]) -> Option<State> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = stat[end_of_name + 1..].strip_prefix(b" ")?;
    rest.first().map(|letter| State::from_letter(char::from(*letter)))
}

fn read_error(pid: Pid, error: &io::Error) -> Error {
    let errno = errno(error);
    let failed =
        Error::from_errno(READ, errno).with_name(pid.to_string()).with_limit(limits::descriptors(errno));
    match errno {
        Errno::ENOENT if !Path::new("/proc/self/stat").exists() => proc_not_mounted(failed),
        // The process ended between open and read.
        Errno::ESRCH => failed.with_kind(ErrorKind::NotFound),
        _ => failed,
    }
}

pub(super) fn proc_not_mounted(error: Error) -> Error {
    error.with_kind(ErrorKind::Unsupported).with_hint("mount proc at /proc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_with_parentheses_in_command_name_returns_state() {
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
    fn letter_of_parsed_letter_returns_it() {
        for letter in "RSDTtZXIPW".chars() {
            assert_eq!(State::from_letter(letter).letter(), letter);
        }
        assert_eq!(format!("{:>12}", State::Sleeping), "sleeping (S)");
    }
}
