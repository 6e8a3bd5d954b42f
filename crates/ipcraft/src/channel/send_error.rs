//! Errors of sending, which return the unsent message.

use std::{fmt, io};

use crate::error::{Error, ErrorKind};

/// The error of a failed send. It contains the unsent message, of which no part is in the channel.
///
/// `?` converts it to an [`Error`] or an [`io::Error`] and drops the message.
#[derive(thiserror::Error)]
#[error("{error}")]
pub struct SendError<T> {
    message: T,
    #[source]
    error: Error,
}

impl<T> SendError<T> {
    /// Constructs the error of a message that was not sent. Sending calls do; so can a wrapper that
    /// waits in its own way.
    #[cold]
    pub fn new(message: T, error: Error) -> Self {
        SendError { message, error }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// Returns the error without the message.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the unsent message.
    pub fn into_message(self) -> T {
        self.message
    }
}

/// Omits the message, which may be large or secret.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> From<SendError<T>> for Error {
    fn from(unsent: SendError<T>) -> Error {
        unsent.error
    }
}

impl<T> From<SendError<T>> for io::Error {
    fn from(unsent: SendError<T>) -> io::Error {
        unsent.error.into()
    }
}

/// The error of a batch that was sent in part: the number of sent messages, and why the next one
/// failed.
///
/// `?` converts it to an [`Error`] or an [`io::Error`] and drops the number.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error} after {sent} messages")]
pub struct SendAllError {
    sent: usize,
    #[source]
    error: Error,
}

impl SendAllError {
    /// Constructs the error of a batch of which `sent` messages were sent. Sending calls do; so can
    /// a wrapper that waits in its own way.
    #[cold]
    pub fn new(sent: usize, error: Error) -> Self {
        SendAllError { sent, error }
    }

    /// Returns the number of messages that were sent, counted from the first.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Returns the kind of the error of the next message.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// Returns the error of the next message.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl From<SendAllError> for Error {
    fn from(stopped: SendAllError) -> Error {
        stopped.error
    }
}

impl From<SendAllError> for io::Error {
    fn from(stopped: SendAllError) -> io::Error {
        stopped.error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_of_send_errors_to_io_error_keeps_the_kind() {
        let full = || Error::from_send_errno("send", nix::errno::Errno::EAGAIN);
        let errors = [io::Error::from(SendError::new((), full())), SendAllError::new(3, full()).into()];
        for error in errors {
            assert_eq!((error.kind(), error.raw_os_error()), (io::ErrorKind::WouldBlock, Some(libc::EAGAIN)));
        }
    }

    #[test]
    fn display_of_send_all_error_counts_the_sent_messages() {
        let error = SendAllError::new(3, Error::new("send_all", ErrorKind::Full));
        assert_eq!(error.to_string(), "send_all: no room to send after 3 messages");
    }
}
