//! How long a call may wait. This distinguishes `op`, `try_op` and `op_timeout`.

use std::time::Duration;

use crate::channel::endpoint::Endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::ring::TryResult;
use crate::channel::tuning::MAX_REPLY_WAIT;
use crate::error::{ErrorKind, Result};
use crate::time::Deadline;

/// How long a call may wait.
pub(crate) trait Patience: Copy {
    /// The patience of several calls that share one time limit.
    type Started: Patience;

    /// The patience of a wait for space that a conforming peer has promised.
    type ForReply: Patience;

    /// Starts the shared time limit.
    fn start(self) -> Self::Started;

    /// Returns the patience of a wait for promised space.
    fn for_reply(self) -> Self::ForReply;

    /// Repeats `attempt` until it returns a result or the patience ends.
    fn finish<R>(
        self,
        endpoint: &mut Endpoint,
        attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R>;
}

/// Waits without a limit.
#[derive(Clone, Copy)]
pub(crate) struct Forever;

/// Does not wait.
#[derive(Clone, Copy)]
pub(crate) struct Never;

/// Waits for at most this time. The clock is read only if the call has to wait.
#[derive(Clone, Copy)]
pub(crate) struct Within(pub(crate) Duration);

/// Waits for space that a conforming peer has promised. If there is none in time, the shared state
/// is invalid.
#[derive(Clone, Copy)]
pub(crate) struct MaxReplyWait;

impl Patience for Forever {
    type Started = Forever;
    type ForReply = MaxReplyWait;

    fn start(self) -> Forever {
        self
    }

    fn for_reply(self) -> MaxReplyWait {
        MaxReplyWait
    }

    #[inline]
    fn finish<R>(
        self,
        endpoint: &mut Endpoint,
        attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R> {
        endpoint.wait(Deadline::NEVER, attempt, recover)
    }
}

impl Patience for Never {
    type Started = Never;
    type ForReply = Never;

    fn start(self) -> Never {
        self
    }

    fn for_reply(self) -> Never {
        self
    }

    #[inline]
    fn finish<R>(
        self,
        endpoint: &mut Endpoint,
        attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R> {
        endpoint.finish_try(attempt, recover)
    }
}

impl Patience for Within {
    type Started = Deadline;
    type ForReply = Within;

    fn start(self) -> Deadline {
        Deadline::after(self.0)
    }

    fn for_reply(self) -> Within {
        self
    }

    #[inline]
    fn finish<R>(
        self,
        endpoint: &mut Endpoint,
        attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R> {
        endpoint.wait(Deadline::after(self.0), attempt, recover)
    }
}

impl Patience for Deadline {
    type Started = Deadline;
    type ForReply = Deadline;

    fn start(self) -> Deadline {
        self
    }

    fn for_reply(self) -> Deadline {
        self
    }

    #[inline]
    fn finish<R>(
        self,
        endpoint: &mut Endpoint,
        attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R> {
        endpoint.wait(self, attempt, recover)
    }
}

impl Patience for MaxReplyWait {
    type Started = MaxReplyWait;
    type ForReply = MaxReplyWait;

    fn start(self) -> MaxReplyWait {
        self
    }

    fn for_reply(self) -> MaxReplyWait {
        self
    }

    #[inline]
    fn finish<R>(
        self,
        endpoint: &mut Endpoint,
        attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R> {
        let found = endpoint.wait(Deadline::after(MAX_REPLY_WAIT), attempt, recover);
        found.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => endpoint.corrupted(),
            _ => error,
        })
    }
}
