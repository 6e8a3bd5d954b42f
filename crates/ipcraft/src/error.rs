//! The one error type of the library, and the limits that it names.
//!
//! Every fallible call returns [`Error`]. It says which operation failed (under its C name, so that the man page is one
//! step away), on which object, with which errno, and sorts the cause into an [`ErrorKind`] that a program can match.
//! Where the kernel refused because a limit was hit, [`Error::limit`] names the limit, its value and what was asked for.
//!
//! # When to match what
//!
//! Match [`Error::kind`], not the errno: the kernel reports one condition under several errnos (a full queue is
//! `EAGAIN` here and `ENOBUFS` there) and several conditions under one errno (`EMFILE` is a full descriptor table or an
//! exhausted message queue quota). Read [`Error::errno`] for logs and for conditions that this library does not name.
//!
//! # Cost
//!
//! Making an error never formats and never allocates: an error of kind [`Full`](ErrorKind::Full),
//! [`Empty`](ErrorKind::Empty), [`WouldBlock`](ErrorKind::WouldBlock) or [`TimedOut`](ErrorKind::TimedOut) is an ordinary answer in many loops. The text is
//! put together only when it is displayed.
//!
//! # Example
//!
//! ```
//! use ipcraft::{ErrorKind, pipe};
//!
//! let (reader, _writer) = pipe::pipe()?;
//! let error = reader.try_read(&mut [0; 16]).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Empty);
//! assert_eq!(error.to_string(), "read from pipe: nothing to receive (EAGAIN)");
//! # Ok::<(), ipcraft::Error>(())
//! ```

use std::fmt;
use std::io;
use std::sync::Arc;

use nix::errno::Errno;

/// What every fallible call of this library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms that a program can act on.
///
/// The text of a kind is what [`Error`] prints for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No object has this name (`ENOENT`, `ENOTDIR`).
    NotFound,
    /// An object of this name exists and exclusive creation was asked for (`EEXIST`).
    AlreadyExists,
    /// A live peer holds the address or the object (`EADDRINUSE`, `EBUSY`).
    InUse,
    /// The caller may not do this (`EACCES`, `EPERM`, `EROFS`).
    PermissionDenied,
    /// There is no room for the message now; room comes when the peer receives (`EAGAIN` on sending).
    Full,
    /// There is nothing to receive now (`EAGAIN` on receiving).
    Empty,
    /// The operation would have to wait, and neither for room nor for a message (`EAGAIN` of a semaphore).
    WouldBlock,
    /// The timeout passed before the operation could be done; nothing was transferred (`ETIMEDOUT`).
    TimedOut,
    /// The peer is gone: nobody will ever receive this, or nothing more will ever come (`EPIPE`, `ECONNRESET`).
    Disconnected,
    /// The object was removed while the call waited for it, or before (`EIDRM`).
    Removed,
    /// Nobody has the FIFO open for reading yet (`ENXIO`).
    NoReader,
    /// Nobody listens at this address (`ECONNREFUSED`).
    Refused,
    /// The socket has no peer: it was never connected, or no destination was given (`ENOTCONN`, `EDESTADDRREQ`).
    NotConnected,
    /// The message is larger than the mechanism can take in one piece (`EMSGSIZE`); nothing was sent.
    TooLarge,
    /// A record was longer than the receive buffer; the part that did not fit is lost.
    /// [`Error::limit`] tells its true length.
    Truncated,
    /// Messages were overwritten before this receiver came to them; it goes on after them.
    /// [`Error::limit`] tells how many, where that is known already.
    Lagged,
    /// Whoever held the lock died, or panicked, and may have left what it guards half changed (`EOWNERDEAD`).
    OwnerDied,
    /// Somebody gave up on what the lock guards: nobody can have it again (`ENOTRECOVERABLE`).
    Unrecoverable,
    /// The value would leave the range that it can have (`EOVERFLOW`, `ERANGE`); it is unchanged.
    Overflow,
    /// A limit of the system or of the process was hit (`EMFILE`, `ENFILE`, `ENOSPC`, `ENOMEM`, …).
    LimitReached,
    /// The object behind the name or descriptor is of another type than the operation needs.
    WrongType,
    /// The name is not one that the kernel takes: empty, too long, or with a NUL byte (`ENAMETOOLONG`).
    InvalidName,
    /// What a peer wrote to shared memory is nothing that this library writes; nothing was taken from there.
    Corrupted,
    /// An argument is out of range (`EINVAL`).
    Invalid,
    /// The running kernel does not have this operation (`ENOSYS`, `EOPNOTSUPP`).
    Unsupported,
    /// Any other errno; see [`Error::errno`].
    Other,
}

impl ErrorKind {
    fn text(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "no such object",
            ErrorKind::AlreadyExists => "an object of this name exists already",
            ErrorKind::InUse => "in use by somebody else",
            ErrorKind::PermissionDenied => "not permitted",
            ErrorKind::Full => "no room to send",
            ErrorKind::Empty => "nothing to receive",
            ErrorKind::WouldBlock => "it would have to wait",
            ErrorKind::TimedOut => "timed out",
            ErrorKind::Disconnected => "the peer is gone",
            ErrorKind::Removed => "it was removed",
            ErrorKind::NoReader => "no process has it open for reading",
            ErrorKind::Refused => "nobody listens there",
            ErrorKind::NotConnected => "not connected",
            ErrorKind::TooLarge => "the message is too large",
            ErrorKind::Truncated => "the record was longer than the buffer and its rest is lost",
            ErrorKind::Lagged => "messages were overwritten before they were received",
            ErrorKind::OwnerDied => "its last owner died",
            ErrorKind::Unrecoverable => "somebody gave it up after its owner died",
            ErrorKind::Overflow => "the value would leave its range",
            ErrorKind::LimitReached => "a limit was reached",
            ErrorKind::WrongType => "the object is of another type",
            ErrorKind::InvalidName => "not a valid name",
            ErrorKind::Corrupted => "a peer has overwritten what both rely on",
            ErrorKind::Invalid => "an argument is out of range",
            ErrorKind::Unsupported => "the running kernel does not support this",
            ErrorKind::Other => "failed",
        }
    }

    fn io_kind(self) -> io::ErrorKind {
        match self {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::InUse => io::ErrorKind::AddrInUse,
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::Full | ErrorKind::Empty | ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::Disconnected => io::ErrorKind::BrokenPipe,
            ErrorKind::Refused => io::ErrorKind::ConnectionRefused,
            ErrorKind::NotConnected => io::ErrorKind::NotConnected,
            ErrorKind::Truncated | ErrorKind::Corrupted => io::ErrorKind::InvalidData,
            ErrorKind::TooLarge | ErrorKind::WrongType | ErrorKind::InvalidName | ErrorKind::Invalid => {
                io::ErrorKind::InvalidInput
            }
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::Removed
            | ErrorKind::NoReader
            | ErrorKind::Lagged
            | ErrorKind::OwnerDied
            | ErrorKind::Unrecoverable
            | ErrorKind::Overflow
            | ErrorKind::LimitReached
            | ErrorKind::Other => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The kind of an errno whose meaning does not depend on the operation.
///
/// `EAGAIN` depends on the direction, so the operations name it themselves.
impl From<Errno> for ErrorKind {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => ErrorKind::NotFound,
            Errno::EEXIST => ErrorKind::AlreadyExists,
            Errno::EADDRINUSE | Errno::EBUSY => ErrorKind::InUse,
            Errno::EACCES | Errno::EPERM | Errno::EROFS => ErrorKind::PermissionDenied,
            Errno::ETIMEDOUT => ErrorKind::TimedOut,
            Errno::EPIPE | Errno::ECONNRESET => ErrorKind::Disconnected,
            Errno::EIDRM => ErrorKind::Removed,
            Errno::EOWNERDEAD => ErrorKind::OwnerDied,
            Errno::ENOTRECOVERABLE => ErrorKind::Unrecoverable,
            Errno::ENXIO => ErrorKind::NoReader,
            Errno::EOVERFLOW | Errno::ERANGE => ErrorKind::Overflow,
            Errno::ECONNREFUSED => ErrorKind::Refused,
            Errno::ENOTCONN | Errno::EDESTADDRREQ => ErrorKind::NotConnected,
            Errno::EMSGSIZE => ErrorKind::TooLarge,
            Errno::EMFILE
            | Errno::ENFILE
            | Errno::ENOSPC
            | Errno::EDQUOT
            | Errno::ENOMEM
            | Errno::ENOLCK
            | Errno::ENOBUFS
            | Errno::ETOOMANYREFS => ErrorKind::LimitReached,
            Errno::ENOTSOCK | Errno::EPROTOTYPE => ErrorKind::WrongType,
            Errno::ENAMETOOLONG | Errno::ELOOP => ErrorKind::InvalidName,
            Errno::EINVAL => ErrorKind::Invalid,
            Errno::ENOSYS | Errno::EOPNOTSUPP => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        }
    }
}

/// A limit that an operation ran into: which, what it allows, and what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub(crate) name: &'static str,
    pub(crate) value: u64,
    pub(crate) requested: Option<u64>,
}

impl Limit {
    /// The name under which the limit is documented: `RLIMIT_NOFILE`, `/proc/sys/fs/pipe-max-size`, …
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it allows, in its own unit (bytes, descriptors, records; the operation's page says which).
    pub fn value(&self) -> u64 {
        self.value
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.requested.is_some_and(|requested| requested > self.value)
    }

    /// How much the operation asked for, in the same unit, where that is known.
    pub fn requested(&self) -> Option<u64> {
        self.requested
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requested {
            Some(requested) => write!(f, "{requested} needed, {} is {}", self.name, self.value),
            None => write!(f, "{} is {}", self.name, self.value),
        }
    }
}

/// A failed operation: which, on what, why.
///
/// Its text reads `open /run/jobs for writing: no process has it open for reading (ENXIO); start the reader first, …`.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Error {
    operation: &'static str,
    object: Option<Arc<str>>,
    kind: ErrorKind,
    errno: Option<Errno>,
    limit: Option<Limit>,
    hint: Option<&'static str>,
}

impl Error {
    /// An error that the kernel reported.
    #[cold]
    pub(crate) fn from_errno(operation: &'static str, errno: Errno) -> Self {
        Error { kind: errno.into(), errno: Some(errno), ..Error::new(operation, ErrorKind::Other) }
    }

    /// An error that this library found before, or without, asking the kernel.
    #[cold]
    pub(crate) fn new(operation: &'static str, kind: ErrorKind) -> Self {
        Error { operation, object: None, kind, errno: None, limit: None, hint: None }
    }

    /// `EAGAIN` of a sending operation: no room.
    #[cold]
    pub(crate) fn from_send_errno(operation: &'static str, errno: Errno) -> Self {
        Error::from_errno(operation, errno).or_would_block(ErrorKind::Full)
    }

    /// `EAGAIN` of a receiving operation: nothing there.
    #[cold]
    pub(crate) fn from_recv_errno(operation: &'static str, errno: Errno) -> Self {
        Error::from_errno(operation, errno).or_would_block(ErrorKind::Empty)
    }

    /// `EAGAIN` of an operation that moves no message: it would have to wait.
    #[cold]
    pub(crate) fn from_wait_errno(operation: &'static str, errno: Errno) -> Self {
        Error::from_errno(operation, errno).or_would_block(ErrorKind::WouldBlock)
    }

    /// A record of `length` bytes that was received into a buffer of `room`.
    #[cold]
    pub(crate) fn truncated(operation: &'static str, room: usize, length: usize) -> Self {
        let limit = Limit { name: "the buffer", value: room as u64, requested: Some(length as u64) };
        Error::new(operation, ErrorKind::Truncated).with_limit(Some(limit))
    }

    fn or_would_block(self, kind: ErrorKind) -> Self {
        if self.errno == Some(Errno::EAGAIN) { self.with_kind(kind) } else { self }
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn with_object(mut self, object: Option<&Arc<str>>) -> Self {
        self.object = object.cloned();
        self
    }

    pub(crate) fn with_name(mut self, object: impl Into<Arc<str>>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// The same under the name of the operation that the caller knows.
    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }

    pub(crate) fn with_limit(mut self, limit: Option<Limit>) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What kind of failure this is: the part to match on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The failed operation, under the name of its system call where there is one.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The name of the object operated on; `None` for an anonymous one.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// The kernel's errno; `None` if the library refused before asking the kernel.
    pub fn errno(&self) -> Option<i32> {
        self.errno.map(|errno| errno as i32)
    }

    /// The limit that was hit, its value and what was asked for, where the library could tell.
    pub fn limit(&self) -> Option<&Limit> {
        self.limit.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(object) = &self.object {
            write!(f, " {object}")?;
        }
        match (self.kind, self.errno) {
            (ErrorKind::Other, Some(errno)) => write!(f, ": {} ({errno:?})", errno.desc())?,
            (kind, Some(errno)) => write!(f, ": {kind} ({errno:?})")?,
            (kind, None) => write!(f, ": {kind}")?,
        }
        if let Some(limit) = &self.limit {
            write!(f, ": {limit}")?;
        }
        if let Some(hint) = self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// Keeps the errno where there is one, so that code that knows only [`io::Error`] can still match on it; the rest of the
/// report stays with the [`Error`], which an error without errno carries as its source.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error.errno() {
            Some(errno) => io::Error::from_raw_os_error(errno),
            None => io::Error::new(error.kind.io_kind(), error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_operation_object_cause_limit_and_remedy() {
        let limit = Limit { name: "RLIMIT_MSGQUEUE", value: 819_200, requested: Some(819_920) };
        let error = Error::from_errno("mq_open", Errno::EMFILE)
            .with_name("/jobs")
            .with_limit(Some(limit))
            .with_hint("raise it with setrlimit(2)");
        assert_eq!(
            error.to_string(),
            "mq_open /jobs: a limit was reached (EMFILE): 819920 needed, RLIMIT_MSGQUEUE is 819200; raise it with setrlimit(2)"
        );
    }

    #[test]
    fn unknown_errno_is_described_by_the_system() {
        let error = Error::from_errno("read", Errno::EIO);
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(error.to_string(), "read: I/O error (EIO)");
    }

    #[test]
    fn io_error_keeps_the_errno_and_the_kind() {
        let with_errno: io::Error = Error::from_send_errno("write", Errno::EAGAIN).into();
        assert_eq!(with_errno.raw_os_error(), Some(libc::EAGAIN));
        assert_eq!(with_errno.kind(), io::ErrorKind::WouldBlock);

        let without: io::Error = Error::new("recv", ErrorKind::Truncated).into();
        assert_eq!(without.kind(), io::ErrorKind::InvalidData);
        let inner = without.get_ref().and_then(|e| e.downcast_ref::<Error>()).expect("carries the error");
        assert_eq!(inner.kind(), ErrorKind::Truncated);
    }

    #[test]
    fn direction_decides_what_eagain_means() {
        assert_eq!(Error::from_send_errno("send", Errno::EAGAIN).kind(), ErrorKind::Full);
        assert_eq!(Error::from_recv_errno("recv", Errno::EAGAIN).kind(), ErrorKind::Empty);
        assert_eq!(Error::from_wait_errno("semop", Errno::EAGAIN).kind(), ErrorKind::WouldBlock);
        assert_eq!(Error::from_recv_errno("recv", Errno::ETIMEDOUT).kind(), ErrorKind::TimedOut);
    }
}
