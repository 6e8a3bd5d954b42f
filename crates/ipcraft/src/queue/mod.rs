//! Message queues: records in a kernel object that outlives the processes that use it.
//!
//! Both kinds keep whole messages in the kernel until a receiver takes them, even if the sender has
//! exited. Neither has connections, so neither reports a peer's death. They differ in how a
//! receiver selects messages:
//!
//! | | [`posix`] | [`sysv`] |
//! |---|---|---|
//! | identified by | a name such as `/jobs` | a number, often derived from a file |
//! | order | priority, then age | age, or by the message's type: [`Selector`](sysv::Selector) |
//! | `poll(2)` | yes, and a signal or descriptor for the first message | no |
//! | timed waits | as exact as the kernel's timers | by polling every 0.1 to 5 ms |
//! | default capacity | 10 messages of 8 KiB | 16 KiB, in messages of up to 8 KiB |
//! | after removal | works on for processes that have it open | fails immediately for every process |
//!
//! Use [`posix`] unless receivers select messages by type, or an existing program uses System V
//! queues. Between connected processes, a [`socket::seqpacket`](crate::socket::seqpacket) pair also
//! reports when the peer is gone.

pub mod posix;
pub mod sysv;
