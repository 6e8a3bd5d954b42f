//! Errors of other libraries that use the descriptors of this one.

use std::io;

use nix::errno::Errno;

use super::limits;
use crate::error::{Error, ErrorKind};

impl Error {
    /// Converts the error of another library that uses the descriptors of this one: an event loop,
    /// for instance.
    ///
    /// An error with an errno gets the kind of that errno, and the limit if one of descriptors was
    /// reached. An error that was made from an [`Error`] becomes that again. Any other gets the
    /// kind [`Other`](ErrorKind::Other), and its text is lost.
    #[cold]
    pub fn from_io(operation: &'static str, error: &io::Error) -> Error {
        if let Some(errno) = error.raw_os_error().map(Errno::from_raw) {
            return Error::from_errno(operation, errno).with_limit(limits::descriptors(errno));
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(inner) => inner.clone(),
            None => Error::new(operation, ErrorKind::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_io_keeps_errno_limit_and_inner_error() {
        let full = Error::from_io("epoll_ctl", &io::Error::from_raw_os_error(libc::EMFILE));
        assert_eq!((full.kind(), full.operation()), (ErrorKind::LimitReached, "epoll_ctl"));
        assert_eq!(full.limit().map(crate::error::Limit::name), Some("RLIMIT_NOFILE"));

        let without_errno = io::Error::from(Error::new("recv", ErrorKind::Truncated));
        assert_eq!(Error::from_io("epoll_ctl", &without_errno).operation(), "recv");
        let foreign = io::Error::other("the runtime has ended");
        assert_eq!(Error::from_io("epoll_ctl", &foreign).kind(), ErrorKind::Other);
    }
}
