//! What can go wrong as a whole. What cannot be read of one object or process is in the results.

use std::io;

use nix::errno::Errno;

use crate::name::ObjectName;

/// An operation that failed, with its object and its cause.
#[derive(Debug, thiserror::Error)]
#[error("{operation}{}: {cause}{}", self.object_text(), self.hint_text())]
pub struct Error {
    operation: &'static str,
    object: Option<String>,
    cause: Cause,
    hint: Option<&'static str>,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{} ({})", .0.desc(), errno_name(*.0))]
    Errno(Errno),
    #[error("{0}")]
    Library(Box<ipcraft::Error>),
}

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(operation: &'static str, errno: Errno) -> Error {
        Error { operation, object: None, cause: Cause::Errno(errno), hint: None }
    }

    pub(crate) fn named(mut self, name: &ObjectName) -> Error {
        self.object = Some(name.to_string());
        self
    }

    pub(crate) fn with_hint(mut self, hint: &'static str) -> Error {
        self.hint = Some(hint);
        self
    }

    /// Returns the number of the error, if the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match &self.cause {
            Cause::Errno(errno) => Some(*errno as i32),
            Cause::Library(error) => error.errno(),
        }
    }

    fn object_text(&self) -> String {
        self.object.as_ref().map(|object| format!(" {object}")).unwrap_or_default()
    }

    fn hint_text(&self) -> String {
        self.hint.map(|hint| format!("; {hint}")).unwrap_or_default()
    }
}

fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

impl From<ipcraft::Error> for Error {
    fn from(error: ipcraft::Error) -> Error {
        Error {
            operation: "read the kernel's tables",
            object: None,
            cause: Cause::Library(Box::new(error)),
            hint: None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = error.errno().map_or(io::ErrorKind::Other, |n| io::Error::from_raw_os_error(n).kind());
        io::Error::new(kind, error)
    }
}
