//! Unix sockets: connections and datagrams between processes of one machine (unix(7)).
//!
//! # When to use them
//!
//! * For a server and its clients, and for two-way communication with a child.
//! * To pass an open file to another process, or to know the peer's identity. No other kernel
//!   mechanism does both.
//! * When in doubt: they close when a process dies, they apply back-pressure, and every event loop
//!   supports them.
//!
//! | type | what it carries | ends when the peer is gone | use it for |
//! |---|---|---|---|
//! | [`seqpacket`] | records, both ways, over a connection | yes | messages: the first choice |
//! | [`stream`] | bytes, both ways, over a connection | yes | byte streams, and protocols that exist already |
//! | [`datagram`] | records, from many senders to one receiver | no | logs and notices without an answer |
//!
//! Each has a `pair()`, connected from the start, for a process and its children. Unrelated
//! processes meet at an [`Address`]; [`Options`] sets the properties of its file.
//!
//! # When not
//!
//! * Bytes one way: a [`pipe`](crate::pipe) costs less.
//! * Many small messages at high rates between two processes that trust each other: each message
//!   costs two system calls and two copies. Batches ([`Records`]) reduce the calls. Shared memory
//!   needs neither calls nor copies.
//! * Another machine: Unix sockets are local.
//!
//! # Example
//!
//! ```
//! use std::thread;
//! use ipcraft::name;
//! use ipcraft::socket::{Options, seqpacket::Connection};
//!
//! let path = name::unique_path("greeter");
//! let listener = Options::new().reclaim_stale(true).remove_on_drop(true).listen_seqpacket(&path)?;
//!
//! let server = thread::spawn(move || -> ipcraft::Result<()> {
//!     let client = listener.accept()?;
//!     let mut buffer = [0; 64];
//!     while let Some(length) = client.recv(&mut buffer)? {
//!         client.send(&[b"hello, ", &buffer[..length]].concat())?;
//!     }
//!     Ok(())
//! });
//!
//! let client = Connection::connect(&path)?;
//! client.send(b"world")?;
//! let mut buffer = [0; 64];
//! let length = client.recv(&mut buffer)?.expect("an answer");
//! assert_eq!(&buffer[..length], b"hello, world");
//! drop(client); // the server receives the end of the stream
//! server.join().unwrap()?;
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! [`Ancillary`] transfers descriptors and credentials beside the bytes. [`Records`] transfers
//! several records per system call.
//!
//! # Contract
//!
//! * **Order.** Messages of one sender arrive in the order of sending. None is lost or duplicated
//!   while both ends are open.
//! * **Records** arrive whole or not at all. A record longer than the receiver's buffer is an error
//!   with its true length, and its rest is lost. `pending_length` returns the length beforehand.
//!   The kernel alone would cut it without an error.
//! * **Errors after the kernel delivered.** [`Error::transferred`](crate::Error::transferred)
//!   returns how many bytes a failed receive left in the buffer. Without that number nothing was
//!   taken, and the call can be repeated.
//! * **An empty record** is a record, and is distinguished from the end of the stream.
//! * **Back-pressure.** A sender blocks while its send buffer is full. That is `SO_SNDBUF`, 208 KiB
//!   by default, including the kernel's bookkeeping: some 280 records of one byte. A datagram
//!   sender also blocks while a bound receiver has `/proc/sys/net/unix/max_dgram_qlen` unread
//!   datagrams (default 10). `SO_RCVBUF` has no effect on Unix sockets.
//! * **The peer closes.** A connection first delivers what the peer sent, and then ends. If the
//!   peer closed *before it read everything*, receiving fails once with
//!   [`Disconnected`](crate::ErrorKind::Disconnected) (`ECONNRESET`): on a stream after the data
//!   that the peer sent, on a seqpacket connection before it. Sending fails with
//!   [`Disconnected`](crate::ErrorKind::Disconnected) immediately, without `SIGPIPE`. A datagram
//!   socket detects it only when it sends.
//! * **Fork** gives the child the same sockets: the stream ends when every copy is closed. **Exec**
//!   closes them. **Death**, by `SIGKILL` too, closes them and leaves the file of a listener.
//! * **Files.** A handle removes only the file that it made, and only with
//!   [`remove_on_drop`](Options::remove_on_drop). [`unlink`] removes by path. Before Linux 6.6
//!   without /proc, a file that takes the path during the bind itself counts as the handle's own.
//! * **Identity.** `peer_credentials` returns the process that *created* the other end;
//!   [`Incoming::credentials`] the process that *sent* the message. The kernel guarantees both.
//!   Trust a path only if all users that may write its directory are trusted. An abstract name
//!   belongs to the first process that takes it.
//! * **Signals.** Interrupted calls are retried; callers never see `EINTR`.
//! * **Adopting a descriptor.** `From<OwnedFd>` accepts any descriptor, and a wrong one fails at
//!   the first call. Listeners and [`seqpacket::Connection`] have `TryFrom<OwnedFd>`, which checks
//!   the type. Other processes may share the socket, so its flags stay as they are. Only
//!   [`seqpacket::Connection`] and its listener set `SO_PASSCRED`, on which they depend.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | sending | [`Full`](crate::ErrorKind::Full) | no room, and the call may not block | wait for `POLLOUT`, or drop data |
//! | `EAGAIN` | connecting | [`Full`](crate::ErrorKind::Full) | the listener's queue is full, and the call may not block | retry later, or raise the [backlog](Options::backlog) |
//! | `EAGAIN` | receiving, accepting | [`Empty`](crate::ErrorKind::Empty) | nothing is queued, and the call may not block | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout`, reclaiming | [`TimedOut`](crate::ErrorKind::TimedOut) | nothing was transferred in time; or another process kept the directory locked | retry or stop |
//! | `EPIPE`, `ECONNRESET` | sending | [`Disconnected`](crate::ErrorKind::Disconnected) | the peer closed, or one side was shut down | stop sending |
//! | `ECONNRESET` | receiving | [`Disconnected`](crate::ErrorKind::Disconnected) | the peer closed and left data unread, or never accepted | connect again; the unread data is lost |
//! | `ECONNREFUSED`, `ENOTCONN` | sending datagrams to a peer | [`Disconnected`](crate::ErrorKind::Disconnected) | the peer closed; the second errno follows the first | connect again |
//! | `ECONNREFUSED` | connecting, `send_to` | [`Refused`](crate::ErrorKind::Refused) | the file exists, but its socket is closed or does not listen | start the server; [reclaim](Options::reclaim_stale) as the server |
//! | `ENOENT`, `ENOTDIR` | connecting, binding, `send_to` | [`NotFound`](crate::ErrorKind::NotFound) | no such path | check the name |
//! | `EACCES` | connecting, binding, `send_to` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | no write permission on the socket's file, or on the directory to bind in | see [`Options::exact_mode`] |
//! | `EPERM` | `send_to`, datagram `connect` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | that socket is connected to another | only its peer may send to it |
//! | `EPERM` | [`Outgoing`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | false credentials; or the receiver accepts no descriptors (`SO_PASSRIGHTS`) | send the true ones; send none |
//! | `EPROTOTYPE` | connecting | [`WrongType`](crate::ErrorKind::WrongType) | the socket there has another type | connect with the right one |
//! | `EADDRINUSE` | binding | [`InUse`](crate::ErrorKind::InUse) | the path exists, or the abstract name is taken; with `reclaim_stale`: by a live socket | another name; or [reclaim](Options::reclaim_stale) |
//! | none | reclaiming, [`take_over`](Options::take_over), [`unlink`] | [`WrongType`](crate::ErrorKind::WrongType) | the file at the path is not a socket; it is left alone | check the name |
//! | none | any with an address | [`InvalidName`](crate::ErrorKind::InvalidName) | empty, or with a NUL byte; or longer than 107 bytes without /proc, as an abstract name, or as the last name to bind | see [`Address`] |
//! | none | binding | [`Invalid`](crate::ErrorKind::Invalid) | a mode beyond 0o777 | write it in octal |
//! | `ENOSYS` | [`exact_mode`](Options::exact_mode) | [`Unsupported`](crate::ErrorKind::Unsupported) | Linux before 6.6 without /proc | mount /proc |
//! | `ENOTCONN` | `send`, `peer_address`, … | [`NotConnected`](crate::ErrorKind::NotConnected) | never connected | `connect`, or `send_to` |
//! | `EMSGSIZE` | sending records | [`TooLarge`](crate::ErrorKind::TooLarge) | longer than the send buffer less 32 bytes | split it, or `set_send_buffer` |
//! | none | receiving records | [`Truncated`](crate::ErrorKind::Truncated) | longer than the buffer; the [limit](crate::Error::limit) has the length | use a larger buffer |
//! | `EMFILE`, `ENFILE` | creating, binding, accepting, receiving descriptors | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full; received bytes are in the buffer | close some, or raise `RLIMIT_NOFILE` |
//! | `ETOOMANYREFS` | sending descriptors | [`LimitReached`](crate::ErrorKind::LimitReached) | the user has more than `RLIMIT_NOFILE` descriptors in transit | let the receivers receive |
//! | none | sending descriptors | [`LimitReached`](crate::ErrorKind::LimitReached) | more than 253 in one message | send several messages |
//! | none | sending descriptors | [`Invalid`](crate::ErrorKind::Invalid) | a message without a byte, on a stream: the kernel would drop the descriptors without an error | add a byte |
//! | none | receiving descriptors | [`TooLarge`](crate::ErrorKind::TooLarge) | more arrived than `max`; all were closed, the bytes are in the buffer | raise `max`, or distrust the sender |
//! | none | receiving descriptors | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | a security module withheld one; all were closed, the bytes are in the buffer | check its policy |
//! | `ENOPROTOOPT` | pidfds | [`Unsupported`](crate::ErrorKind::Unsupported) | Linux before 6.5 | use the credentials |
//! | none | [`Outgoing::to`] | [`Invalid`](crate::ErrorKind::Invalid) | the socket is a connection | send without an address |
//! | `ENOTSOCK` | adopting, and any call | [`WrongType`](crate::ErrorKind::WrongType) | the adopted descriptor is not a socket | pass the right one |
//! | none | adopting a listener or seqpacket socket | [`WrongType`](crate::ErrorKind::WrongType) | the socket has another type, or does not listen | pass the right one |
//! | none | `try_accept`, `accept_timeout` | [`Invalid`](crate::ErrorKind::Invalid) | the open file of an adopted listener blocks | [`set_nonblocking`](stream::Listener::set_nonblocking) |
//! | `EINVAL` | reading | [`Invalid`](crate::ErrorKind::Invalid) | the adopted stream socket has no connection | connect it first |
//!
//! Sources: [unix(7)], [socket(7)], [socketpair(2)], [connect(2)], [bind(2)], [accept4(2)],
//! [send(2)], [recv(2)], [sendmmsg(2)], [recvmmsg(2)], [cmsg(3)].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [unix(7)]: https://man7.org/linux/man-pages/man7/unix.7.html
//! [socket(7)]: https://man7.org/linux/man-pages/man7/socket.7.html
//! [socketpair(2)]: https://man7.org/linux/man-pages/man2/socketpair.2.html
//! [connect(2)]: https://man7.org/linux/man-pages/man2/connect.2.html
//! [bind(2)]: https://man7.org/linux/man-pages/man2/bind.2.html
//! [accept4(2)]: https://man7.org/linux/man-pages/man2/accept4.2.html
//! [send(2)]: https://man7.org/linux/man-pages/man2/send.2.html
//! [recv(2)]: https://man7.org/linux/man-pages/man2/recv.2.html
//! [sendmmsg(2)]: https://man7.org/linux/man-pages/man2/sendmmsg.2.html
//! [recvmmsg(2)]: https://man7.org/linux/man-pages/man2/recvmmsg.2.html
//! [cmsg(3)]: https://man7.org/linux/man-pages/man3/cmsg.3.html

mod address;
mod adopt;
mod ancillary;
mod batch;
mod bind;
mod bound_file;
mod core;
mod create;
mod credentials;
pub mod datagram;
mod incoming;
mod listener;
mod options;
mod outgoing;
mod reclaim;
mod record;
mod sealed;
pub mod seqpacket;
pub mod stream;
mod transfer;
mod unlink;

pub use address::Address;
pub use ancillary::Ancillary;
pub use batch::{Batch, MAX_BATCH, Records};
pub use credentials::Credentials;
pub use incoming::Incoming;
pub use options::Options;
pub use outgoing::Outgoing;
pub use unlink::unlink;
