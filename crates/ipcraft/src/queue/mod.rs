//! Message queues: records in a kernel object that outlives the processes which use it.
//!
//! Both kinds keep messages whole, in the kernel, until somebody receives them, whether or not the sender still runs.
//! Neither has a connection: nobody is told that the other side has died. They differ in how a receiver chooses:
//!
//! | | [`posix`] | [`sysv`] |
//! |---|---|---|
//! | named by | a name such as `/jobs` | a number, often made from a file |
//! | order | priority, then age | age, or by the message's type: [`Selector`](sysv::Selector) |
//! | poll | yes, and a signal or descriptor for the first message | no |
//! | timed waits | as exact as the kernel's timers | by looking again every 0.1 to 5 ms |
//! | default room | 10 messages of 8 KiB | 16 KiB, in messages of up to 8 KiB |
//! | a removed queue | goes on for those who have it open | is an error for everybody, at once |
//!
//! Take [`posix`] unless types as addresses are what you need, or an existing program speaks System V. Between
//! processes that are connected anyway, a [`socket::seqpacket`](crate::socket::seqpacket) pair also tells when the
//! peer is gone.

pub mod posix;
pub mod sysv;
