//! The queue, and sending and receiving.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::{Options, Selector, options};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::backoff::Backoff;
use crate::support::{limits, wait};
use crate::sys::sysv_msg;
use crate::sysv::{Key, RemoveOnDrop};
use crate::time::Deadline;

const SEND: &str = "msgsnd";
const RECEIVE: &str = "msgrcv";

const NOWAIT: libc::c_int = libc::IPC_NOWAIT;
const TRUNCATE: libc::c_int = libc::MSG_NOERROR;

/// A System V message queue.
///
/// Holds its identifier only: the kernel knows no open queues. Calls take `&self`: threads, and other processes with
/// handles of their own, may send and receive at once, and each message goes to one receiver. Dropping it leaves the
/// queue, unless [`Options::remove_on_drop`] was asked for.
#[derive(Debug)]
pub struct Queue {
    id: i32,
    name: Arc<str>,
    removal: Option<RemoveOnDrop>,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What was sent.
    pub bytes: Vec<u8>,
    /// The type that it was sent with.
    pub kind: i64,
}

impl Queue {
    pub(super) fn new(id: i32, name: Arc<str>, removal: Option<RemoveOnDrop>) -> Self {
        Queue { id, name, removal }
    }

    /// `msgget(2)`: makes the queue with mode 0600, or takes the one that has the key; see [`Options::create`].
    #[doc(alias = "msgget")]
    pub fn create(key: Key) -> Result<Queue> {
        Options::new().create(key)
    }

    /// `msgget(2)`: makes the queue with mode 0600, and fails if the key is taken; see [`Options::create_new`].
    #[doc(alias = "msgget")]
    pub fn create_new(key: Key) -> Result<Queue> {
        Options::new().create_new(key)
    }

    /// `msgget(2)`: takes the queue that has the key.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none, [`Invalid`](ErrorKind::Invalid) for [`Key::PRIVATE`].
    #[doc(alias = "msgget")]
    pub fn open(key: Key) -> Result<Queue> {
        options::open(key)
    }

    /// `msgctl(2)` with `IPC_STAT`: takes the queue that has this identifier, which somebody has passed on.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn from_id(id: i32) -> Result<Queue> {
        options::from_id(id)
    }

    /// The identifier, by which every process of the IPC namespace can reach the queue if its mode allows it.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// `msgsnd(2)`: adds a message of this type, and waits while the queue is full.
    ///
    /// The type is 1 or more. An empty message is a message. A queue is full when this message would bring it above its
    /// [`max_bytes`](super::Statistics::max_bytes); one that is longer than that waits for ever.
    ///
    /// # Errors
    ///
    /// [`Removed`](ErrorKind::Removed) if the queue is gone, or goes while the call waits;
    /// [`TooLarge`](ErrorKind::TooLarge) above `/proc/sys/kernel/msgmax`; [`Invalid`](ErrorKind::Invalid) if the type
    /// is not positive.
    #[inline]
    #[doc(alias = "msgsnd")]
    pub fn send(&self, kind: i64, message: &[u8]) -> Result<()> {
        sysv_msg::send(self.id, kind, message, 0).map_err(|e| self.unsent(e, kind, message.len()))
    }

    /// `msgsnd(2)` with `IPC_NOWAIT`: [`send`](Queue::send) that fails with [`Full`](ErrorKind::Full) instead of
    /// waiting.
    #[doc(alias = "IPC_NOWAIT")]
    pub fn try_send(&self, kind: i64, message: &[u8]) -> Result<()> {
        sysv_msg::send(self.id, kind, message, NOWAIT).map_err(|e| self.unsent(e, kind, message.len()))
    }

    /// [`send`](Queue::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no room within `timeout`.
    ///
    /// The kernel has no such call: this one looks again after 0.1 ms, 0.2 ms and so on to every 5 ms, each time with
    /// one system call, and may be that late. Plain calls may overtake it.
    pub fn send_timeout(&self, kind: i64, message: &[u8], timeout: Duration) -> Result<()> {
        look_again(timeout, || sysv_msg::send(self.id, kind, message, NOWAIT))
            .map_err(|e| self.unsent(e, kind, message.len()))
    }

    /// `msgrcv(2)`: takes the message that `which` selects and returns its length and type; waits until there is one.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge), and the message stays, if it is longer than the buffer;
    /// [`Removed`](ErrorKind::Removed) if the queue is gone, or goes while the call waits;
    /// [`Invalid`](ErrorKind::Invalid) if the selector's type is not positive.
    #[inline]
    #[doc(alias = "msgrcv")]
    pub fn recv(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.take(which, buffer, 0).map_err(|e| self.unreceived(e, which, buffer.len()))
    }

    /// `msgrcv(2)` with `IPC_NOWAIT`: [`recv`](Queue::recv) that fails with [`Empty`](ErrorKind::Empty) instead
    /// of waiting.
    #[doc(alias = "IPC_NOWAIT")]
    pub fn try_recv(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.take(which, buffer, NOWAIT).map_err(|e| self.unreceived(e, which, buffer.len()))
    }

    /// [`recv`](Queue::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no such message
    /// within `timeout`.
    ///
    /// It looks again and again, as [`send_timeout`](Queue::send_timeout) does, at the same cost.
    pub fn recv_timeout(
        &self,
        which: Selector,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<(usize, i64)> {
        look_again(timeout, || self.take(which, buffer, NOWAIT))
            .map_err(|e| self.unreceived(e, which, buffer.len()))
    }

    /// `msgrcv(2)` with `MSG_NOERROR`: [`recv`](Queue::recv) that cuts a message which is longer than the
    /// buffer. The rest is lost, and nothing tells that there was one.
    #[doc(alias = "MSG_NOERROR")]
    pub fn recv_truncated(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.take(which, buffer, TRUNCATE).map_err(|e| self.unreceived(e, which, buffer.len()))
    }

    /// `msgrcv(2)` with `MSG_NOERROR | IPC_NOWAIT`: [`recv_truncated`](Queue::recv_truncated) that fails with
    /// [`Empty`](ErrorKind::Empty) instead of waiting.
    #[doc(alias = "MSG_NOERROR")]
    pub fn try_recv_truncated(&self, which: Selector, buffer: &mut [u8]) -> Result<(usize, i64)> {
        self.take(which, buffer, TRUNCATE | NOWAIT).map_err(|e| self.unreceived(e, which, buffer.len()))
    }

    /// [`recv_truncated`](Queue::recv_truncated) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no such
    /// message within `timeout`.
    pub fn recv_truncated_timeout(
        &self,
        which: Selector,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<(usize, i64)> {
        look_again(timeout, || self.take(which, buffer, TRUNCATE | NOWAIT))
            .map_err(|e| self.unreceived(e, which, buffer.len()))
    }

    /// `msgrcv(2)` with `MSG_COPY`: copies the message at this position, counted from the oldest, which is 0, and
    /// leaves it there. Never waits.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) if fewer messages are in the queue, [`TooLarge`](ErrorKind::TooLarge) if it is
    /// longer than the buffer, [`Unsupported`](ErrorKind::Unsupported) if the kernel was built without
    /// `CONFIG_CHECKPOINT_RESTORE`.
    #[doc(alias = "MSG_COPY")]
    pub fn copy(&self, position: usize, buffer: &mut [u8]) -> Result<(usize, i64)> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        sysv_msg::receive(self.id, buffer, position, sysv_msg::COPY | NOWAIT)
            .map_err(|e| self.unreceived(e, Selector::First, buffer.len()))
    }

    /// [`recv`](Queue::recv) into memory of its own.
    pub fn recv_message(&self, which: Selector) -> Result<Message> {
        fit(|buffer| self.recv(which, buffer))
    }

    /// [`try_recv`](Queue::try_recv) into memory of its own.
    pub fn try_recv_message(&self, which: Selector) -> Result<Message> {
        fit(|buffer| self.try_recv(which, buffer))
    }

    /// [`recv_timeout`](Queue::recv_timeout) into memory of its own.
    pub fn recv_message_timeout(&self, which: Selector, timeout: Duration) -> Result<Message> {
        fit_within(timeout, |buffer, left| self.recv_timeout(which, buffer, left))
    }

    /// `msgctl(2)` with `IPC_RMID`: removes the queue and all messages in it. Every process that waits for it, or uses
    /// it later, gets [`Removed`](ErrorKind::Removed).
    ///
    /// # Errors
    ///
    /// [`Removed`](ErrorKind::Removed) if somebody was faster; [`PermissionDenied`](ErrorKind::PermissionDenied)
    /// unless the caller owns or created it.
    #[doc(alias = "IPC_RMID")]
    pub fn remove(&self) -> Result<()> {
        sysv_msg::remove(self.id).map_err(|e| self.failed("msgctl(IPC_RMID)", e))?;
        if let Some(removal) = &self.removal {
            removal.cancel();
        }
        Ok(())
    }

    /// Whether dropping this handle removes the queue.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.as_ref().is_some_and(RemoveOnDrop::is_armed)
    }

    #[inline]
    fn take(&self, which: Selector, buffer: &mut [u8], flags: libc::c_int) -> nix::Result<(usize, i64)> {
        match which.arguments() {
            Some((kind, except)) => sysv_msg::receive(self.id, buffer, kind, flags | except),
            None => Err(Errno::EINVAL),
        }
    }

    #[cold]
    fn unsent(&self, errno: Errno, kind: i64, length: usize) -> Error {
        match errno {
            Errno::EINVAL if kind < 1 => invalid_type(SEND, errno).with_object(Some(&self.name)),
            Errno::EINVAL => match too_large(length) {
                None => self.failed(SEND, errno),
                limit => self.failed(SEND, errno).with_kind(ErrorKind::TooLarge).with_limit(limit),
            },
            Errno::EAGAIN => self.failed(SEND, errno).with_kind(ErrorKind::Full),
            _ => self.failed(SEND, errno),
        }
    }

    #[cold]
    fn unreceived(&self, errno: Errno, which: Selector, room: usize) -> Error {
        match errno {
            Errno::EINVAL if which.arguments().is_none() => {
                invalid_type(RECEIVE, errno).with_object(Some(&self.name))
            }
            Errno::ENOMSG => self.failed(RECEIVE, errno).with_kind(ErrorKind::Empty),
            Errno::E2BIG => {
                let limit = Limit { name: "the buffer", value: room as u64, requested: None };
                self.failed(RECEIVE, errno)
                    .with_kind(ErrorKind::TooLarge)
                    .with_limit(Some(limit))
                    .with_hint("it is still in the queue")
            }
            _ => self.failed(RECEIVE, errno),
        }
    }

    /// An error of a call whose arguments are valid, so that `EINVAL` is about the identifier.
    #[cold]
    pub(super) fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        let error = Error::from_errno(operation, errno).with_object(Some(&self.name));
        if errno == Errno::EINVAL { error.with_kind(ErrorKind::Removed) } else { error }
    }
}

/// Receives into memory that grows until the message fits.
fn fit(mut receive: impl FnMut(&mut [u8]) -> Result<(usize, i64)>) -> Result<Message> {
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

/// The same, telling each attempt the time that is left: the message that was too long may be another receiver's by
/// now.
fn fit_within(
    timeout: Duration,
    mut receive: impl FnMut(&mut [u8], Duration) -> Result<(usize, i64)>,
) -> Result<Message> {
    let deadline = Deadline::after(timeout);
    fit(|buffer| receive(buffer, deadline.remaining().unwrap_or(Duration::MAX)))
}

/// Repeats an `attempt` that does not wait, at growing intervals.
fn look_again<T>(timeout: Duration, mut attempt: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    let mut backoff = Backoff::new();
    let attempt = || attempt().map_err(|e| if e == Errno::ENOMSG { Errno::EAGAIN } else { e });
    wait::attempt_between(timeout, attempt, |deadline| Ok(backoff.sleep(deadline)))
}

fn invalid_type(operation: &'static str, errno: Errno) -> Error {
    Error::from_errno(operation, errno).with_hint("a type is 1 or more")
}

fn too_large(length: usize) -> Option<Limit> {
    let limit = limits::sysctl("/proc/sys/kernel/msgmax", Some(length as u64));
    limit.filter(|limit| length as u64 > limit.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_with_more_room_share_one_time() {
        let mut attempts = Vec::new();
        let message = fit_within(Duration::from_secs(9), |buffer, left| {
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
        assert_eq!(attempts.iter().map(|(room, _)| *room).collect::<Vec<_>>(), [8192, 16384, 32768]);
        assert!(
            attempts.windows(2).all(|two| two[1].1 <= two[0].1 - Duration::from_millis(2)),
            "{attempts:?}"
        );
    }

    #[test]
    fn an_attempt_may_take_for_ever_if_all_may() {
        let endless = fit_within(Duration::MAX, |_, left| {
            assert_eq!(left, Duration::MAX);
            Ok((0, 1))
        });
        assert_eq!(endless.unwrap().kind, 1);
    }
}
