//! Process ids.

use std::fmt;
use std::num::NonZero;
use std::process::{self, Child};
use std::str::FromStr;

use libc::pid_t;

use crate::error::{Error, ErrorKind, Result};

/// The id of one process or thread, from 1 to `i32::MAX`.
///
/// The kernel gives other numbers other meanings: `kill(2)` takes 0 and negative numbers for groups
/// of processes. A `Pid` is never one of those, so a call that takes a `Pid` reaches at most one
/// process. Threads have ids of the same kind, and the first thread has the id of its process.
///
/// The id of a process that was reaped may be assigned to a new process. A
/// [`PidFd`](crate::process::PidFd) refers to the same process until it is dropped.
///
/// ```
/// use ipcraft::Pid;
///
/// assert_eq!(Pid::current(), Pid::try_from(std::process::id())?);
/// let pid: Pid = "4711".parse()?;
/// assert_eq!((u32::from(pid), pid.to_string()), (4711, "4711".to_owned()));
/// assert!(Pid::try_from(0_u32).is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "pid_t")]
pub struct Pid(
    /// Positive.
    NonZero<pid_t>,
);

impl Pid {
    /// `getpid(2)`: returns the id of the calling process.
    #[doc(alias = "getpid")]
    pub fn current() -> Pid {
        Pid::assigned(process::id())
    }

    /// Converts an id that the kernel has assigned.
    pub(crate) fn assigned(id: u32) -> Pid {
        // No process has the greatest number: ids stay below 2^22 (proc_sys_kernel(5), `pid_max`).
        Pid::from_raw(id as pid_t).unwrap_or(Pid(NonZero::<pid_t>::MAX))
    }

    /// Converts a number from the kernel; `None` if it does not identify one process.
    #[inline]
    pub(crate) const fn from_raw(id: pid_t) -> Option<Pid> {
        match NonZero::new(id) {
            Some(number) if id > 0 => Some(Pid(number)),
            _ => None,
        }
    }

    /// Returns the form that system calls take.
    #[inline]
    pub(crate) const fn raw(self) -> pid_t {
        self.0.get()
    }
}

/// The id of a child, valid until the child is waited for.
impl From<&Child> for Pid {
    fn from(child: &Child) -> Pid {
        Pid::assigned(child.id())
    }
}

impl From<Pid> for u32 {
    fn from(pid: Pid) -> u32 {
        pid.raw().unsigned_abs()
    }
}

impl From<Pid> for i32 {
    fn from(pid: Pid) -> i32 {
        pid.raw()
    }
}

/// Fails with [`Invalid`](ErrorKind::Invalid) if the number is 0 or greater than `i32::MAX`.
impl TryFrom<u32> for Pid {
    type Error = Error;

    fn try_from(number: u32) -> Result<Pid> {
        let id = pid_t::try_from(number).ok();
        id.and_then(Pid::from_raw).ok_or_else(|| invalid(&number.to_string()))
    }
}

/// Fails with [`Invalid`](ErrorKind::Invalid) if the number is less than 1.
impl TryFrom<i32> for Pid {
    type Error = Error;

    fn try_from(number: i32) -> Result<Pid> {
        Pid::from_raw(number).ok_or_else(|| invalid(&number.to_string()))
    }
}

/// Parses a decimal number; fails with [`Invalid`](ErrorKind::Invalid) for any other text.
impl FromStr for Pid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Pid> {
        text.parse().ok().and_then(Pid::from_raw).ok_or_else(|| invalid(text))
    }
}

#[cold]
fn invalid(text: &str) -> Error {
    Error::new("process id", ErrorKind::Invalid)
        .with_name(text)
        .with_hint("pass a number from 1 to 2147483647; others address groups of processes")
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_of_group_numbers_returns_invalid() {
        for number in [0, 1 << 31, u32::MAX] {
            let error = Pid::try_from(number).unwrap_err();
            assert_eq!((error.kind(), error.object()), (ErrorKind::Invalid, Some(&*number.to_string())));
        }
        for number in [0, -1, i32::MIN] {
            assert_eq!(Pid::try_from(number).unwrap_err().kind(), ErrorKind::Invalid, "{number}");
        }
        for text in ["", "0", "-1", "2147483648", "1 ", "x"] {
            assert_eq!(text.parse::<Pid>().unwrap_err().kind(), ErrorKind::Invalid, "{text:?}");
        }
    }

    #[test]
    fn conversion_of_valid_number_round_trips() {
        for number in [1, 2, i32::MAX] {
            let pid = Pid::try_from(number).unwrap();
            assert_eq!((i32::from(pid), u32::from(pid)), (number, number.unsigned_abs()));
            assert_eq!(pid.to_string().parse::<Pid>().unwrap(), pid);
        }
        assert_eq!(size_of::<Option<Pid>>(), size_of::<pid_t>());
    }
}
