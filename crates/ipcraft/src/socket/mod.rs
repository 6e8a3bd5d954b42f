//! Unix sockets: connections and datagrams between any processes of one machine (unix(7)).
//!
//! # When to use them
//!
//! For a server and its clients; for two-way talk with a child; for anything that has to hand over an open file, or to
//! know who is at the other end: no other mechanism of the kernel does either. And whenever in doubt: they close when
//! a process dies, they push back when the receiver is slow, and every event loop knows them.
//!
//! | type | what goes through it | ends when the peer is gone | use it for |
//! |---|---|---|---|
//! | [`seqpacket`] | records, both ways, over a connection | yes | messages: the first choice |
//! | [`stream`] | bytes, both ways, over a connection | yes | byte streams, and protocols that exist already |
//! | [`datagram`] | records, from many senders to one receiver | no | logs and notices, where nobody answers |
//!
//! Each has a `pair()`, connected from the start, for a process and its children; and an [`Address`], where unrelated
//! processes meet, with [`Options`] for the file that it is.
//!
//! # When not
//!
//! * Bytes one way: a [`pipe`](crate::pipe) costs less.
//! * Many small messages at high rates between two processes that trust each other: each message costs two system calls
//!   and two copies. Batches ([`Records`]) help; shared memory needs neither.
//! * Another machine: these sockets end at this one.
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
//! drop(client); // which the server sees as the end
//! server.join().unwrap()?;
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! Descriptors and credentials beside the bytes: [`Ancillary`]. Several records per system call: [`Records`].
//!
//! # Contract
//!
//! * **Order.** What one sender sends arrives in that order, and nothing is lost or doubled while both ends live.
//! * **Records** arrive whole or not at all. One that is longer than the receiver's buffer is an error with its true
//!   length, and its rest is gone; `pending_length` asks beforehand. The kernel alone would cut it and say nothing.
//! * **An empty record** is a record, and is told from the end of the stream.
//! * **Back-pressure.** A sender waits while its send buffer is full (`SO_SNDBUF`, 208 KiB unless set, counted with
//!   the kernel's bookkeeping: some 280 records of one byte), or, for datagrams to a bound socket, while the receiver
//!   has as many unread as `/proc/sys/net/unix/max_dgram_qlen` says (10 unless raised). `SO_RCVBUF` has no effect on
//!   Unix sockets.
//! * **The peer closes.** A connection delivers what was sent before and then ends. But if the peer closed *without
//!   having read all* that it was sent, receiving is [`Disconnected`](crate::ErrorKind::Disconnected) once
//!   (`ECONNRESET`): on a stream after what the peer had sent, on a seqpacket connection before it. Sending is
//!   [`Disconnected`](crate::ErrorKind::Disconnected) at once, with no `SIGPIPE`. A datagram socket notices only when
//!   it sends.
//! * **Fork** gives the child the same sockets: the end comes when every copy is closed. **Exec** closes them.
//!   **Death**, by `SIGKILL` too, closes them and lets the file of a listener stay.
//! * **Who is there.** `peer_credentials` tells who *made* the other end; [`Incoming::credentials`] who *sent* this
//!   message. Both are the kernel's word. A path is as safe as its directory; an abstract name belongs to whoever took
//!   it first.
//! * **Signals** never show. A `connect` that one interrupts has not begun, so it is made again.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | sending | [`Full`](crate::ErrorKind::Full) | no room, and the call may not wait | wait for `POLLOUT`, or drop data |
//! | `EAGAIN` | connecting | [`Full`](crate::ErrorKind::Full) | the listener's queue is full, and the call may not wait | try later, or raise the [backlog](Options::backlog) |
//! | `EAGAIN` | receiving, accepting | [`Empty`](crate::ErrorKind::Empty) | nothing there, and the call may not wait | wait for `POLLIN` |
//! | `ETIMEDOUT` | `…_timeout`, reclaiming | [`TimedOut`](crate::ErrorKind::TimedOut) | nothing was transferred in time; or another process kept the directory locked | try again or give up |
//! | `EPIPE`, `ECONNRESET` | sending | [`Disconnected`](crate::ErrorKind::Disconnected) | the peer closed, or one side was shut down | stop sending |
//! | `ECONNRESET` | receiving | [`Disconnected`](crate::ErrorKind::Disconnected) | the peer closed and left data unread, or never accepted | what it did not read is lost; connect again |
//! | `ECONNREFUSED`, `ENOTCONN` | sending datagrams to a peer | [`Disconnected`](crate::ErrorKind::Disconnected) | the peer closed (the second, from then on) | connect again |
//! | `ECONNREFUSED` | connecting, `send_to` | [`Refused`](crate::ErrorKind::Refused) | a file is there, and no live socket; or one that does not listen | start the server; [reclaim](Options::reclaim_stale) as the server |
//! | `ENOENT`, `ENOTDIR` | connecting, binding, `send_to` | [`NotFound`](crate::ErrorKind::NotFound) | no such path | check the name |
//! | `EACCES` | connecting, binding, `send_to` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | no write permission on the socket's file, or on the directory to bind in | see [`Options::mode`] |
//! | `EPERM` | `send_to`, datagram `connect` | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | that socket is connected to another | only its peer may send to it |
//! | `EPERM` | [`Outgoing`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | false credentials; or the receiver takes no descriptors (`SO_PASSRIGHTS`) | send the true ones; send none |
//! | `EPROTOTYPE` | connecting | [`WrongType`](crate::ErrorKind::WrongType) | the socket there is of another type | connect with the right one |
//! | `EADDRINUSE` | binding | [`InUse`](crate::ErrorKind::InUse) | the path exists, or the abstract name is taken; with `reclaim_stale`: by a live socket | another name; or [reclaim](Options::reclaim_stale) |
//! | none | reclaiming | [`WrongType`](crate::ErrorKind::WrongType) | what is at the path is not a socket | it is left alone: check the name |
//! | none | any with an address | [`InvalidName`](crate::ErrorKind::InvalidName) | longer than 107 bytes, empty, or with a NUL byte | see [`Address`] |
//! | `ENOTCONN` | `send`, `peer_address`, … | [`NotConnected`](crate::ErrorKind::NotConnected) | never connected | `connect`, or `send_to` |
//! | `EMSGSIZE` | sending records | [`TooLarge`](crate::ErrorKind::TooLarge) | longer than the send buffer less 32 bytes | split it, or `set_send_buffer` |
//! | none | receiving records | [`Truncated`](crate::ErrorKind::Truncated) | longer than the buffer; the [limit](crate::Error::limit) tells how long | a larger buffer |
//! | `EMFILE`, `ENFILE` | creating, accepting, receiving descriptors | [`LimitReached`](crate::ErrorKind::LimitReached) | descriptor table full | close some, or raise `RLIMIT_NOFILE` |
//! | `ETOOMANYREFS` | sending descriptors | [`LimitReached`](crate::ErrorKind::LimitReached) | the user has more than `RLIMIT_NOFILE` descriptors on their way | let the receivers receive |
//! | none | sending descriptors | [`LimitReached`](crate::ErrorKind::LimitReached) | more than 253 in one message | send several messages |
//! | none | sending descriptors | [`Invalid`](crate::ErrorKind::Invalid) | no byte to go with them, on a stream: the kernel would drop them in silence | send a byte |
//! | none | receiving descriptors | [`TooLarge`](crate::ErrorKind::TooLarge) | more came than wanted; all were closed | ask for more, or distrust the sender |
//! | none | receiving descriptors | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | a security module kept one back; all were closed | check its policy |
//! | `ENOPROTOOPT` | pidfds | [`Unsupported`](crate::ErrorKind::Unsupported) | Linux before 6.5 | use the credentials |
//! | none | [`Outgoing::to`] | [`Invalid`](crate::ErrorKind::Invalid) | the socket is a connection | send without |
//! | `ENOTSOCK` | any | [`WrongType`](crate::ErrorKind::WrongType) | a descriptor that was converted is no socket | convert the other one |
//! | `EINVAL`, `EOPNOTSUPP` | accepting, receiving | [`Invalid`](crate::ErrorKind::Invalid), [`Unsupported`](crate::ErrorKind::Unsupported) | … is a socket that does not listen, or has no connection | convert the other one |
//!
//! Sources: [unix(7)], [socket(7)], [socketpair(2)], [connect(2)], [bind(2)], [accept4(2)], [send(2)], [recv(2)],
//! [sendmmsg(2)], [recvmmsg(2)], [cmsg(3)].
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
mod ancillary;
mod batch;
mod connection;
mod credentials;
pub mod datagram;
mod incoming;
mod listener;
mod options;
mod outgoing;
mod properties;
mod reclaim;
mod record;
mod sealed;
pub mod seqpacket;
pub mod stream;
mod transfer;

pub use address::Address;
pub use ancillary::Ancillary;
pub use batch::{Batch, MAX_BATCH, Records};
pub use credentials::Credentials;
pub use incoming::Incoming;
pub use options::Options;
pub use outgoing::Outgoing;
