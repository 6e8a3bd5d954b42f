//! The queue: sending and receiving.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::{Options, Selector, control, options};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::backoff::Backoff;
use crate::support::limits;
use crate::sys::sysv_msg;
use crate::sysv::{Key, Object, advise};
use crate::time::Deadline;

const SEND: &str = "msgsnd";
const RECEIVE: &str = "msgrcv";

const NOWAIT: libc::c_int = libc::IPC_NOWAIT;
const TRUNCATE: libc::c_int = libc::MSG_NOERROR;

/// A System V message queue.
///
/// Holds only the identifier: the kernel has no notion of an open queue. All methods take `&self`:
/// threads, and processes with handles of their own, may send and receive concurrently. Each
/// message goes to one receiver. Dropping the handle leaves the queue, unless
/// [`Options::remove_on_drop`] was set.
#[derive(Debug)]
pub struct Queue {
    object: Object,
    name: Arc<str>,
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The contents.
    pub bytes: Vec<u8>,
    /// The type that the sender chose.
    pub kind: i64,
}

impl Queue {
    pub(super) fn new(object: Object, name: Arc<str>) -> Self {
        Queue { object, name }
    }

    /// `msgget(2)`: opens the queue of this key, or creates it with mode 0600; see
    /// [`Options::create`].
    #[doc(alias = "msgget")]
    pub fn create(key: Key) -> Result<Queue> {
        Options::new().create(key)
    }

    /// `msgget(2)`: creates a queue with mode 0600, and fails if the key is taken; see
    /// [`Options::create_new`].
    #[doc(alias = "msgget")]
    pub fn create_new(key: Key) -> Result<Queue> {
        Options::new().create_new(key)
    }

    /// `msgget(2)`: opens the queue of this key.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no queue has the key;
    /// * [`Invalid`](ErrorKind::Invalid) for [`Key::PRIVATE`], which identifies no queue.
    #[doc(alias = "msgget")]
    pub fn open(key: Key) -> Result<Queue> {
        options::open(key)
    }

    /// `msgctl(2)` with `IPC_STAT`: opens the queue with this identifier, which another process
    /// passed on. Needs no right: each later call asks for its own.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn from_id(id: i32) -> Result<Queue> {
        options::from_id(id)
    }

    /// Returns the identifier, valid in every process of this IPC namespace.
    #[inline]
    pub fn id(&self) -> i32 {
        self.object.id()
    }

    /// Returns the key that it was opened or created with; [`Key::PRIVATE`] for a private queue.
    ///
    /// Returns `None` for a queue that was [opened by its identifier](Queue::from_id) on a kernel
    /// before 4.17 without the right to read it.
    pub fn key(&self) -> Option<Key> {
        self.object.key()
    }

    /// `msgsnd(2)`: sends a message with this type, blocking while the queue is full.
    ///
    /// The type must be positive. A message may be empty. The queue is full if the message would
    /// exceed its [`max_bytes`](super::Statistics::max_bytes). The first attempt does not block, so
    /// that a message which never fits fails. If the limit sinks below the message *while* the call
    /// blocks, it stays blocked; [`send_timeout`](Queue::send_timeout) fails then.
    ///
    /// # Errors
    ///
    /// * [`Removed`](ErrorKind::Removed) if the queue is gone, or removed while the call blocks;
    /// * [`TooLarge`](ErrorKind::TooLarge) above `/proc/sys/kernel/msgmax` or the queue's limit;
    /// * [`Invalid`](ErrorKind::Invalid) if the type is not positive.
    #[inline]
    #[doc(alias = "msgsnd")]
    pub fn send(&self, kind: i64, message: &[u8]) -> Result<()> {
        match sysv_msg::send(self.id(), kind, message, NOWAIT) {
            Err(Errno::EAGAIN) => self.send_to_full(kind, message),
            sent => sent.map_err(|e| self.send_error(e, kind, message.len())),
        }
    }

    #[cold]
    fn send_to_full(&self, kind: i64, message: &[u8]) -> Result<()> {
        self.check_room(message.len())?;
        sysv_msg::send(self.id(), kind, message, 0).map_err(|e| self.send_error(e, kind, message.len()))
    }

    /// `msgsnd(2)` with `IPC_NOWAIT`: [`send`](Queue::send) that fails with
    /// [`Full`](ErrorKind::Full) instead of blocking.
    ///
    /// If the queue is full, a second system call finds out whether the message can ever fit.
    #[doc(alias = "IPC_NOWAIT")]
    pub fn try_send(&self, kind: i64, message: &[u8]) -> Result<()> {
        sysv_msg::send(self.id(), kind, message, NOWAIT).map_err(|e| self.send_error(e, kind, message.len()))
    }

    /// [`send`](Queue::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if the queue stays
    /// full for `timeout`.
    ///
    /// The kernel has no timed call. This one polls after 0.1 ms, 0.2 ms and so on, up to every 5
    /// ms, with one system call each time. It may be late by one such interval, and plain calls may
    /// overtake it.
    pub fn send_timeout(&self, kind: i64, message: &[u8], timeout: Duration) -> Result<()> {
        poll_until(timeout, || match self.try_send(kind, message) {
            Err(e) if e.kind() == ErrorKind::Full => Ok(None),
            sent => sent.map(Some),
        })?
        .ok_or_else(|| self.failed(SEND, Errno::ETIMEDOUT))
    }

    /// `msgrcv(2)`: receives the message that `which` selects, blocking until there is one. Returns
    /// its length and type.
    ///
    /// # Errors
    ///
    /// * [`TooLarge`](ErrorKind::TooLarge) if the message is longer than the buffer; it stays in
    ///   the queue;
    /// * [`Removed`](ErrorKind::Removed) if the queue is gone, or removed while the call blocks;
    /// * [`Invalid`](ErrorKind::Invalid) if the selector's type is not positive.
    #[inline]
    #[doc(alias = "msgrcv")]
    pub fn recv(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.recv_with(which, buffer, 0).map_err(|e| self.recv_error(e, which, buffer.len()))
    }

    /// `msgrcv(2)` with `IPC_NOWAIT`: [`recv`](Queue::recv) that fails with
    /// [`Empty`](ErrorKind::Empty) instead of blocking.
    #[doc(alias = "IPC_NOWAIT")]
    pub fn try_recv(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.recv_with(which, buffer, NOWAIT).map_err(|e| self.recv_error(e, which, buffer.len()))
    }

    /// [`recv`](Queue::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no such message
    /// arrives within `timeout`.
    ///
    /// It polls as [`send_timeout`](Queue::send_timeout) does, at the same cost.
    pub fn recv_timeout(
        &self,
        which: Selector,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<(usize, i64)> {
        self.recv_until(timeout, which, buffer, NOWAIT)
    }

    /// `msgrcv(2)` with `MSG_NOERROR`: [`recv`](Queue::recv) that truncates a message longer than
    /// the buffer. The rest is lost without notice.
    #[doc(alias = "MSG_NOERROR")]
    pub fn recv_truncated(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.recv_with(which, buffer, TRUNCATE).map_err(|e| self.recv_error(e, which, buffer.len()))
    }

    /// `msgrcv(2)` with `MSG_NOERROR | IPC_NOWAIT`: [`recv_truncated`](Queue::recv_truncated) that
    /// fails with [`Empty`](ErrorKind::Empty) instead of blocking.
    #[doc(alias = "MSG_NOERROR")]
    pub fn try_recv_truncated(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.recv_with(which, buffer, TRUNCATE | NOWAIT).map_err(|e| self.recv_error(e, which, buffer.len()))
    }

    /// [`recv_truncated`](Queue::recv_truncated) that fails with [`TimedOut`](ErrorKind::TimedOut)
    /// if no such message arrives within `timeout`.
    pub fn recv_truncated_timeout(
        &self,
        which: Selector,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<(usize, i64)> {
        self.recv_until(timeout, which, buffer, TRUNCATE | NOWAIT)
    }

    /// `msgrcv(2)` with `MSG_COPY`: copies the message at this position without removing it.
    /// Position 0 is the oldest message. Never blocks.
    ///
    /// # Errors
    ///
    /// * [`Empty`](ErrorKind::Empty) if the queue has fewer messages;
    /// * [`TooLarge`](ErrorKind::TooLarge) if the message is longer than the buffer;
    /// * [`Unsupported`](ErrorKind::Unsupported) if the kernel was built without
    ///   `CONFIG_CHECKPOINT_RESTORE`.
    #[doc(alias = "MSG_COPY")]
    pub fn copy(&self, position: usize, buffer: &mut [u8]) -> Result<(usize, i64)> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        sysv_msg::receive(self.id(), buffer, position, sysv_msg::COPY | NOWAIT)
            .map_err(|e| self.recv_error(e, Selector::First, buffer.len()))
    }

    /// [`recv`](Queue::recv) into a new [`Message`].
    pub fn recv_message(&self, which: Selector) -> Result<Message> {
        recv_growing(|buffer| self.recv(which, buffer))
    }

    /// [`try_recv`](Queue::try_recv) into a new [`Message`].
    pub fn try_recv_message(&self, which: Selector) -> Result<Message> {
        recv_growing(|buffer| self.try_recv(which, buffer))
    }

    /// [`recv_timeout`](Queue::recv_timeout) into a new [`Message`].
    pub fn recv_message_timeout(&self, which: Selector, timeout: Duration) -> Result<Message> {
        recv_growing_until(timeout, |buffer, left| self.recv_timeout(which, buffer, left))
    }

    /// `msgctl(2)` with `IPC_RMID`: removes the queue and its messages. Blocked and later calls of
    /// every process fail with [`Removed`](ErrorKind::Removed).
    ///
    /// # Errors
    ///
    /// * [`Removed`](ErrorKind::Removed) if it was already removed;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator.
    ///   The handle stays usable.
    #[doc(alias = "IPC_RMID")]
    pub fn remove(&self) -> Result<()> {
        self.object.remove().map_err(|e| self.failed("msgctl(IPC_RMID)", e))
    }

    /// Returns whether dropping this handle removes the queue.
    pub fn removes_on_drop(&self) -> bool {
        self.object.removes_on_drop()
    }

    #[inline]
    fn recv_with(&self, which: Selector, buffer: &mut [u8], flags: libc::c_int) -> nix::Result<(usize, i64)> {
        match which.arguments() {
            Some((kind, except)) => sysv_msg::receive(self.id(), buffer, kind, flags | except),
            None => Err(Errno::EINVAL),
        }
    }

    fn recv_until(
        &self,
        timeout: Duration,
        which: Selector,
        buffer: &mut [u8],
        flags: libc::c_int,
    ) -> Result<(usize, i64)> {
        poll_until(timeout, || match self.recv_with(which, buffer, flags) {
            Err(Errno::ENOMSG) => Ok(None),
            received => received.map(Some),
        })
        .and_then(|received| received.ok_or(Errno::ETIMEDOUT))
        .map_err(|e| self.recv_error(e, which, buffer.len()))
    }

    /// Fails with [`TooLarge`](ErrorKind::TooLarge) if the queue is full and would be too small even
    /// if it were empty.
    #[cold]
    fn check_room(&self, length: usize) -> Result<()> {
        // Without the limit, the kernel decides.
        let Ok(status) = control::status(self.id()) else { return Ok(()) };
        // An empty message takes up room, too: the limit also bounds the number of messages.
        if length.max(1) as u64 <= status.msg_qbytes {
            return Ok(());
        }
        let limit = Limit {
            name: "the queue's max_bytes",
            value: status.msg_qbytes,
            requested: Some(length.max(1) as u64),
        };
        Err(self
            .failed(SEND, Errno::EAGAIN)
            .with_kind(ErrorKind::TooLarge)
            .with_limit(Some(limit))
            .with_hint("send it in parts, or raise the limit with set_max_bytes"))
    }

    #[cold]
    fn send_error(&self, errno: Errno, kind: i64, length: usize) -> Error {
        match errno {
            Errno::EINVAL if kind < 1 => invalid_type(SEND, errno).with_object(Some(&self.name)),
            Errno::EINVAL => match too_large(length) {
                None => self.failed(SEND, errno),
                limit => self
                    .failed(SEND, errno)
                    .with_kind(ErrorKind::TooLarge)
                    .with_limit(limit)
                    .with_hint("send it in parts, or raise the limit"),
            },
            Errno::EAGAIN => match self.check_room(length) {
                Ok(()) => self.failed(SEND, errno).with_kind(ErrorKind::Full),
                Err(too_large) => too_large,
            },
            Errno::ENOMEM => self.failed(SEND, errno).with_limit(limits::available_memory(length)),
            _ => self.failed(SEND, errno),
        }
    }

    #[cold]
    fn recv_error(&self, errno: Errno, which: Selector, buffer_len: usize) -> Error {
        match errno {
            Errno::EINVAL if which.arguments().is_none() => {
                invalid_type(RECEIVE, errno).with_object(Some(&self.name))
            }
            Errno::ENOMSG => self.failed(RECEIVE, errno).with_kind(ErrorKind::Empty),
            Errno::E2BIG => {
                let limit = Limit { name: "the buffer", value: buffer_len as u64, requested: None };
                self.failed(RECEIVE, errno)
                    .with_kind(ErrorKind::TooLarge)
                    .with_limit(Some(limit))
                    .with_hint("receive it again with a longer buffer")
            }
            _ => self.failed(RECEIVE, errno),
        }
    }

    pub(super) fn named(&self, error: Error) -> Error {
        error.with_object(Some(&self.name))
    }

    /// The error of a call with valid arguments, so that `EINVAL` means a removed queue.
    #[cold]
    pub(super) fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        let error = advise(Error::from_errno(operation, errno).with_object(Some(&self.name)), errno);
        if errno == Errno::EINVAL { error.with_kind(ErrorKind::Removed) } else { error }
    }
}

/// Receives into a buffer that grows until the message fits.
fn recv_growing(mut receive: impl FnMut(&mut [u8]) -> Result<(usize, i64)>) -> Result<Message> {
    let mut bytes = vec![0; sysv_msg::INLINE];
    loop {
        match receive(&mut bytes) {
            Ok((length, kind)) => {
                bytes.truncate(length);
                return Ok(Message { bytes, kind });
            }
            Err(e) if e.kind() == ErrorKind::TooLarge => bytes.resize(bytes.len() * 2, 0),
            Err(e) => return Err(e),
        }
    }
}

/// Like [`recv_growing`], with one deadline for all attempts: another receiver may have taken the
/// long message in the meantime.
fn recv_growing_until(
    timeout: Duration,
    mut receive: impl FnMut(&mut [u8], Duration) -> Result<(usize, i64)>,
) -> Result<Message> {
    let deadline = Deadline::after(timeout);
    recv_growing(|buffer| receive(buffer, deadline.remaining().unwrap_or(Duration::MAX)))
}

/// Repeats a non-blocking `attempt` at growing intervals while it returns `None`. The first attempt
/// precedes any reading of the clock, and the last one follows the deadline.
fn poll_until<T, E>(
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    if let Some(done) = attempt()? {
        return Ok(Some(done));
    }
    let (deadline, mut backoff) = (Deadline::after(timeout), Backoff::new());
    while backoff.sleep(deadline) {
        if let Some(done) = attempt()? {
            return Ok(Some(done));
        }
    }
    Ok(None)
}

fn invalid_type(operation: &'static str, errno: Errno) -> Error {
    Error::from_errno(operation, errno).with_hint("use a type of at least 1")
}

fn too_large(length: usize) -> Option<Limit> {
    let limit = limits::sysctl("/proc/sys/kernel/msgmax", Some(length as u64));
    limit.filter(|limit| length as u64 > limit.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_with_growing_buffer_share_one_deadline() {
        let mut attempts = Vec::new();
        let message = recv_growing_until(Duration::from_secs(9), |buffer, left| {
            attempts.push((buffer.len(), left));
            std::thread::sleep(Duration::from_millis(2));
            if buffer.len() < 30_000 {
                Err(Error::from_errno(RECEIVE, Errno::E2BIG).with_kind(ErrorKind::TooLarge))
            } else {
                Ok((3, 7))
            }
        })
        .unwrap();
        assert_eq!((message.bytes.len(), message.kind), (3, 7));
        assert_eq!(attempts.iter().map(|(length, _)| *length).collect::<Vec<_>>(), [8192, 16384, 32768]);
        assert!(
            attempts.windows(2).all(|two| two[1].1 <= two[0].1 - Duration::from_millis(2)),
            "{attempts:?}"
        );
    }

    #[test]
    fn attempt_of_unlimited_call_has_no_deadline() {
        let endless = recv_growing_until(Duration::MAX, |_, left| {
            assert_eq!(left, Duration::MAX);
            Ok((0, 1))
        });
        assert_eq!(endless.unwrap().kind, 1);
    }
}
