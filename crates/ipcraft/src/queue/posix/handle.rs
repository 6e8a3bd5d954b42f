//! The queue: sending and receiving.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::removal::Name;
use super::{Attributes, Drain, Message, Options};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::support::{limits, wait};
use crate::sys::{posix_mq, retry};

/// Bytes that a name may have after its slash (mq_overview(7)).
pub(super) const LONGEST_NAME: usize = 255;

const SEND: &str = "mq_send";
const RECEIVE: &str = "mq_receive";
const UNLINK: &str = "mq_unlink";
const GETATTR: &str = "mq_getattr";

/// An open POSIX message queue.
///
/// All methods take `&self`: threads, and processes with handles of their own, may send and receive
/// concurrently. Each message goes to one receiver. Dropping the handle closes it and leaves the
/// queue, unless [`Options::remove_on_drop`] was set.
#[derive(Debug)]
pub struct Queue {
    /// Dropped first, since it uses the descriptor. `None` for an adopted descriptor.
    name: Option<Name>,
    fd: OwnedFd,
    /// The name in error messages.
    shown: Option<Arc<str>>,
    /// Fixed when the queue is created (mq_setattr(3)).
    message_size: usize,
    /// Whether this handle has a live [`Notification`](super::Notification).
    pub(super) notifying: AtomicBool,
}

impl Queue {
    /// `mq_open(3)`: opens the queue, or creates it with the system's default sizes and mode 0600;
    /// see [`Options::create`].
    #[doc(alias = "mq_open")]
    pub fn create(name: impl AsRef<OsStr>) -> Result<Queue> {
        Options::new().create(name)
    }

    /// `mq_open(3)`: creates the queue with the system's default sizes and mode 0600, and fails if
    /// the name exists; see [`Options::create_new`].
    #[doc(alias = "mq_open")]
    pub fn create_new(name: impl AsRef<OsStr>) -> Result<Queue> {
        Options::new().create_new(name)
    }

    /// `mq_open(3)`: opens an existing queue; see [`Options::open`].
    #[doc(alias = "mq_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Queue> {
        Options::new().open(name)
    }

    /// The queue that the descriptor was opened for by its name.
    pub(super) fn new(fd: OwnedFd, path: CString, shown: Arc<str>, remove_on_drop: bool) -> Result<Queue> {
        let failed = |operation, e| Error::from_errno(operation, e).with_object(Some(&shown));
        let found = Attributes::read(fd.as_fd()).map_err(|e| failed(GETATTR, e))?;
        let mut name = Name::new(path, &fd).map_err(|e| failed("fstat", e))?;
        if remove_on_drop {
            name.remove_on_drop();
        }
        Ok(Queue::assemble(fd, Some(name), Some(shown), found.message_size))
    }

    fn assemble(fd: OwnedFd, name: Option<Name>, shown: Option<Arc<str>>, message_size: usize) -> Queue {
        Queue { name, fd, shown, message_size, notifying: AtomicBool::new(false) }
    }

    /// The same queue, whose name stays when the handle is dropped unless `yes`.
    pub(super) fn removed_on_drop(mut self, yes: bool) -> Queue {
        if let Some(name) = self.name.as_mut().filter(|_| !yes) {
            name.keep();
        }
        self
    }

    /// `mq_unlink(3)`: removes a name, whichever queue it names, also one that cannot be opened.
    /// Processes that have the queue open can still use it.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no queue has this name;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if another user owns it.
    #[doc(alias = "mq_unlink")]
    pub fn unlink(name: impl AsRef<OsStr>) -> Result<()> {
        let path = name::posix(UNLINK, name.as_ref(), LONGEST_NAME)?;
        posix_mq::unlink(&path)
            .map_err(|e| Error::from_errno(UNLINK, e).with_name(name::display(name.as_ref().as_ref())))
    }

    /// `mq_unlink(3)`: removes the name, if it still names this queue. Processes that have the
    /// queue open can still use it, and so can this handle, also after a failure.
    ///
    /// # Errors
    ///
    /// * [`Removed`](ErrorKind::Removed) if the name was removed before, or does not lead to this
    ///   queue in the calling thread's IPC namespace;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if another user owns the queue;
    /// * [`Invalid`](ErrorKind::Invalid) if the queue was adopted as a descriptor, without a name.
    #[doc(alias = "mq_unlink")]
    pub fn remove(&self) -> Result<()> {
        match &self.name {
            Some(name) => name.remove().map_err(|e| Error::from_errno(UNLINK, e).with_object(self.name())),
            None => Err(Error::new(UNLINK, ErrorKind::Invalid).with_hint("pass the name to Queue::unlink")),
        }
    }

    /// `mq_send(3)`: sends a message with this priority, blocking while the queue is full.
    ///
    /// Higher priorities are received first, messages of one priority in the order of sending. A
    /// message may be empty.
    ///
    /// # Errors
    ///
    /// * [`TooLarge`](ErrorKind::TooLarge) above the queue's [message size](Queue::message_size);
    /// * [`Invalid`](ErrorKind::Invalid) if the priority is not below
    ///   [`PRIORITIES`](super::PRIORITIES);
    /// * [`Full`](ErrorKind::Full) only if the queue is [non-blocking](Options::nonblocking).
    #[inline]
    #[doc(alias = "mq_send")]
    pub fn send(&self, message: &[u8], priority: u32) -> Result<()> {
        retry(|| posix_mq::send(self.fd.as_fd(), message, priority))
            .map_err(|e| self.send_error(e, message.len(), priority))
    }

    /// `mq_timedsend(3)`: [`send`](Queue::send) that fails with [`Full`](ErrorKind::Full) instead
    /// of blocking.
    #[doc(alias = "mq_timedsend")]
    pub fn try_send(&self, message: &[u8], priority: u32) -> Result<()> {
        retry(|| posix_mq::try_send(self.fd.as_fd(), message, priority))
            .map_err(|e| self.send_error(e, message.len(), priority))
    }

    /// `mq_timedsend(3)`: [`send`](Queue::send) that fails with [`TimedOut`](ErrorKind::TimedOut)
    /// if the queue stays full for `timeout`.
    ///
    /// It waits in `ppoll(2)`, on the monotonic clock. The kernel's own timeout uses the wall
    /// clock, which can be set.
    #[doc(alias = "mq_timedsend")]
    pub fn send_timeout(&self, message: &[u8], priority: u32, timeout: Duration) -> Result<()> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLOUT)];
        wait::attempt_until(timeout, &ready, || {
            retry(|| posix_mq::try_send(self.fd.as_fd(), message, priority))
        })
        .map_err(|e| self.send_error(e, message.len(), priority))
    }

    /// `mq_receive(3)`: receives the oldest message of the highest priority, blocking while the
    /// queue is empty. Returns its length and priority.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if the buffer is shorter than the queue's [message
    ///   size](Queue::message_size), however short the message; no message is received;
    /// * [`Empty`](ErrorKind::Empty) only if the queue is [non-blocking](Options::nonblocking).
    #[inline]
    #[doc(alias = "mq_receive")]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<(usize, u32)> {
        retry(|| posix_mq::receive(self.fd.as_fd(), buffer)).map_err(|e| self.recv_error(e, buffer.len()))
    }

    /// `mq_timedreceive(3)`: [`recv`](Queue::recv) that fails with [`Empty`](ErrorKind::Empty)
    /// instead of blocking.
    #[doc(alias = "mq_timedreceive")]
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<(usize, u32)> {
        retry(|| posix_mq::try_receive(self.fd.as_fd(), buffer)).map_err(|e| self.recv_error(e, buffer.len()))
    }

    /// `mq_timedreceive(3)`: [`recv`](Queue::recv) that fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if no message arrives within `timeout`.
    ///
    /// It waits as [`send_timeout`](Queue::send_timeout) does. A receiver that blocks in a plain
    /// [`recv`](Queue::recv) is served first.
    #[doc(alias = "mq_timedreceive")]
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<(usize, u32)> {
        let ready = [(self.fd.as_fd(), PollFlags::POLLIN)];
        let length = buffer.len();
        wait::attempt_until(timeout, &ready, || retry(|| posix_mq::try_receive(self.fd.as_fd(), buffer)))
            .map_err(|e| self.recv_error(e, length))
    }

    /// [`recv`](Queue::recv) into a new [`Message`].
    pub fn recv_message(&self) -> Result<Message> {
        self.message(|buffer| self.recv(buffer))
    }

    /// [`try_recv`](Queue::try_recv) into a new [`Message`].
    pub fn try_recv_message(&self) -> Result<Message> {
        self.message(|buffer| self.try_recv(buffer))
    }

    /// [`recv_timeout`](Queue::recv_timeout) into a new [`Message`].
    pub fn recv_message_timeout(&self, timeout: Duration) -> Result<Message> {
        self.message(|buffer| self.recv_timeout(buffer, timeout))
    }

    fn message(&self, receive: impl FnOnce(&mut [u8]) -> Result<(usize, u32)>) -> Result<Message> {
        let mut bytes = vec![0; self.message_size];
        let (length, priority) = receive(&mut bytes)?;
        bytes.truncate(length);
        Ok(Message { bytes, priority })
    }

    /// Returns an iterator that receives without blocking, at most as many messages as the queue
    /// has now. It ends earlier if the queue is empty.
    ///
    /// A message that arrives meanwhile can be among them, in place of one that stays in the queue.
    /// So an end does *not* mean that the queue is empty: before waiting for a
    /// [notification](Queue::notify_signal), receive until [`Empty`](ErrorKind::Empty).
    pub fn drain(&self) -> Drain<'_> {
        Drain { queue: self, left: self.attributes().map(|found| found.messages) }
    }

    /// Returns the maximum size of a message, which is the minimum size of a [receive](Queue::recv)
    /// buffer.
    #[inline]
    pub fn message_size(&self) -> usize {
        self.message_size
    }

    /// `mq_getattr(3)`: returns the sizes and the number of messages. The number may already be
    /// stale.
    #[doc(alias = "mq_getattr")]
    pub fn attributes(&self) -> Result<Attributes> {
        Attributes::read(self.fd.as_fd()).map_err(|e| Error::from_errno(GETATTR, e).with_object(self.name()))
    }

    /// `mq_setattr(3)`: sets or clears `O_NONBLOCK` for all processes that share this descriptor;
    /// see [`Options::nonblocking`].
    #[doc(alias = "mq_setattr")]
    pub fn set_nonblocking(&self, yes: bool) -> Result<()> {
        posix_mq::set_nonblocking(self.fd.as_fd(), yes)
            .map_err(|e| Error::from_errno("mq_setattr", e).with_object(self.name()))
    }

    /// Returns whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.name.as_ref().is_some_and(Name::removes_on_drop)
    }

    pub(super) fn name(&self) -> Option<&Arc<str>> {
        self.shown.as_ref()
    }

    #[cold]
    fn send_error(&self, errno: Errno, length: usize, priority: u32) -> Error {
        let error = Error::from_send_errno(SEND, errno).with_object(self.name());
        match errno {
            Errno::EMSGSIZE => error.with_limit(limit("the queue's message size", self.message_size, length)),
            Errno::EINVAL => error.with_limit(limit(
                "the highest priority",
                super::PRIORITIES as usize - 1,
                priority as usize,
            )),
            Errno::EBADF => wrong_direction(error),
            Errno::ENOMEM => error.with_limit(limits::available_memory(length)),
            _ => error,
        }
    }

    #[cold]
    fn recv_error(&self, errno: Errno, buffer_len: usize) -> Error {
        let error = Error::from_recv_errno(RECEIVE, errno).with_object(self.name());
        match errno {
            Errno::EMSGSIZE => error
                .with_kind(ErrorKind::Invalid)
                .with_limit(limit("the buffer", buffer_len, self.message_size))
                .with_hint("pass a buffer of Queue::message_size bytes"),
            Errno::EBADF => wrong_direction(error),
            _ => error,
        }
    }
}

fn limit(name: &'static str, value: usize, requested: usize) -> Option<Limit> {
    Some(Limit { name, value: value as u64, requested: Some(requested as u64) })
}

/// Explains `EBADF`: the descriptor is open, but for the other direction only.
fn wrong_direction(error: Error) -> Error {
    error.with_kind(ErrorKind::PermissionDenied).with_hint("open the queue for both directions")
}

impl AsFd for Queue {
    /// For `poll(2)`: readable while the queue has a message, writable while it has room.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Extracts the descriptor. The name stays, even with [`remove_on_drop`](Options::remove_on_drop).
impl From<Queue> for OwnedFd {
    fn from(queue: Queue) -> Self {
        if let Some(mut name) = queue.name {
            name.keep();
        }
        queue.fd
    }
}

/// Adopts a descriptor that was inherited, or received over a socket.
///
/// # Errors
///
/// [`WrongType`](ErrorKind::WrongType) if it is not the descriptor of a queue. It is then closed.
impl TryFrom<OwnedFd> for Queue {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        match Attributes::read(fd.as_fd()) {
            Ok(found) => Ok(Queue::assemble(fd, None, None, found.message_size)),
            Err(e) => Err(Error::from_errno(GETATTR, e).with_kind(ErrorKind::WrongType)),
        }
    }
}
