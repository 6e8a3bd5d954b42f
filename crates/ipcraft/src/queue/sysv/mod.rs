//! System V message queues: messages with types, in a queue identified by a number (sysvipc(7),
//! msgop(2)).
//!
//! # When to use it
//!
//! For a queue with several receivers, in which each message is for one of them. A receiver takes
//! the messages of its type, in order, and leaves the others. Also for programs that already use
//! System V queues.
//!
//! # When not
//!
//! * Polling or exact timeouts are needed: there is no descriptor, and the kernel has no timed
//!   calls. Use [`queue::posix`](super::posix).
//! * The death of the peer must be noticed: use [`socket::seqpacket`](crate::socket::seqpacket).
//! * Messages above 8 KiB, or more than 16 KiB queued, unless the system is configured for it.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use ipcraft::queue::sysv::{Options, Queue, Selector};
//! use ipcraft::sysv::Key;
//!
//! let queue = Options::new().remove_on_drop(true).create_new(Key::PRIVATE)?;
//!
//! // Another handle, usually in another process that received the identifier:
//! let sender = Queue::from_id(queue.id())?;
//! sender.send(1, b"for number one")?;
//! sender.send(2, b"for number two")?;
//!
//! let mut buffer = [0; 64];
//! let (length, kind) = queue.recv_timeout(Selector::Type(2), &mut buffer, Duration::from_secs(5))?;
//! assert_eq!((&buffer[..length], kind), (&b"for number two"[..], 2));
//! assert_eq!(queue.recv_message(Selector::First)?.bytes, b"for number one");
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **Order.** By age, among the messages that the receiver's [`Selector`] matches. Each message
//!   goes to one receiver, whole.
//! * **Capacity.** A queue holds up to [`max_bytes`](Statistics::max_bytes) bytes in all, and at
//!   most that number of messages, so empty ones cannot exhaust the memory. A message longer than
//!   the limit is [`TooLarge`](crate::ErrorKind::TooLarge) in every form. Only a plain
//!   [`send`](Queue::send) that blocks already when the limit sinks stays blocked.
//! * **Blocking.** Plain calls block in the kernel, which has no timed calls. The `_timeout` forms
//!   poll at growing intervals of at most 5 ms. Each poll is one system call, the result may be
//!   late by one interval, and plain calls may overtake it.
//! * **Copying.** The kernel expects type and contents in one piece of memory. So each message is
//!   copied once more, on the stack (on the heap above 8 KiB). No byte is sent that the caller did
//!   not pass.
//! * **The key** is unique in the IPC namespace; see [`Key`](crate::sysv::Key). The queue has an
//!   owner and a mode (0600 by default; the umask does not apply). Queue and messages persist until
//!   the queue is [removed](Queue::remove) or the machine stops. `ipcs -q` lists it, `ipcrm`
//!   removes it.
//! * **Removal** is immediate and affects every process: messages are lost, and blocked and later
//!   calls fail with [`Removed`](crate::ErrorKind::Removed).
//! * **Possibly stale:** [`Statistics`], [`Usage`]. **Reliable:** the result of a `try_` call.
//! * **Fork** and **exec** have no effect: there is no descriptor, and the identifier is valid in
//!   every process. Only the creating process removes the queue on drop. **Death** leaves the queue
//!   and its messages, even with [`remove_on_drop`](Options::remove_on_drop).
//! * **Identifiers** are given out again after some million queues. A removal therefore compares
//!   the key first, and on drop also creator and IPC namespace.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EIDRM` | blocking | [`Removed`](crate::ErrorKind::Removed) | the queue was removed while the call blocked | stop, or create it again |
//! | `EINVAL` | everything | [`Removed`](crate::ErrorKind::Removed) | the queue was removed earlier | stop, or create it again |
//! | `EIDRM` | [`remove`](Queue::remove) | [`Removed`](crate::ErrorKind::Removed) | the queue was removed, and the identifier is another queue's | leave that one alone |
//! | `EINVAL`, `EIDRM` | [`from_id`](Queue::from_id) | [`NotFound`](crate::ErrorKind::NotFound) | no queue has this identifier | obtain it again |
//! | `ENOENT` | [`open`](Queue::open) | [`NotFound`](crate::ErrorKind::NotFound) | no queue has the key | create it |
//! | `EEXIST` | [`create_new`](Queue::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the key is taken | [`open`](Queue::open) it, or use another key |
//! | none | [`open`](Queue::open) | [`Invalid`](crate::ErrorKind::Invalid) | `Key::PRIVATE` identifies no queue | pass the identifier |
//! | `EACCES` | sending, receiving, statistics | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | not permitted by the queue's mode | check owner and mode |
//! | `EPERM` | [`remove`](Queue::remove), `set_…` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the caller is neither owner nor creator | act as one of them |
//! | `EPERM` | [`change`](Queue::change), `set_…` | [`LimitReached`](crate::ErrorKind::LimitReached) | above `msgmnb` | ask for less, or raise it |
//! | none, `EINVAL` | creating, [`change`](Queue::change), `set_…` | [`Invalid`](crate::ErrorKind::Invalid) | a mode beyond 0o777, or an id that this user namespace does not map | write the mode in octal; map the id |
//! | `EAGAIN` | [`try_send`](Queue::try_send) | [`Full`](crate::ErrorKind::Full) | the queue is full and the call may not block | wait, or drop the message |
//! | `ENOMSG` | [`try_recv`](Queue::try_recv), [`copy`](Queue::copy) | [`Empty`](crate::ErrorKind::Empty) | no such message, and the call may not block | retry later |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | no room or no such message in time | retry or abort |
//! | `EINVAL` | sending | [`TooLarge`](crate::ErrorKind::TooLarge) | above `msgmax`; nothing was sent | send it in parts |
//! | `EAGAIN` | sending | [`TooLarge`](crate::ErrorKind::TooLarge) | above the queue's `max_bytes`, so that it never fits; nothing was sent | send it in parts, or [raise the limit](Queue::set_max_bytes) |
//! | `E2BIG` | receiving | [`TooLarge`](crate::ErrorKind::TooLarge) | longer than the buffer; the message stays | use a longer one, or [`recv_truncated`](Queue::recv_truncated) |
//! | `EINVAL` | sending, receiving | [`Invalid`](crate::ErrorKind::Invalid) | a type below 1 | use a positive type |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `msgmni` queues exist | remove some, or raise it |
//! | `ENOMEM` | creating, sending | [`LimitReached`](crate::ErrorKind::LimitReached) | out of memory | free some |
//! | `ENOSYS` | [`copy`](Queue::copy) | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel was built without `CONFIG_CHECKPOINT_RESTORE` | use [`recv`](Queue::recv) |
//!
//! Sources: [sysvipc(7)], [msgget(2)], [msgop(2)], [msgctl(2)], [ftok(3)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [sysvipc(7)]: https://man7.org/linux/man-pages/man7/sysvipc.7.html
//! [msgget(2)]: https://man7.org/linux/man-pages/man2/msgget.2.html
//! [msgop(2)]: https://man7.org/linux/man-pages/man2/msgop.2.html
//! [msgctl(2)]: https://man7.org/linux/man-pages/man2/msgctl.2.html
//! [ftok(3)]: https://man7.org/linux/man-pages/man3/ftok.3.html

mod changes;
mod control;
mod handle;
mod options;
mod selector;
mod statistics;

pub use changes::Changes;
pub use handle::{Message, Queue};
pub use options::Options;
pub use selector::Selector;
pub use statistics::{Statistics, Usage, list, usage};
