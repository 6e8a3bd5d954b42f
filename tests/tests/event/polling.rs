use ipcraft::event::{EventFd, MAX};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use super::counter;

/// What poll(2) says at once.
pub(super) fn ready(counter: &EventFd) -> PollFlags {
    let mut fds = [PollFd::new(counter.as_fd(), PollFlags::POLLIN | PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).unwrap();
    fds[0].revents().unwrap()
}

pub(super) fn tells_what_can_be_done() {
    let counter = counter();
    assert_eq!(ready(&counter), PollFlags::POLLOUT);
    counter.add(MAX - 1).unwrap();
    assert_eq!(ready(&counter), PollFlags::POLLIN | PollFlags::POLLOUT);
    counter.add(1).unwrap();
    assert_eq!(ready(&counter), PollFlags::POLLIN);
    counter.take().unwrap();
    assert_eq!(ready(&counter), PollFlags::POLLOUT);
}
