//! The error type of the library, and the limits that an error names.
//!
//! Every fallible call returns [`Error`]. An error holds the failed operation under its C name,
//! which is also the name of its man page. It holds the object, the errno, and an [`ErrorKind`] for
//! a program to match. If the kernel refused because of a limit, [`Error::limit`] returns the
//! limit, its value, and the requested amount.
//!
//! # When to match what
//!
//! Match [`Error::kind`], not the errno. The kernel reports one condition under several errnos: a
//! full queue is `EAGAIN` here and `ENOBUFS` there. It also reports several conditions under one
//! errno: `EMFILE` is a full descriptor table or an exhausted message queue quota. Use
//! [`Error::errno`] for logs, and for conditions without a kind of their own.
//!
//! # Cost
//!
//! Constructing an error neither formats nor allocates. The kinds [`Full`](ErrorKind::Full),
//! [`Empty`](ErrorKind::Empty), [`WouldBlock`](ErrorKind::WouldBlock) and
//! [`TimedOut`](ErrorKind::TimedOut) are ordinary results in many loops. The text is formatted only
//! when the error is displayed.
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

mod kind;
mod limit;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use nix::errno::Errno;

pub use kind::ErrorKind;
pub use limit::Limit;

/// The result of a fallible call; the error is [`Error`] unless another type is given.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The figures that belong to an error.
#[derive(Clone, Copy, Debug)]
enum Detail {
    None,
    Limit(Limit),
    /// The number of messages that a receiver lost.
    Missed(u64),
}

/// Between the name of an object and a mismatch. No name contains it.
const SEPARATOR: char = '\0';

/// A failed operation, its object and its cause.
///
/// The text reads `open /run/jobs for writing: no process has it open for reading (ENXIO); start
/// the reader first, …`.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Error {
    operation: &'static str,
    object: Option<Arc<str>>,
    kind: ErrorKind,
    errno: Option<Errno>,
    detail: Detail,
    /// The bytes that the failed call moved, plus one; see [`transferred`](Error::transferred).
    transferred: Option<NonZeroUsize>,
    hint: Option<&'static str>,
}

impl Error {
    /// Constructs the error for an errno that the kernel reported.
    #[cold]
    pub(crate) fn from_errno(operation: &'static str, errno: Errno) -> Self {
        Error { kind: errno.into(), errno: Some(errno), ..Error::new(operation, ErrorKind::Other) }
    }

    /// Constructs an error that the library found without an errno.
    #[cold]
    pub(crate) fn new(operation: &'static str, kind: ErrorKind) -> Self {
        let detail = Detail::None;
        Error { operation, object: None, kind, errno: None, detail, transferred: None, hint: None }
    }

    /// As [`from_errno`](Error::from_errno) for a sending operation: `EAGAIN` becomes `Full`.
    #[cold]
    pub(crate) fn from_send_errno(operation: &'static str, errno: Errno) -> Self {
        Error::from_errno(operation, errno).or_would_block(ErrorKind::Full)
    }

    /// As [`from_errno`](Error::from_errno) for a receiving operation: `EAGAIN` becomes `Empty`.
    #[cold]
    pub(crate) fn from_recv_errno(operation: &'static str, errno: Errno) -> Self {
        Error::from_errno(operation, errno).or_would_block(ErrorKind::Empty)
    }

    /// As [`from_errno`](Error::from_errno) for an operation that moves no message: `EAGAIN`
    /// becomes `WouldBlock`.
    #[cold]
    pub(crate) fn from_wait_errno(operation: &'static str, errno: Errno) -> Self {
        Error::from_errno(operation, errno).or_would_block(ErrorKind::WouldBlock)
    }

    /// Constructs the error for a record of `length` bytes in a buffer of `buffer_len` bytes.
    #[cold]
    pub(crate) fn truncated(operation: &'static str, buffer_len: usize, length: usize) -> Self {
        let limit = Limit { name: "the buffer", value: buffer_len as u64, requested: Some(length as u64) };
        Error::new(operation, ErrorKind::Truncated).with_limit(Some(limit))
    }

    /// Constructs the error for a receiver that lost `missed` messages.
    #[cold]
    pub(crate) fn lagged(operation: &'static str, missed: u64) -> Self {
        Error { detail: Detail::Missed(missed), ..Error::new(operation, ErrorKind::Lagged) }
    }

    fn or_would_block(self, kind: ErrorKind) -> Self {
        if self.errno == Some(Errno::EAGAIN) { self.with_kind(kind) } else { self }
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the object to a name that a handle keeps; `None` for an anonymous object.
    pub(crate) fn with_object(mut self, object: Option<&Arc<str>>) -> Self {
        self.object = object.cloned();
        self
    }

    /// Sets the object to a name that is not kept elsewhere.
    pub(crate) fn with_name(mut self, object: impl Into<Arc<str>>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// Replaces the operation by the name that the caller of the library knows.
    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }

    pub(crate) fn with_limit(mut self, limit: Option<Limit>) -> Self {
        self.detail = limit.map_or(Detail::None, Detail::Limit);
        self
    }

    /// Records that the failed call had already moved this many bytes.
    pub(crate) fn with_transferred(mut self, bytes: usize) -> Self {
        self.transferred = NonZeroUsize::new(bytes + 1);
        self
    }

    /// Sets the object, and states what was found and what is needed, if that is no number.
    ///
    /// Both are in one string, since a second one would make each error larger.
    pub(crate) fn with_mismatch(
        self,
        object: Option<&Arc<str>>,
        (name, found, needed): (&str, &str, &str),
    ) -> Self {
        let object = object.map_or("", |object| &**object);
        self.with_name(format!("{object}{SEPARATOR}{needed} needed, {name} is {found}"))
    }

    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Returns the kind of failure: the part to match.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the failed operation, under the name of its system call if it has one.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the name of the object; `None` if it is anonymous.
    pub fn object(&self) -> Option<&str> {
        let object = self.object.as_deref()?;
        let name = object.split_once(SEPARATOR).map_or(object, |(name, _)| name);
        (!name.is_empty()).then_some(name)
    }

    /// Returns what was found and what is needed.
    fn mismatch(&self) -> Option<&str> {
        Some(self.object.as_deref()?.split_once(SEPARATOR)?.1)
    }

    /// Returns the errno of the kernel; `None` if the library found the error itself.
    pub fn errno(&self) -> Option<i32> {
        self.errno.map(|errno| errno as i32)
    }

    /// Returns the limit that was reached, if the library could determine it.
    pub fn limit(&self) -> Option<&Limit> {
        match &self.detail {
            Detail::Limit(limit) => Some(limit),
            Detail::Missed(_) | Detail::None => None,
        }
    }

    /// Returns the number of messages that a [`Lagged`](ErrorKind::Lagged) receiver lost, if it is
    /// known.
    pub fn missed(&self) -> Option<u64> {
        match self.detail {
            Detail::Missed(number) => Some(number),
            Detail::Limit(_) | Detail::None => None,
        }
    }

    /// Returns how many bytes the failed call had already received into the caller's buffer, or
    /// sent from it.
    ///
    /// `None` if the call changed nothing, so it can be repeated as it was. `Some` means progress,
    /// also with 0: an empty message was taken from the queue.
    ///
    /// The conversion to [`io::Error`] keeps it only in an error without an errno.
    pub fn transferred(&self) -> Option<usize> {
        self.transferred.map(|bytes| bytes.get() - 1)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(object) = self.object() {
            write!(f, " {object}")?;
        }
        match (self.kind, self.errno) {
            (ErrorKind::Other, Some(errno)) => write!(f, ": {} ({errno:?})", errno.desc())?,
            (kind, Some(errno)) => write!(f, ": {kind} ({errno:?})")?,
            (kind, None) => write!(f, ": {kind}")?,
        }
        if let Some(mismatch) = self.mismatch() {
            write!(f, ": {mismatch}")?;
        }
        match &self.detail {
            Detail::Limit(limit) => write!(f, ": {limit}")?,
            Detail::Missed(number) => write!(f, ": {number} missed")?,
            Detail::None => {}
        }
        if let Some(bytes) = self.transferred() {
            write!(f, ": {bytes} bytes were transferred")?;
        }
        if let Some(hint) = self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// Keeps the errno, so that code that knows only [`io::Error`] can match it. An error without an
/// errno becomes the inner error of the [`io::Error`].
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
    fn display_with_limit_and_hint_prints_all_parts() {
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
    fn display_after_progress_prints_the_bytes() {
        let error = Error::from_errno("write", Errno::EPIPE);
        assert_eq!(error.transferred(), None);
        let error = error.with_transferred(5).with_hint("connect again");
        assert_eq!(error.transferred(), Some(5));
        assert_eq!(
            error.to_string(),
            "write: the peer disconnected (EPIPE): 5 bytes were transferred; connect again"
        );
    }

    #[test]
    fn display_of_unclassified_errno_prints_its_description() {
        let error = Error::from_errno("read", Errno::EIO);
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(error.to_string(), "read: I/O error (EIO)");
    }

    #[test]
    fn conversion_to_io_error_keeps_errno_and_kind() {
        let with_errno: io::Error = Error::from_send_errno("write", Errno::EAGAIN).into();
        assert_eq!(with_errno.raw_os_error(), Some(libc::EAGAIN));
        assert_eq!(with_errno.kind(), io::ErrorKind::WouldBlock);

        let without: io::Error = Error::new("recv", ErrorKind::Truncated).into();
        assert_eq!(without.kind(), io::ErrorKind::InvalidData);
        let inner = without.get_ref().and_then(|e| e.downcast_ref::<Error>()).expect("carries the error");
        assert_eq!(inner.kind(), ErrorKind::Truncated);
    }

    #[test]
    fn display_of_lagged_prints_the_number_missed() {
        let error = Error::lagged("recv", 5);
        assert_eq!((error.missed(), error.limit()), (Some(5), None));
        assert_eq!(error.to_string(), "recv: messages were overwritten before they were received: 5 missed");
    }

    #[test]
    fn display_with_mismatch_prints_what_was_found_and_what_is_needed() {
        let error = Error::new("open", ErrorKind::WrongType);
        let named = error.clone().with_mismatch(Some(&"/jobs".into()), ("its kind", "mpmc", "spsc"));
        assert_eq!(named.object(), Some("/jobs"));
        assert_eq!(named.to_string(), "open /jobs: wrong type of object: spsc needed, its kind is mpmc");
        let unnamed = error.with_mismatch(None, ("its kind", "mpmc", "spsc"));
        assert_eq!(unnamed.object(), None);
        assert_eq!(unnamed.to_string(), "open: wrong type of object: spsc needed, its kind is mpmc");
    }

    #[test]
    fn eagain_is_classified_by_direction() {
        assert_eq!(Error::from_send_errno("send", Errno::EAGAIN).kind(), ErrorKind::Full);
        assert_eq!(Error::from_recv_errno("recv", Errno::EAGAIN).kind(), ErrorKind::Empty);
        assert_eq!(Error::from_wait_errno("semop", Errno::EAGAIN).kind(), ErrorKind::WouldBlock);
        assert_eq!(Error::from_recv_errno("recv", Errno::ETIMEDOUT).kind(), ErrorKind::TimedOut);
    }
}
