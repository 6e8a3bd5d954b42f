//! How long a call may wait: the difference between `op`, `try_op` and `op_timeout`.

use std::time::Duration;

use crate::channel::endpoint::Endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::ring::TryResult;
use crate::error::Result;
use crate::time::Deadline;

/// How long a call may wait.
pub(crate) trait Patience: Copy {
    /// The same for several calls that share one time limit.
    type Started: Patience;

    /// Starts the time limit.
    fn start(self) -> Self::Started;

    /// Attempts again until there is a result or the patience is over.
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

/// Waits for this long. The clock is read only if there is something to wait for.
#[derive(Clone, Copy)]
pub(crate) struct Within(pub(crate) Duration);

impl Patience for Forever {
    type Started = Forever;

    fn start(self) -> Forever {
        self
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

    fn start(self) -> Never {
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

    fn start(self) -> Deadline {
        Deadline::after(self.0)
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

    fn start(self) -> Deadline {
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
