//! POSIX message queues: messages with priorities, under a name (mq_overview(7)).
//!
//! # When to use it
//!
//! For jobs or events of at most a few kilobytes that have to be kept until somebody takes them, urgent ones first,
//! when producers and consumers come and go independently. The descriptor can be polled beside sockets and timers.
//!
//! # When not
//!
//! * Large messages or long queues: the kernel charges a full queue to the user when it is made, and allows an
//!   unprivileged one 10 messages of 8 KiB in a queue and 800 KiB in all, unless the system is set up otherwise. A
//!   [`fifo`](crate::fifo) or a [`socket`](crate::socket) takes more.
//! * You have to know that the other side lives: use [`socket::seqpacket`](crate::socket::seqpacket). A queue tells
//!   nothing.
//! * Answers to several clients over one queue: each client takes whatever comes first. Give each a queue of its own,
//!   or use [`queue::sysv`](super::sysv), where messages have an address.
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
//! // Somebody else, usually another process, who knows nothing but the name:
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
//! * **Order.** The highest priority first, and the oldest of those. Each message goes to one receiver, whole.
//! * **Waiting.** Plain calls wait in the kernel. The `try_` forms are timed calls whose deadline has passed long ago,
//!   so `O_NONBLOCK`, which other processes may share, is left alone. The `_timeout` forms try first and then wait in
//!   `ppoll(2)` on the monotonic clock, because `mq_timedsend(3)` counts on the wall clock, which can be set; so a
//!   plain call that waits is served before them.
//! * **The name** is one for the whole IPC namespace, `/` and up to 255 bytes without another slash, with owner and
//!   mode (0600 unless set, less the umask). It outlives every process, messages included, until it is
//!   [unlinked](Queue::unlink) or the machine stops. An unlinked queue lives on for those who have it open. Where the
//!   `mqueue` file system is mounted, usually at `/dev/mqueue`, `ls` and `rm` work on the names.
//! * **Sizes** are fixed when the queue is made: opening one that exists takes its sizes as they are
//!   ([`Queue::attributes`]). A buffer to receive into must have room for the largest message that the queue allows,
//!   not just for the one that comes.
//! * **Stale at once:** [`Attributes::messages`]. **Relied upon:** what a `try_` call did.
//! * **Notification** ([`Queue::notify_signal`], [`Queue::notify_descriptor`]) is given once per registration, to one
//!   process per queue, when a message comes into the *empty* queue and no receiver is blocked in a plain call, which
//!   would take the message instead. It ends with the process, and when the process closes *any* descriptor of that
//!   queue.
//! * **Fork** gives the child the handle: the same queue, not a copy. Only the creating process removes the name on
//!   drop, and only the registered process is notified. **Exec** closes the descriptor. **Death** closes it too; what
//!   was sent stays, and the name also with [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `ENOENT` | [`open`](Queue::open), [`unlink`](Queue::unlink) | [`NotFound`](crate::ErrorKind::NotFound) | no such queue in this IPC namespace | create it |
//! | `EEXIST` | [`create_new`](Queue::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the name is taken | [`open`](Queue::open) it, or take another |
//! | none | creating, opening, unlinking | [`InvalidName`](crate::ErrorKind::InvalidName) | no slash in front, another one, a NUL byte, or over 255 bytes | rename it |
//! | `EACCES` | creating, opening, unlinking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the queue's owner and mode do not allow it | check them; open [one direction](Options::send_only) only |
//! | `EINVAL` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | above `msg_max` or `msgsize_max`; the error names which | ask for less, or raise it |
//! | `EINVAL` | creating | [`Invalid`](crate::ErrorKind::Invalid) | a capacity or message size of 0 | ask for 1 at least |
//! | `EMFILE` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `RLIMIT_MSGQUEUE`, over all queues of the user, or `RLIMIT_NOFILE`; the error names which | unlink what is not needed, ask for less, or raise it |
//! | `ENFILE` | creating, opening | [`LimitReached`](crate::ErrorKind::LimitReached) | the system's file table is full | close some |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `queues_max`, over the whole namespace | unlink some, or raise it |
//! | `EAGAIN` | sending | [`Full`](crate::ErrorKind::Full) | no room, and the call may not wait (the kernel may call it `ETIMEDOUT`) | wait for `POLLOUT`, or drop the message |
//! | `EAGAIN` | receiving | [`Empty`](crate::ErrorKind::Empty) | nothing there, and the call may not wait (the kernel may call it `ETIMEDOUT`) | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | no room or no message in time | try again or give up |
//! | `EMSGSIZE` | sending | [`TooLarge`](crate::ErrorKind::TooLarge) | longer than the queue's message size; nothing was sent | send it in parts, or make another queue |
//! | `EMSGSIZE` | receiving | [`Invalid`](crate::ErrorKind::Invalid) | the buffer is shorter than the message size; nothing was taken | use [`Queue::message_size`] |
//! | `EINVAL` | sending | [`Invalid`](crate::ErrorKind::Invalid) | the priority is not below [`PRIORITIES`] | use a lower one |
//! | `EBADF` | sending, receiving | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the handle was opened for the other direction | open it for both |
//! | `EBADF` | `Queue::try_from` | [`WrongType`](crate::ErrorKind::WrongType) | the descriptor leads to no queue | find out who passed it |
//! | `EBUSY` | notification | [`InUse`](crate::ErrorKind::InUse) | somebody is registered already | poll the queue instead |
//! | `EIDRM` | [`NotificationFd`] | [`Removed`](crate::ErrorKind::Removed) | the process closed a descriptor of the queue, which ended the registration | [register again](NotificationFd::rearm) |
//!
//! Sources: [mq_overview(7)], [mq_open(3)], [mq_send(3)], [mq_receive(3)], [mq_getattr(3)], [mq_notify(3)],
//! [mq_unlink(3)], [getrlimit(2)].
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

/// How many priorities there are: 0 is the lowest and 32767 the highest (mq_overview(7), `MQ_PRIO_MAX`).
#[doc(alias = "MQ_PRIO_MAX")]
pub const PRIORITIES: u32 = 32_768;
