//! The queue, and sending and receiving.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::removal::RemoveOnDrop;
use super::{Attributes, Drain, Message, Options};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::support::wait;
use crate::sys::{posix_mq, retry};

/// The most bytes of a name after its slash (mq_overview(7)).
pub(super) const LONGEST_NAME: usize = 255;

const SEND: &str = "mq_send";
const RECEIVE: &str = "mq_receive";
const UNLINK: &str = "mq_unlink";

/// An open POSIX message queue.
///
/// Calls take `&self`: threads, and other processes with handles of their own, may send and receive at once, and each
/// message goes to one receiver. Dropping it closes and leaves the queue, unless [`Options::remove_on_drop`] was asked
/// for.
#[derive(Debug)]
pub struct Queue {
    /// Dropped first, while the descriptor still holds the queue: so that its inode number is no other queue's.
    removal: Option<RemoveOnDrop>,
    fd: OwnedFd,
    name: Option<Arc<str>>,
    /// Never changes after the queue is made (mq_setattr(3)).
    message_size: usize,
    /// Whether a [`Notification`](super::Notification) of this handle lives.
    pub(super) notifying: AtomicBool,
}

impl Queue {
    /// `mq_open(3)`: makes the queue with the system's default sizes and mode 0600, or opens the one that exists; see
    /// [`Options::create`].
    #[doc(alias = "mq_open")]
    pub fn create(name: &str) -> Result<Queue> {
        Options::new().create(name)
    }

    /// `mq_open(3)`: makes the queue with the system's default sizes and mode 0600, and fails if the name exists; see
    /// [`Options::create_new`].
    #[doc(alias = "mq_open")]
    pub fn create_new(name: &str) -> Result<Queue> {
        Options::new().create_new(name)
    }

    /// `mq_open(3)`: opens a queue that exists; see [`Options::open`].
    #[doc(alias = "mq_open")]
    pub fn open(name: &str) -> Result<Queue> {
        Options::new().open(name)
    }

    pub(super) fn new(fd: OwnedFd, name: &str, removal: Option<RemoveOnDrop>) -> Result<Queue> {
        let name = Arc::from(name);
        match Attributes::of(fd.as_fd()) {
            Ok(found) => Ok(Queue::assemble(fd, Some(name), found.message_size, removal)),
            Err(e) => Err(Error::from_errno("mq_getattr", e).with_object(Some(&name))),
        }
    }

    fn assemble(
        fd: OwnedFd,
        name: Option<Arc<str>>,
        message_size: usize,
        removal: Option<RemoveOnDrop>,
    ) -> Queue {
        Queue { removal, fd, name, message_size, notifying: AtomicBool::new(false) }
    }

    /// `mq_unlink(3)`: removes the name. Who has the queue open goes on with it; who opens the name next does not find
    /// it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such queue, [`PermissionDenied`](ErrorKind::PermissionDenied)
    /// if it is another user's.
    #[doc(alias = "mq_unlink")]
    pub fn unlink(name: &str) -> Result<()> {
        let path = name::posix(UNLINK, name, LONGEST_NAME)?;
        posix_mq::unlink(&path).map_err(|e| Error::from_errno(UNLINK, e).with_name(name))
    }

    /// `mq_send(3)`: adds a message of this priority, and waits while the queue is full.
    ///
    /// Higher priorities are received first, and equal ones in the order in which they came. An empty message is a
    /// message.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge) above the queue's [message size](Queue::message_size),
    /// [`Invalid`](ErrorKind::Invalid) if the priority is not below [`PRIORITIES`](super::PRIORITIES),
    /// [`Full`](ErrorKind::Full) only if the queue is [non-blocking](Options::nonblocking).
    #[inline]
    #[doc(alias = "mq_send")]
    pub fn send(&self, message: &[u8], priority: u32) -> Result<()> {
        retry(|| posix_mq::send(self.fd.as_fd(), message, priority))
            .map_err(|e| self.unsent(e, message.len(), priority))
    }

    /// `mq_timedsend(3)`: [`send`](Queue::send) that fails with [`Full`](ErrorKind::Full) instead of waiting.
    #[doc(alias = "mq_timedsend")]
    pub fn try_send(&self, message: &[u8], priority: u32) -> Result<()> {
        retry(|| posix_mq::try_send(self.fd.as_fd(), message, priority))
            .map_err(|e| self.unsent(e, message.len(), priority))
    }

    /// `mq_timedsend(3)`: [`send`](Queue::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no room
    /// within `timeout`.
    ///
    /// If it has to wait it does so in `ppoll(2)`, on the monotonic clock: the kernel's own timeout follows every step
    /// of the wall clock.
    #[doc(alias = "mq_timedsend")]
    pub fn send_timeout(&self, message: &[u8], priority: u32, timeout: Duration) -> Result<()> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLOUT)];
        wait::attempt_until(timeout, &ready, || {
            retry(|| posix_mq::try_send(self.fd.as_fd(), message, priority))
        })
        .map_err(|e| self.unsent(e, message.len(), priority))
    }

    /// `mq_receive(3)`: takes the oldest message of the highest priority and returns its length and priority; waits
    /// while the queue is empty.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid), and nothing is taken, if the buffer is shorter than the queue's [message
    /// size](Queue::message_size), however short the message; [`Empty`](ErrorKind::Empty) only if the queue is
    /// [non-blocking](Options::nonblocking).
    #[inline]
    #[doc(alias = "mq_receive")]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<(usize, u32)> {
        retry(|| posix_mq::receive(self.fd.as_fd(), buffer)).map_err(|e| self.unreceived(e, buffer.len()))
    }

    /// `mq_timedreceive(3)`: [`recv`](Queue::recv) that fails with [`Empty`](ErrorKind::Empty) instead of
    /// waiting.
    #[doc(alias = "mq_timedreceive")]
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<(usize, u32)> {
        retry(|| posix_mq::try_receive(self.fd.as_fd(), buffer)).map_err(|e| self.unreceived(e, buffer.len()))
    }

    /// `mq_timedreceive(3)`: [`recv`](Queue::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if nothing
    /// comes within `timeout`.
    ///
    /// Waits as [`send_timeout`](Queue::send_timeout) does. A receiver that waits in a plain
    /// [`recv`](Queue::recv) is served before it.
    #[doc(alias = "mq_timedreceive")]
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<(usize, u32)> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        let length = buffer.len();
        wait::attempt_until(timeout, &ready, || retry(|| posix_mq::try_receive(self.fd.as_fd(), buffer)))
            .map_err(|e| self.unreceived(e, length))
    }

    /// [`recv`](Queue::recv) into memory of its own.
    pub fn recv_message(&self) -> Result<Message> {
        self.message(|buffer| self.recv(buffer))
    }

    /// [`try_recv`](Queue::try_recv) into memory of its own.
    pub fn try_recv_message(&self) -> Result<Message> {
        self.message(|buffer| self.try_recv(buffer))
    }

    /// [`recv_timeout`](Queue::recv_timeout) into memory of its own.
    pub fn recv_message_timeout(&self, timeout: Duration) -> Result<Message> {
        self.message(|buffer| self.recv_timeout(buffer, timeout))
    }

    fn message(&self, receive: impl FnOnce(&mut [u8]) -> Result<(usize, u32)>) -> Result<Message> {
        let mut bytes = vec![0; self.message_size];
        let (length, priority) = receive(&mut bytes)?;
        bytes.truncate(length);
        Ok(Message { bytes, priority })
    }

    /// Takes out, without waiting, what is in the queue: an iterator that ends when the queue is empty.
    pub fn drain(&self) -> Drain<'_> {
        Drain { queue: self }
    }

    /// The most bytes of a message, and the least of a buffer to [receive](Queue::recv) into.
    #[inline]
    pub fn message_size(&self) -> usize {
        self.message_size
    }

    /// `mq_getattr(3)`: sizes and number of messages; the last is stale as soon as it is returned.
    #[doc(alias = "mq_getattr")]
    pub fn attributes(&self) -> Result<Attributes> {
        Attributes::of(self.fd.as_fd())
            .map_err(|e| Error::from_errno("mq_getattr", e).with_object(self.name()))
    }

    /// `mq_setattr(3)`: sets or clears `O_NONBLOCK`, for everybody who shares this descriptor: see
    /// [`Options::nonblocking`].
    #[doc(alias = "mq_setattr")]
    pub fn set_nonblocking(&self, yes: bool) -> Result<()> {
        posix_mq::set_nonblocking(self.fd.as_fd(), yes)
            .map_err(|e| Error::from_errno("mq_setattr", e).with_object(self.name()))
    }

    /// Whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.is_some()
    }

    pub(super) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    #[cold]
    fn unsent(&self, errno: Errno, length: usize, priority: u32) -> Error {
        let error = Error::from_send_errno(SEND, errno).with_object(self.name());
        match errno {
            Errno::EMSGSIZE => error.with_limit(limit("the queue's message size", self.message_size, length)),
            Errno::EINVAL => error.with_limit(limit(
                "the highest priority",
                super::PRIORITIES as usize - 1,
                priority as usize,
            )),
            Errno::EBADF => wrong_way(error),
            _ => error,
        }
    }

    #[cold]
    fn unreceived(&self, errno: Errno, room: usize) -> Error {
        let error = Error::from_recv_errno(RECEIVE, errno).with_object(self.name());
        match errno {
            Errno::EMSGSIZE => error
                .with_kind(ErrorKind::Invalid)
                .with_limit(limit("the buffer", room, self.message_size))
                .with_hint("a buffer has room for Queue::message_size bytes"),
            Errno::EBADF => wrong_way(error),
            _ => error,
        }
    }
}

fn limit(name: &'static str, value: usize, requested: usize) -> Option<Limit> {
    Some(Limit { name, value: value as u64, requested: Some(requested as u64) })
}

/// The descriptor is this handle's own and so is open: but not for this.
fn wrong_way(error: Error) -> Error {
    error
        .with_kind(ErrorKind::PermissionDenied)
        .with_hint("the queue was opened for the other direction only")
}

impl AsFd for Queue {
    /// For `poll(2)`: readable when there is a message, writable when there is room.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Leaves the name, also with [`remove_on_drop`](Options::remove_on_drop).
impl From<Queue> for OwnedFd {
    fn from(queue: Queue) -> Self {
        if let Some(removal) = queue.removal {
            removal.cancel();
        }
        queue.fd
    }
}

/// A descriptor that was inherited, or received over a socket.
///
/// # Errors
///
/// [`WrongType`](ErrorKind::WrongType) if it leads to something else; it is closed then.
impl TryFrom<OwnedFd> for Queue {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        match Attributes::of(fd.as_fd()) {
            Ok(found) => Ok(Queue::assemble(fd, None, found.message_size, None)),
            Err(e) => Err(Error::from_errno("mq_getattr", e).with_kind(ErrorKind::WrongType)),
        }
    }
}
