//! What several mechanisms share on top of the raw calls in [`sys`](crate::sys).

pub(crate) mod backoff;
pub(crate) mod create_or_open;
pub(crate) mod directory_entry;
pub(crate) mod dup;
pub(crate) mod fallocate;
mod from_io;
pub(crate) mod ipc_namespace;
pub(crate) mod limits;
mod memory_allowance;
pub(crate) mod memory_limit;
pub(crate) mod mode;
pub(crate) mod pipe_end;
pub(crate) mod pipe_io;
pub(crate) mod pipe_read_now;
pub(crate) mod pipe_size;
pub(crate) mod pipe_write_now;
pub(crate) mod proc_fd;
pub(crate) mod process_identity;
pub(crate) mod process_limit;
pub(crate) mod quiet_thread;
pub(crate) mod sigpipe;
pub(crate) mod unlink_guard;
pub(crate) mod wait;
pub(crate) mod whole;

use std::io;

use nix::errno::Errno;

/// The errno of an error that std reports; `EIO` for one that std made up itself.
pub(crate) fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_of_an_error_without_one_is_eio() {
        assert_eq!(errno(&io::Error::from_raw_os_error(libc::ENOENT)), Errno::ENOENT);
        assert_eq!(errno(&io::Error::other("made up")), Errno::EIO);
    }
}
