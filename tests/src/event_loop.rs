//! An event loop of one endpoint, which waits by a [`Reactor`].

use std::os::fd::AsFd;
use std::time::Duration;

use ipcraft::channel::{Reactor, Registration};
use ipcraft::{ErrorKind, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// An event loop of one endpoint.
#[derive(Debug)]
pub struct EventLoop {
    registration: Registration,
    reactor: Reactor,
}

impl EventLoop {
    /// An event loop at which `register` registers the endpoint.
    ///
    /// # Errors
    ///
    /// The library's.
    pub fn new(register: impl FnOnce(&Reactor) -> Result<Registration>) -> Result<EventLoop> {
        let reactor = Reactor::new()?;
        Ok(EventLoop { registration: register(&reactor)?, reactor })
    }

    /// Tries until there is a result, and polls in between.
    ///
    /// # Errors
    ///
    /// The library's; the last one after a poll of this time without an event.
    ///
    /// # Panics
    ///
    /// If a token is of no registration.
    pub fn wait<R>(&self, timeout: Duration, mut attempt: impl FnMut() -> Result<R>) -> Result<R> {
        let mut woken = Vec::new();
        loop {
            match attempt() {
                Err(error) if matches!(error.kind(), ErrorKind::Empty | ErrorKind::Full) => {
                    if self.registration.arm()? {
                        continue;
                    }
                    // The timer of a reactor wakes it without a report. A process that is stepped
                    // would never block if it tried again each time.
                    woken.clear();
                    while woken.is_empty() {
                        if !is_readable(&self.reactor, timeout) {
                            return Err(error);
                        }
                        self.reactor.drain(&mut woken)?;
                    }
                    assert!(woken.iter().all(|token| *token == self.registration.token()), "{woken:?}");
                }
                result => return result,
            }
        }
    }

    /// The registration.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }
}

/// Whether a descriptor becomes readable in time.
///
/// # Panics
///
/// If poll(2) fails.
pub fn is_readable(fd: &impl AsFd, timeout: Duration) -> bool {
    let timeout = PollTimeout::try_from(timeout).expect("a time of some seconds");
    loop {
        match poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], timeout) {
            Err(Errno::EINTR) => {}
            ready => return ready.expect("poll(2)") == 1,
        }
    }
}
