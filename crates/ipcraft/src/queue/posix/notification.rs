//! Notification of the first message in an empty queue.

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

/// The last byte of the kernel's notification if a message arrived. With another byte the
/// registration has ended (Linux, ipc/mqueue.c).
const NOTIFIED: u8 = 1;

impl Queue {
    /// `mq_notify(3)` with `SIGEV_SIGNAL`: requests this signal for the next message that arrives
    /// in the empty queue.
    ///
    /// The signal's `si_code` is `SI_MESGQ` and its `si_value` is `value`; `si_pid` and `si_uid`
    /// identify the sender. [Block](crate::signal::block) the signal first: most signals kill a
    /// process that neither blocks nor handles them.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if this or another process is already registered with the
    /// queue.
    #[doc(alias = "mq_notify")]
    #[doc(alias = "SIGEV_SIGNAL")]
    pub fn notify_signal(&self, signal: Signal, value: i32) -> Result<Notification<'_>> {
        let registration = Registration::new(self)?;
        let notification = Notification { registration, signal, value };
        notification.rearm()?;
        Ok(notification)
    }

    /// `mq_notify(3)` with `SIGEV_THREAD`: returns a descriptor that becomes readable when a
    /// message arrives in the empty queue.
    ///
    /// The descriptor is the netlink socket through which the kernel asks a C library to start a
    /// thread; this library starts none. To wait for messages, poll the queue itself. Use this to
    /// detect the arrival of a message in the empty queue. The kernel reports that to one process
    /// only.
    ///
    /// # Errors
    ///
    /// * [`InUse`](crate::ErrorKind::InUse) if this or another process is already registered with
    ///   the queue;
    /// * [`LimitReached`](crate::ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "mq_notify")]
    #[doc(alias = "SIGEV_THREAD")]
    pub fn notify_descriptor(&self) -> Result<NotificationFd<'_>> {
        let registration = Registration::new(self)?;
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, None).map_err(|e| {
            Error::from_errno("socket(AF_NETLINK)", e)
                .with_object(self.name())
                .with_limit(limits::descriptors(e))
        })?;
        let notification = NotificationFd { registration, socket };
        notification.rearm()?;
        Ok(notification)
    }
}

/// A registration for one signal, from [`Queue::notify_signal`]. Dropping it cancels the
/// registration.
#[derive(Debug)]
pub struct Notification<'queue> {
    registration: Registration<'queue>,
    signal: Signal,
    value: i32,
}

impl Notification<'_> {
    /// `mq_notify(3)`: registers again after a signal.
    ///
    /// Call it **before** emptying the queue: a message that arrives in a non-empty queue triggers
    /// no notification.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the registration is still active, or another process
    /// has registered.
    pub fn rearm(&self) -> Result<()> {
        self.registration
            .register(|queue| posix_mq::notify_by_signal(queue, self.signal.number(), self.value))
    }
}

/// A registration that makes a descriptor readable, from [`Queue::notify_descriptor`]. Dropping it
/// cancels the registration.
///
/// Poll its descriptor for reading, and consume the notification with
/// [`try_wait`](NotificationFd::try_wait).
#[derive(Debug)]
pub struct NotificationFd<'queue> {
    registration: Registration<'queue>,
    socket: OwnedFd,
}

impl NotificationFd<'_> {
    /// Blocks until a message has arrived in the empty queue.
    ///
    /// # Errors
    ///
    /// [`Removed`](crate::ErrorKind::Removed) if the registration ended because this process closed
    /// another descriptor of the queue.
    pub fn wait(&self) -> Result<()> {
        self.wait_timeout(Duration::MAX)
    }

    /// [`wait`](NotificationFd::wait) that fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// blocking.
    pub fn try_wait(&self) -> Result<()> {
        self.consume().map_err(|e| self.failed(e))
    }

    /// [`wait`](NotificationFd::wait) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// no message arrives within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        let ready = [(self.socket.as_fd(), PollFlags::POLLIN)];
        wait::attempt_until(timeout, &ready, || self.consume()).map_err(|e| self.failed(e))
    }

    /// `mq_notify(3)`: registers again after a notification.
    ///
    /// Call it **before** emptying the queue: a message that arrives in a non-empty queue triggers
    /// no notification.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if the registration is still active, or another process
    /// has registered.
    pub fn rearm(&self) -> Result<()> {
        self.registration.register(|queue| posix_mq::notify_by_socket(queue, self.socket.as_fd()))
    }

    /// Consumes one notification of the kernel.
    fn consume(&self) -> nix::Result<()> {
        let mut cookie = [0; posix_mq::COOKIE];
        retry(|| recv(self.socket.as_raw_fd(), &mut cookie, MsgFlags::MSG_DONTWAIT))?;
        if cookie[posix_mq::COOKIE - 1] == NOTIFIED { Ok(()) } else { Err(Errno::EIDRM) }
    }

    fn failed(&self, errno: Errno) -> Error {
        Error::from_recv_errno(WAIT, errno).with_object(self.registration.queue.name())
    }
}

impl AsFd for NotificationFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The exclusive right of a handle to register.
///
/// The kernel keeps one registration per process and queue, so dropping a second value would cancel
/// the first one's registration.
#[derive(Debug)]
struct Registration<'queue> {
    queue: &'queue Queue,
}

impl<'queue> Registration<'queue> {
    fn new(queue: &'queue Queue) -> Result<Self> {
        match queue.notifying.swap(true, AcqRel) {
            false => Ok(Registration { queue }),
            true => Err(failed(queue, Errno::EBUSY)),
        }
    }

    fn register(&self, notify: impl FnOnce(BorrowedFd<'_>) -> nix::Result<()>) -> Result<()> {
        notify(self.queue.as_fd()).map_err(|e| failed(self.queue, e))
    }
}

fn failed(queue: &Queue, errno: Errno) -> Error {
    let error = Error::from_errno(NOTIFY, errno).with_object(queue.name());
    match errno {
        Errno::EBUSY => error.with_hint("poll the queue instead, or drop the other registration"),
        Errno::ENOMEM => error.with_limit(limits::memory_left()),
        _ => error,
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        // The kernel keeps another process's registration, and no other error is possible.
        let _ = posix_mq::notify_no_more(self.queue.as_fd());
        self.queue.notifying.store(false, Release);
    }
}
