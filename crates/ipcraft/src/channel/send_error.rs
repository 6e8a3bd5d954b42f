//! Messages that could not be sent come back.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// A message that could not be sent, and why. Nothing of it is in the channel.
///
/// It becomes an [`Error`] with `?`, and the message is dropped then.
pub struct SendError<T> {
    message: T,
    error: Error,
}

impl<T> SendError<T> {
    #[cold]
    pub(crate) fn new(message: T, error: Error) -> Self {
        SendError { message, error }
    }

    /// Why it was not sent.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// All that is known of why it was not sent.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The message.
    pub fn into_message(self) -> T {
        self.message
    }
}

/// Says why, and not what: a message may be large or secret.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> std::error::Error for SendError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl<T> From<SendError<T>> for Error {
    fn from(rejected: SendError<T>) -> Error {
        rejected.error
    }
}

/// Messages of which not all could be sent: how many were, and why not the next one.
#[derive(Clone, Debug)]
pub struct SendAllError {
    sent: usize,
    error: Error,
}

impl SendAllError {
    #[cold]
    pub(crate) fn new(sent: usize, error: Error) -> Self {
        SendAllError { sent, error }
    }

    /// How many were sent, from the first on.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Why the next one was not.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// All that is known of why the next one was not.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for SendAllError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {} messages", self.error, self.sent)
    }
}

impl std::error::Error for SendAllError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<SendAllError> for Error {
    fn from(stopped: SendAllError) -> Error {
        stopped.error
    }
}
