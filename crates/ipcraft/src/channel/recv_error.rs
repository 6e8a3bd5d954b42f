//! Errors of receiving from a broadcast.

use std::io;

use crate::error::{Error, ErrorKind};

/// The reason why a subscriber received no message.
///
/// `?` converts it to an [`Error`] or an [`io::Error`]. [`Lagged`](RecvError::Lagged) becomes the
/// kind [`Lagged`](ErrorKind::Lagged), with the number as [`Error::missed`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// This number of messages was overwritten before the subscriber read them. Each lost message
    /// is reported once. The next call continues with the newer half of the ring.
    #[error("recv: missed {0} messages")]
    Lagged(u64),
    /// Any other error.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl RecvError {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            RecvError::Lagged(_) => ErrorKind::Lagged,
            RecvError::Failed(error) => error.kind(),
        }
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

impl From<RecvError> for io::Error {
    fn from(error: RecvError) -> io::Error {
        Error::from(error).into()
    }
}
