//! ppoll(2): blocking until a descriptor is ready, or a deadline passes.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::time::Deadline;

/// Blocks until `fd` is ready for `interest`, or is in an error state that the next call reports.
///
/// Returns false if the deadline passes first. Neither signals nor clock steps move the deadline.
pub(crate) fn wait_ready(fd: BorrowedFd<'_>, interest: PollFlags, deadline: Deadline) -> nix::Result<bool> {
    loop {
        let timeout = deadline.remaining().map(timespec);
        match ppoll(&mut [PollFd::new(fd, interest)], timeout, None) {
            Err(Errno::EINTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Converts a duration to a relative timeout of the kernel.
pub(crate) fn timespec(duration: Duration) -> TimeSpec {
    // A longer duration is capped at 68 years; callers check their deadline again when it passes.
    let seconds = duration.as_secs().min(i32::MAX as u64) as libc::time_t;
    TimeSpec::new(seconds, duration.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn wait_ready_times_out_on_an_empty_pipe_and_returns_true_with_data() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let soon = Deadline::after(Duration::from_millis(1));
        assert_eq!(wait_ready(reader.as_fd(), PollFlags::POLLIN, soon), Ok(false));
        writer.write_all(b"x").unwrap();
        assert_eq!(wait_ready(reader.as_fd(), PollFlags::POLLIN, Deadline::after(Duration::ZERO)), Ok(true));
        assert_eq!(wait_ready(reader.as_fd(), PollFlags::POLLIN, Deadline::NEVER), Ok(true));
    }
}
