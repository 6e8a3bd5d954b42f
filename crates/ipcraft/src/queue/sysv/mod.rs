//! System V message queues: messages with types, under a number (sysvipc(7), msgop(2)).
//!
//! # When to use it
//!
//! When one queue serves several receivers and each message is for one of them: a receiver takes the messages of its
//! own type, in order, and leaves the others. And to talk to programs that use System V queues already.
//!
//! # When not
//!
//! * You want to poll, or exact timeouts: there is no descriptor, and the kernel has no timed calls. Use
//!   [`queue::posix`](super::posix).
//! * You have to know that the other side lives: use [`socket::seqpacket`](crate::socket::seqpacket). A queue tells
//!   nothing.
//! * Messages above 8 KiB, or more than 16 KiB waiting, unless the system is set up for it.
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
//! // Somebody else, usually another process, who was told the identifier:
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
//! * **Order.** By age, among the messages that the receiver's [`Selector`] allows. Each message goes to one receiver,
//!   whole.
//! * **Room.** A queue takes messages up to [`max_bytes`](Statistics::max_bytes) bytes in all, and as many messages as
//!   that number, so empty ones cannot fill the memory. A message that is longer than the queue has room for in all is
//!   never taken: [`send`](Queue::send) waits for ever.
//! * **Waiting.** Plain calls wait in the kernel. The `_timeout` forms look again at growing intervals of at most 5
//!   ms, since the kernel has no timed calls: that costs a system call each time, may be some 5 ms late, and may be
//!   overtaken by plain calls.
//! * **Copying.** The kernel wants a message's type and bytes in one piece. Each message is copied once more for that,
//!   over the stack (over the heap above 8 KiB). No byte is sent that the caller has not given.
//! * **The key** is one for the whole IPC namespace; see [`Key`](crate::sysv::Key). The queue has owner and mode (0600
//!   unless set; the umask has no part in it), and outlives every process, messages included, until it is
//!   [removed](Queue::remove) or the machine stops. `ipcs -q` shows it, `ipcrm` removes it.
//! * **Removal** is at once and for everybody: messages are lost, and who waits or comes later gets
//!   [`Removed`](crate::ErrorKind::Removed).
//! * **Stale at once:** [`Statistics`], [`Usage`]. **Relied upon:** what a `try_` call did.
//! * **Fork** and **exec** matter nothing: there is no descriptor, and the identifier is good in every process; but
//!   only the creating process removes the queue on drop. **Death** leaves the queue and what was sent, also with
//!   [`remove_on_drop`](Options::remove_on_drop).
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EIDRM` | waiting | [`Removed`](crate::ErrorKind::Removed) | the queue was removed while the call waited | stop, or create it again |
//! | `EINVAL` | everything | [`Removed`](crate::ErrorKind::Removed) | the queue was removed before | stop, or create it again |
//! | `EINVAL`, `EIDRM` | [`from_id`](Queue::from_id) | [`NotFound`](crate::ErrorKind::NotFound) | nothing has this identifier | ask for it again |
//! | `ENOENT` | [`open`](Queue::open) | [`NotFound`](crate::ErrorKind::NotFound) | no queue has the key | create it |
//! | `EEXIST` | [`create_new`](Queue::create_new) | [`AlreadyExists`](crate::ErrorKind::AlreadyExists) | the key is taken | [`open`](Queue::open) it, or take another |
//! | none | [`open`](Queue::open) | [`Invalid`](crate::ErrorKind::Invalid) | `Key::PRIVATE` finds nothing | pass the identifier on |
//! | `EACCES` | sending, receiving, statistics | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the queue's mode does not allow it | check owner and mode |
//! | `EPERM` | [`remove`](Queue::remove), `set_…` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | neither owner nor creator | ask the owner |
//! | `EPERM` | [`set_max_bytes`](Queue::set_max_bytes) | [`LimitReached`](crate::ErrorKind::LimitReached) | above `msgmnb` | ask for less, or raise it |
//! | `EAGAIN` | [`try_send`](Queue::try_send) | [`Full`](crate::ErrorKind::Full) | no room, and the call may not wait | wait, or drop the message |
//! | `ENOMSG` | [`try_recv`](Queue::try_recv), [`copy`](Queue::copy) | [`Empty`](crate::ErrorKind::Empty) | no such message, and the call may not wait | try again later |
//! | `ETIMEDOUT` | `…_timeout` | [`TimedOut`](crate::ErrorKind::TimedOut) | no room or no such message in time | try again or give up |
//! | `EINVAL` | sending | [`TooLarge`](crate::ErrorKind::TooLarge) | above `msgmax`; nothing was sent | send it in parts |
//! | `E2BIG` | receiving | [`TooLarge`](crate::ErrorKind::TooLarge) | longer than the buffer; the message stays | use a longer one, or [`recv_truncated`](Queue::recv_truncated) |
//! | `EINVAL` | sending, receiving | [`Invalid`](crate::ErrorKind::Invalid) | a type below 1 | use another |
//! | `ENOSPC` | creating | [`LimitReached`](crate::ErrorKind::LimitReached) | `msgmni` queues exist | remove some, or raise it |
//! | `ENOMEM` | creating, sending | [`LimitReached`](crate::ErrorKind::LimitReached) | no memory | free some |
//! | `ENOSYS` | [`copy`](Queue::copy) | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel was built without `CONFIG_CHECKPOINT_RESTORE` | do without |
//!
//! Sources: [sysvipc(7)], [msgget(2)], [msgop(2)], [msgctl(2)], [ftok(3)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [sysvipc(7)]: https://man7.org/linux/man-pages/man7/sysvipc.7.html
//! [msgget(2)]: https://man7.org/linux/man-pages/man2/msgget.2.html
//! [msgop(2)]: https://man7.org/linux/man-pages/man2/msgop.2.html
//! [msgctl(2)]: https://man7.org/linux/man-pages/man2/msgctl.2.html
//! [ftok(3)]: https://man7.org/linux/man-pages/man3/ftok.3.html

mod control;
mod handle;
mod options;
mod selector;
mod statistics;

pub use handle::{Message, Queue};
pub use options::Options;
pub use selector::Selector;
pub use statistics::{Statistics, Usage, usage};
