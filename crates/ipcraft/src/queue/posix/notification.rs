//! Being told of the first message.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::{AcqRel, Release};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socket};

use super::Queue;
use crate::error::{Error, Result};
use crate::signal::Signal;
use crate::support::{limits, wait};
use crate::sys::{posix_mq, retry};

const NOTIFY: &str = "mq_notify";
const WAIT: &str = "wait for notification";

/// The last byte of the kernel's message that says that one came into the queue; otherwise the registration has ended
/// (Linux, ipc/mqueue.c).
const WOKEN: u8 = 1;

impl Queue {
    /// `mq_notify(3)` with `SIGEV_SIGNAL`: sends this signal to the process when a message comes into the empty queue.
    ///
    /// The signal's `si_code` is `SI_MESGQ`, its `si_value` the `value`, and `si_pid` and `si_uid` are those of the
    /// sender. [Block](crate::signal::block) it first: most signals kill a process that neither blocks nor handles them.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if anybody, in this process or another, is registered with the queue.
    #[doc(alias = "mq_notify")]
    #[doc(alias = "SIGEV_SIGNAL")]
    pub fn notify_signal(&self, signal: Signal, value: i32) -> Result<Notification<'_>> {
        let registration = Registration::new(self)?;
        let notification = Notification { registration, signal, value };
        notification.rearm()?;
        Ok(notification)
    }

    /// `mq_notify(3)` with `SIGEV_THREAD`: makes a descriptor readable when a message comes into the empty queue.
    ///
    /// The descriptor is a netlink socket, by which the kernel tells a C library when to start a thread; here none is
    /// started. To wait for messages, poll the queue itself: this is for the moment when it ceases to be empty, of
    /// which only one process is told.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if anybody, in this process or another, is registered with the queue;
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "mq_notify")]
    #[doc(alias = "SIGEV_THREAD")]
    pub fn notify_descriptor(&self) -> Result<NotificationFd<'_>> {
        let registration = Registration::new(self)?;
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, None)
            .map_err(|e| Error::from_errno("socket(AF_NETLINK)", e).with_limit(limits::descriptors(e)))?;
        let notification = NotificationFd { registration, socket };
        notification.rearm()?;
        Ok(notification)
    }
}

/// A registration for one signal, from [`Queue::notify_signal`]. Dropping it gives the registration up.
#[derive(Debug)]
pub struct Notification<'queue> {
    registration: Registration<'queue>,
    signal: Signal,
    value: i32,
}

impl Notification<'_> {
    /// `mq_notify(3)`: registers again after the signal has come.
    ///
    /// Do so **before** emptying the queue: a message that comes into a queue which is not empty notifies nobody.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the registration still stands, or somebody else was faster.
    pub fn rearm(&self) -> Result<()> {
        self.registration
            .register(|queue| posix_mq::notify_by_signal(queue, self.signal.number(), self.value))
    }
}

/// A registration that makes a descriptor readable, from [`Queue::notify_descriptor`]. Dropping it gives the
/// registration up.
///
/// Poll its descriptor for reading, and take the news with [`try_wait`](NotificationFd::try_wait).
#[derive(Debug)]
pub struct NotificationFd<'queue> {
    registration: Registration<'queue>,
    socket: OwnedFd,
}

impl NotificationFd<'_> {
    /// Waits until a message has come into the empty queue.
    ///
    /// # Errors
    ///
    /// [`Removed`](crate::ErrorKind::Removed) if the registration has ended otherwise: this process has closed another
    /// descriptor of the queue.
    pub fn wait(&self) -> Result<()> {
        self.wait_timeout(Duration::MAX)
    }

    /// [`wait`](NotificationFd::wait) that fails with [`Empty`](crate::ErrorKind::Empty) instead of waiting.
    pub fn try_wait(&self) -> Result<()> {
        self.hear().map_err(|e| self.deaf(e))
    }

    /// [`wait`](NotificationFd::wait) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if no message comes
    /// within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        let ready = [(self.socket.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.hear()).map_err(|e| self.deaf(e))
    }

    /// `mq_notify(3)`: registers again after it was notified.
    ///
    /// Do so **before** emptying the queue: a message that comes into a queue which is not empty notifies nobody.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the registration still stands, or somebody else was faster.
    pub fn rearm(&self) -> Result<()> {
        self.registration.register(|queue| posix_mq::notify_by_socket(queue, self.socket.as_fd()))
    }

    /// Takes one message of the kernel's.
    fn hear(&self) -> nix::Result<()> {
        let mut cookie = [0; posix_mq::COOKIE];
        retry(|| recv(self.socket.as_raw_fd(), &mut cookie, MsgFlags::MSG_DONTWAIT))?;
        if cookie[posix_mq::COOKIE - 1] == WOKEN { Ok(()) } else { Err(Errno::EIDRM) }
    }

    fn deaf(&self, errno: Errno) -> Error {
        Error::from_recv_errno(WAIT, errno).with_object(self.registration.queue.name())
    }
}

impl AsFd for NotificationFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The right of a handle to be registered: the kernel knows one registration per process and queue, which a second
/// value would give up in the first one's place.
#[derive(Debug)]
struct Registration<'queue> {
    queue: &'queue Queue,
}

impl<'queue> Registration<'queue> {
    fn new(queue: &'queue Queue) -> Result<Self> {
        match queue.notifying.swap(true, AcqRel) {
            false => Ok(Registration { queue }),
            true => Err(Error::from_errno(NOTIFY, Errno::EBUSY).with_object(queue.name())),
        }
    }

    fn register(&self, notify: impl FnOnce(BorrowedFd<'_>) -> nix::Result<()>) -> Result<()> {
        notify(self.queue.as_fd()).map_err(|e| Error::from_errno(NOTIFY, e).with_object(self.queue.name()))
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        // The kernel leaves another process's registration alone, and has nothing else to say.
        let _ = posix_mq::notify_no_more(self.queue.as_fd());
        self.queue.notifying.store(false, Release);
    }
}
