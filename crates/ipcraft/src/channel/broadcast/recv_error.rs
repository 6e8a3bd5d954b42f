//! Why a subscriber gets no message.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Why a subscriber got no message.
///
/// It becomes an [`Error`] with `?`: of kind [`Lagged`](ErrorKind::Lagged), with the number as
/// [`Error::missed`], if messages were missed.
#[derive(Clone, Debug)]
pub enum RecvError {
    /// So many messages were overwritten before this subscriber came to them: those since the last one that it got or was
    /// told of. The next call goes on after them.
    Lagged(u64),
    /// Anything else.
    Failed(Error),
}

impl RecvError {
    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            RecvError::Lagged(_) => ErrorKind::Lagged,
            RecvError::Failed(error) => error.kind(),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Lagged(number) => write!(f, "recv: missed {number} messages"),
            RecvError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecvError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RecvError::Lagged(_) => None,
            RecvError::Failed(error) => Some(error),
        }
    }
}

impl From<Error> for RecvError {
    fn from(error: Error) -> RecvError {
        RecvError::Failed(error)
    }
}

impl From<RecvError> for Error {
    fn from(error: RecvError) -> Error {
        match error {
            RecvError::Lagged(number) => Error::lagged("recv", number),
            RecvError::Failed(error) => error,
        }
    }
}
