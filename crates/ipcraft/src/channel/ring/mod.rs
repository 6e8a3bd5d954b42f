//! The rings: logic over memory that others write, which waits for nothing and knows no process.

pub(crate) mod backoff;
pub(crate) mod broadcast;
pub(crate) mod bytes;
pub(crate) mod cursors;
pub(crate) mod mpmc;
pub(crate) mod newest;
pub(crate) mod pending;
pub(crate) mod record;
pub(crate) mod reply;
pub(crate) mod seqlock;
pub(crate) mod spsc;

/// The shared state is not one that this library writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// Result of one attempt: `None` if it would have to wait.
pub(crate) type TryResult<R> = Result<Option<R>, Corrupt>;
