//! POSIX message queues: messages with priorities, in a named queue (mq_overview(7)).
//!
//! # When to use it
//!
//! For jobs or events of at most a few kilobytes, received in the order of their priority.
//! Producers and consumers may start and end independently. The descriptor can be polled beside
//! sockets and timers.
//!
//! # When not
//!
//! * Large messages or long queues. The kernel charges a full queue to the user at creation. By
//!   default it allows an unprivileged user 10 messages of 8 KiB per queue and 800 KiB in all. A
//!   [`fifo`](crate::fifo) or a [`socket`](crate::socket) holds more.
//! * The death of the peer must be noticed: use [`socket::seqpacket`](crate::socket::seqpacket).
//! * Replies to several clients over one queue: each client would receive whatever arrives first.
//!   Give each client a queue of its own, or address messages by type with
//!   [`queue::sysv`](super::sysv).
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use ipcraft::{ErrorKind, name, queue::posix};
//!
//! let name = format!("/{}", name::unique("doc-queue"));
//! let options = posix::Options::new().capacity(4).message_size(64).remove_on_drop(true);
//! let consumer = options.create_new(&name)?;
//!
//! // Another handle, usually in another process that knows only the name:
//! let producer = posix::Queue::open(&name)?;
//! producer.send(b"tidy up", 0)?;
//! producer.send(b"fire!", 9)?;
//!
//! let mut buffer = [0; 64];
//! let (length, priority) = consumer.recv_timeout(&mut buffer, Duration::from_secs(5))?;
//! assert_eq!((&buffer[..length], priority), (&b"fire!"[..], 9));
//! assert_eq!(consumer.recv_message()?.bytes, b"tidy up");
//! assert_eq!(consumer.try_recv(&mut buffer).unwrap_err().kind(), ErrorKind::Empty);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Order.** The highest priority first, and the oldest message of that priority. Each message
//!   goes to one receiver, whole.
//! * **Blocking.** Plain calls block in the kernel. The `try_` forms are timed calls with a
//!   deadline in the past, so `O_NONBLOCK`, which other processes may share, stays unchanged. The
//!   `_timeout` forms try first and then wait in `ppoll(2)` on the monotonic clock.
//!   `mq_timedsend(3)` would use the wall clock, which can be set. A blocked plain call is served
//!   before a `_timeout` call.
//! * **The name** is `/` and up to 255 bytes without another slash, UTF-8 or not. It is unique in
//!   the IPC namespace and has an owner and a mode (0600 by default, less the umask unless it is
//!   [exact](Options::exact_mode)). Name and messages
//!   persist until the queue is [unlinked](Queue::unlink) or the machine stops. Processes that have
//!   an unlinked queue open can still use it. If the `mqueue` file system is mounted, usually at
//!   `/dev/mqueue`, `ls` and `rm` work on the names.
//! * **Removal** by a handle, on drop or by [`remove`](Queue::remove), takes the name only while it
//!   leads to the handle's own queue. It needs no free descriptor and no right to open the queue.
//! * **Sizes** are fixed at creation; opening an existing queue accepts its sizes
//!   ([`Queue::attributes`]) unless they are [demanded](Options::exact_sizes). A receive buffer must
//!   hold the largest message that the queue allows, however short the next one is.
//! * **Possibly stale:** [`Attributes::messages`]. **Reliable:** the result of a `try_` call.
//! * **Notification** ([`Queue::notify_signal`], [`Queue::notify_descriptor`]) happens once per
//!   registration, and one process per queue can register. It happens when a message arrives in the
//!   *empty* queue. If a receiver is blocked in a plain call, that receiver takes the message and
//!   no notification happens. A registration ends with its process, and when that process closes
//!   *any* descriptor of the queue.
//! * **Fork** gives the child the handle of the same queue. Only the creating process removes the
//!   name on drop, and only the registered process is notified. **Exec** and **death** close the
//!   descriptor. The messages stay, and so does the name, even with
//!   [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ENOENT` | [`open`](Queue::open), [`unlink`](Queue::unlink) | [`NotFound`](crate::ErrorKind::NotFound) | no such queue in this IPC namespace | create it |
//! | `EEXIST` | [`create_new`](Queue::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | [`open`](Queue::open) it, or use another name |
//! | none | creating, opening, unlinking | [`InvalidName`](crate::ErrorKind::InvalidName) | no leading slash, a second slash, a NUL byte, or over 255 bytes | change it |
//! | none | creating | [`Invalid`](crate::ErrorKind::Invalid) | a mode beyond 0o777 | write it in octal |
//! | none | opening | [`WrongType`](crate::ErrorKind::WrongType) | the queue has other sizes than [demanded](Options::exact_sizes); the error names those found | set them, or use another name |
//! | `EOVERFLOW` | creating | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the user namespace maps no id to this user | map it |
//! | `EIDRM` | [`remove`](Queue::remove) | [`Removed`](crate::ErrorKind::Removed) | the name no longer leads to this queue | leave it |
//! | `ENOMEM` | creating, sending | [`LimitReached`](crate::ErrorKind::LimitReached) | memory is short, in the machine or the control group | free some |
//! | `EACCES` | creating, opening, unlinking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by the queue's owner and mode | check them; open [one direction](Options::send_only) only |
//! | `EINVAL` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | above `msg_max` or `msgsize_max`; the error names which | ask for less, or raise it |
//! | `EINVAL` | creating | [`Invalid`](crate::ErrorKind::Invalid) | a capacity or message size of 0 | ask for at least 1 |
//! | `EMFILE` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_MSGQUEUE`, over all queues of the user, or `RLIMIT_NOFILE`; the error names which | unlink unused queues, ask for less, or raise it |
//! | `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | the system's file table is full | close some |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `queues_max`, over the whole namespace | unlink some, or raise it |
//! | `EAGAIN` | sending | [`Full`](crate::ErrorKind::Full) | the queue is full and the call may not block (the kernel may report `ETIMEDOUT`) | wait for `POLLOUT`, or drop the message |
//! | `EAGAIN` | receiving | [`Empty`](crate::ErrorKind::Empty) | the queue is empty and the call may not block (the kernel may report `ETIMEDOUT`) | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | no room or no message in time | retry or abort |
//! | `EMSGSIZE` | sending | [`TooLarge`](crate::ErrorKind::TooLarge) | longer than the queue's message size; nothing was sent | send it in parts, or create another queue |
//! | `EMSGSIZE` | receiving | [`Invalid`](crate::ErrorKind::Invalid) | the buffer is shorter than the message size; nothing was received | use [`Queue::message_size`] |
//! | `EINVAL` | sending | [`Invalid`](crate::ErrorKind::Invalid) | the priority is not below [`PRIORITIES`] | use a lower one |
//! | `EBADF` | sending, receiving | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the handle was opened for the other direction | open it for both |
//! | `EBADF` | `Queue::try_from` | [`WrongType`](crate::ErrorKind::WrongType) | not the descriptor of a queue | find out which process passed it |
//! | `EBUSY` | notification | [`InUse`](crate::ErrorKind::InUse) | another handle or process is registered | poll the queue instead |
//! | `EIDRM` | [`NotificationFd`] | [`Removed`](crate::ErrorKind::Removed) | the process closed a descriptor of the queue, which ended the registration | [register again](NotificationFd::rearm) |
//!
//! Sources: [mq_overview(7)], [mq_open(3)], [mq_send(3)], [mq_receive(3)], [mq_getattr(3)],
//! [mq_notify(3)], [mq_unlink(3)], [getrlimit(2)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [mq_overview(7)]: https://man7.org/linux/man-pages/man7/mq_overview.7.html
//! [mq_open(3)]: https://man7.org/linux/man-pages/man3/mq_open.3.html
//! [mq_send(3)]: https://man7.org/linux/man-pages/man3/mq_send.3.html
//! [mq_receive(3)]: https://man7.org/linux/man-pages/man3/mq_receive.3.html
//! [mq_getattr(3)]: https://man7.org/linux/man-pages/man3/mq_getattr.3.html
//! [mq_notify(3)]: https://man7.org/linux/man-pages/man3/mq_notify.3.html
//! [mq_unlink(3)]: https://man7.org/linux/man-pages/man3/mq_unlink.3.html
//! [getrlimit(2)]: https://man7.org/linux/man-pages/man2/getrlimit.2.html

mod attributes;
mod handle;
mod limits;
mod message;
mod notification;
mod options;
mod removal;

pub use attributes::Attributes;
pub use handle::Queue;
pub use message::{Drain, Message};
pub use notification::{Notification, NotificationFd};
pub use options::Options;

/// Number of priorities: 0 is the lowest and 32767 the highest (mq_overview(7), `MQ_PRIO_MAX`).
#[doc(alias = "MQ_PRIO_MAX")]
pub const PRIORITIES: u32 = 32_768;
