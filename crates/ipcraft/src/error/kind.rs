//! The kinds of errors, and the kind of each errno.

use std::io;

use nix::errno::Errno;

/// The cause of a failure, in terms that a program can act on.
///
/// [`Error`](super::Error) prints the text of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No object has this name (`ENOENT`, `ENOTDIR`).
    #[error("no such object")]
    NotFound,
    /// Exclusive creation found an object of this name (`EEXIST`).
    #[error("an object of this name already exists")]
    AlreadyExists,
    /// A live process holds the address or the object (`EADDRINUSE`, `EBUSY`).
    #[error("already in use")]
    InUse,
    /// The caller lacks the permission (`EACCES`, `EPERM`, `EROFS`).
    #[error("permission denied")]
    PermissionDenied,
    /// There is no room for the message until the peer receives (`EAGAIN` on sending).
    #[error("no room to send")]
    Full,
    /// There is no message or data to receive (`EAGAIN` on receiving).
    #[error("nothing to receive")]
    Empty,
    /// An operation that moves no message would block (`EAGAIN` of a semaphore).
    #[error("the operation would block")]
    WouldBlock,
    /// The calling thread waits for itself: it already holds what it wants (`EDEADLK`).
    #[error("the calling thread already holds it")]
    Deadlock,
    /// The timeout expired before the operation could proceed (`ETIMEDOUT`). Nothing was
    /// transferred, except what [`Error::transferred`](super::Error::transferred) returns.
    #[error("timed out")]
    TimedOut,
    /// The peer has left or died, so nothing can be transferred any more (`EPIPE`, `ECONNRESET`).
    #[error("the peer disconnected")]
    Disconnected,
    /// The object was removed before the call or during it (`EIDRM`).
    #[error("the object was removed")]
    Removed,
    /// The server rejected the request, or dropped it without a reply.
    #[error("the server rejected the request")]
    Rejected,
    /// No process has the FIFO open for reading (`ENXIO`).
    #[error("no process has it open for reading")]
    NoReader,
    /// No socket listens at this address (`ECONNREFUSED`).
    #[error("no socket listens at this address")]
    Refused,
    /// The socket has no peer: it is not connected, or the send names no destination (`ENOTCONN`,
    /// `EDESTADDRREQ`).
    #[error("not connected")]
    NotConnected,
    /// The message exceeds the largest size of the mechanism; nothing was sent (`EMSGSIZE`).
    #[error("the message is too large")]
    TooLarge,
    /// A record was longer than the receive buffer, and its end is lost. [`Error::limit`](super::Error::limit) returns
    /// the true length.
    #[error("the record exceeds the buffer and was truncated")]
    Truncated,
    /// Messages were overwritten before this receiver read them. The receiver continues after the
    /// gap. [`Error::missed`](super::Error::missed) returns their number if it is known.
    #[error("messages were overwritten before they were received")]
    Lagged,
    /// The owner of the lock died or panicked, so the protected data may be half changed
    /// (`EOWNERDEAD`).
    #[error("the last owner died")]
    OwnerDied,
    /// The lock was abandoned after its owner died and cannot be acquired again
    /// (`ENOTRECOVERABLE`).
    #[error("the lock was abandoned after its owner died")]
    Unrecoverable,
    /// The new value would be out of range; the value is unchanged (`EOVERFLOW`, `ERANGE`).
    #[error("value out of range")]
    Overflow,
    /// A limit of the system or of the process was reached (`EMFILE`, `ENFILE`, `ENOSPC`, `ENOMEM`,
    /// …).
    #[error("a limit was reached")]
    LimitReached,
    /// The name or descriptor refers to an object of another type than the operation needs.
    #[error("wrong type of object")]
    WrongType,
    /// The name is empty, too long, or contains a NUL byte (`ENAMETOOLONG`).
    #[error("invalid name")]
    InvalidName,
    /// Shared memory holds a value that this library never writes; nothing was taken from it.
    #[error("shared state is corrupted")]
    Corrupted,
    /// An argument is out of range (`EINVAL`).
    #[error("invalid argument")]
    Invalid,
    /// The running kernel does not implement the operation (`ENOSYS`, `EOPNOTSUPP`).
    #[error("not supported by the running kernel")]
    Unsupported,
    /// Any other errno; see [`Error::errno`](super::Error::errno).
    #[error("failed")]
    Other,
}

impl ErrorKind {
    /// Returns whether a `try_` call fails with this kind instead of blocking:
    /// [`Full`](ErrorKind::Full), [`Empty`](ErrorKind::Empty) or
    /// [`WouldBlock`](ErrorKind::WouldBlock).
    ///
    /// An event loop then waits for the descriptor, and repeats the call.
    pub const fn is_would_block(self) -> bool {
        matches!(self, ErrorKind::Full | ErrorKind::Empty | ErrorKind::WouldBlock)
    }

    pub(super) fn io_kind(self) -> io::ErrorKind {
        match self {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::InUse => io::ErrorKind::AddrInUse,
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::Full | ErrorKind::Empty | ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::Deadlock => io::ErrorKind::Deadlock,
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
            | ErrorKind::Rejected
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

/// Classifies an errno whose meaning does not depend on the operation.
///
/// `EAGAIN` depends on the direction, so its constructors set the kind.
impl From<Errno> for ErrorKind {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => ErrorKind::NotFound,
            Errno::EEXIST => ErrorKind::AlreadyExists,
            Errno::EADDRINUSE | Errno::EBUSY => ErrorKind::InUse,
            Errno::EACCES | Errno::EPERM | Errno::EROFS => ErrorKind::PermissionDenied,
            Errno::EDEADLK => ErrorKind::Deadlock,
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
