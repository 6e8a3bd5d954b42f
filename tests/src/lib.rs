//! Shared pieces of the tests that cross modules: a second process, a single-step harness, a
//! watchdog, a leak check.
//!
//! Every test here talks to a real second process, and leaves nothing behind: no process,
//! descriptor or file.

pub mod c;
pub mod channel_kind;
pub mod control_group;
pub mod corrupting_peer;
pub mod crash_sweep;
pub mod eintr_storm;
pub mod event_loop;
pub mod in_processes;
pub mod ipc;
pub mod kernel;
pub mod leak;
pub mod namespace;
pub mod old_kernel;
pub mod raw_clone;
pub mod scratch;
pub mod shared_value;
pub mod subject;
pub mod suite;
pub mod survivors;
pub mod time;
pub mod user;
pub mod watchdog;

/// A second process that plays a role in a test.
pub mod peer {
    pub use ipcraft_step::{Child as Peer, kill_all};
}

pub use ipcraft_step as step;

#[cfg(doctest)]
mod compile_fail;

/// The examples in the documents, run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../../docs/benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../../docs/errors.md")]
    struct Errors;
    #[doc = include_str!("../../docs/safety.md")]
    struct Safety;
    #[doc = include_str!("../../docs/tool.md")]
    struct Tool;
}
