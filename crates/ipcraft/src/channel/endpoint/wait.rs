//! Waiting: spin, then block.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::yield_now;
use std::time::Duration;

use super::lease::Lease;
use super::{Endpoint, Role};
use crate::channel::WaitStrategy;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::control::SideState;
use crate::channel::shared::counters::count;
use crate::channel::shared::doorbell::{Doorbell, Waiters};
use crate::channel::tuning::{
    ACTIVE_LIVENESS_INTERVAL, LIVENESS_INTERVAL, SPIN_LIMIT, SPIN_LIMIT_OVERSUBSCRIBED, SPIN_ROUND_ESTIMATE,
    SPINS_PER_CLOCK_READ,
};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::cpu;
use crate::time::{self, Deadline};

impl Endpoint {
    /// Ends a call that found nothing and must not wait: returns the reason.
    ///
    /// This is the common case in a polling loop. So it neither reads the clock nor clones the
    /// channel's name.
    pub(crate) fn finish_try<R>(
        &mut self,
        mut attempt: impl FnMut() -> TryResult<R>,
        recover: impl FnMut(&Lease),
    ) -> Result<R> {
        if self.polls_until_check > 0 && self.any_closed.get().is_none() && !self.peer_status_changed() {
            self.polls_until_check -= 1;
            return Err(self.would_block());
        }
        let now = time::now_coarse();
        self.polls_until_check = self.poll_pace.grant(now);
        if self.take_any_closed() {
            self.expire_checks();
        }
        if !self.check_disconnected(now, ACTIVE_LIVENESS_INTERVAL, recover)? {
            return Err(self.would_block());
        }
        // A peer that left may have sent something before.
        match if self.role == Role::Receiver { attempt() } else { Ok(None) } {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(self.error(ErrorKind::Disconnected)),
            Err(Corrupt) => Err(self.corrupted()),
        }
    }

    #[cold]
    fn would_block(&self) -> Error {
        match self.role {
            Role::Sender => Error::new("send", ErrorKind::Full),
            Role::Receiver => Error::new("recv", ErrorKind::Empty),
        }
    }

    /// Attempts until there is a result, the deadline has passed, or the peers have left; and
    /// then once more.
    ///
    /// `recover` runs whenever the leases of the peers are checked.
    #[inline]
    pub(crate) fn wait<R>(
        &mut self,
        deadline: Deadline,
        mut attempt: impl FnMut() -> TryResult<R>,
        mut recover: impl FnMut(&Lease),
    ) -> Result<R> {
        // Some come here without having tried.
        if let Some(result) = attempt().map_err(|Corrupt| self.corrupted())? {
            return Ok(result);
        }
        let polls = match self.waiting {
            WaitStrategy::Spin => true,
            WaitStrategy::Block => false,
            WaitStrategy::Adaptive => self.spin_limit.is_worthwhile() && !self.same_cpu(),
        };
        if polls && let Some(result) = self.spin_poll(&mut attempt)? {
            return Ok(result);
        }
        self.wait_slow(deadline, &mut attempt, &mut recover)
    }

    #[inline(never)]
    pub(super) fn wait_slow<R>(
        &mut self,
        deadline: Deadline,
        attempt: &mut impl FnMut() -> TryResult<R>,
        recover: &mut impl FnMut(&Lease),
    ) -> Result<R> {
        count(&self.counters().waits, 1);
        let began = time::now();
        let (mut now, mut rounds, mut slept) = (began, 0, false);
        let budget = self.spin_limit.budget();
        let oversubscribed = self.oversubscribed();
        self.publish_cpu();
        loop {
            // A call that gives up reports a death that it can know of.
            let late = deadline.has_passed_at(now);
            let max_age = if late { ACTIVE_LIVENESS_INTERVAL } else { LIVENESS_INTERVAL };
            let last = self.check_disconnected(now, max_age, &mut *recover)? || late;
            if self.disconnected && self.role == Role::Sender {
                return Err(self.error(ErrorKind::Disconnected));
            }
            let spins = match self.waiting {
                WaitStrategy::Spin => true,
                WaitStrategy::Block => false,
                WaitStrategy::Adaptive if oversubscribed => {
                    // Another thread that gets the core may keep it beyond the deadline.
                    SPIN_ROUND_ESTIMATE * rounds <= budget.min(SPIN_LIMIT)
                        && now - began <= SPIN_LIMIT_OVERSUBSCRIBED
                        && !deadline.has_passed_at(now + SPIN_LIMIT_OVERSUBSCRIBED)
                }
                WaitStrategy::Adaptive => now - began <= budget && !self.same_cpu(),
            };
            let found = if last {
                self.spin_poll(attempt)
            } else if spins {
                if oversubscribed && self.waiting == WaitStrategy::Adaptive {
                    // The thread that has to act first may be waiting for this core.
                    yield_now();
                    rounds += 1;
                }
                self.spin_poll(attempt)
            } else {
                slept = true;
                self.block_once(now, deadline, attempt)
            };
            match found? {
                Some(result) => {
                    self.adapt(began, oversubscribed && !slept);
                    return Ok(result);
                }
                None if !last => {}
                None if self.disconnected => return Err(self.error(ErrorKind::Disconnected)),
                None => return Err(self.error(ErrorKind::TimedOut)),
            }
            now = time::now();
        }
    }

    /// Returns whether there are more endpoints than cores. It is a hint: killed endpoints do
    /// not deregister, and forked children deregister without having registered.
    pub(super) fn oversubscribed(&self) -> bool {
        if self.waiters == (Waiters::One, Waiters::One) {
            return false;
        }
        let control = self.control();
        let there = |side: &SideState, doorbell: &Doorbell| {
            doorbell.status.live_count(side.registrations.load(Relaxed))
        };
        let ends =
            there(&control.senders, &control.space).saturating_add(there(&control.receivers, &control.items));
        ends > cpu::count()
    }

    #[inline]
    pub(super) fn spin_poll<R>(&self, attempt: &mut impl FnMut() -> TryResult<R>) -> Result<Option<R>> {
        for _ in 0..SPINS_PER_CLOCK_READ {
            // First, since there was nothing a moment ago. A poll takes the cache line away from
            // the peer that is about to write.
            spin_loop();
            match attempt() {
                Ok(Some(result)) => return Ok(Some(result)),
                Ok(None) => {}
                Err(Corrupt) => return Err(self.corrupted()),
            }
        }
        Ok(None)
    }

    /// Blocks once, at most until the next liveness check.
    pub(super) fn block_once<R>(
        &mut self,
        now: Duration,
        deadline: Deadline,
        attempt: &mut impl FnMut() -> TryResult<R>,
    ) -> Result<Option<R>> {
        let before = self.last_full_wait.take();
        let doorbell = self.own_doorbell();
        let token = doorbell.prepare_wait(before);
        let (mut last_full_wait, mut wake) = (!token.is_bounded(), None);
        let mut attempt = || attempt().map_err(|Corrupt| self.corrupted());
        let mut found = attempt()?;
        // A peer that left before this endpoint prepared to wait saw no waiter, and woke none.
        self.ring_if_owed();
        if found.is_none() && !self.any_peer_left(self.peer_doorbell().status.load()) {
            // A bounded wait starts here; preparing it may have taken a while.
            let now = if last_full_wait { now } else { time::now() };
            let until = deadline.or_at(if last_full_wait {
                self.last_liveness_check + LIVENESS_INTERVAL
            } else {
                now + token.max_wait()
            });
            count(&self.counters().sleeps, 1);
            doorbell.commit_wait(token, until).map_err(|e| self.wait_failed(e))?;
            last_full_wait |= until != deadline;
            found = attempt()?;
            if self.waiting == WaitStrategy::Adaptive {
                let awake = time::now();
                wake = doorbell.last_wake_within(now, awake).map(|notified| awake - notified);
            }
        }
        if found.is_some() && self.waiters.1 == Waiters::One {
            doorbell.cancel_wait(token, last_full_wait);
        } else if last_full_wait {
            self.last_full_wait = Some(token);
        }
        if let Some(took) = wake {
            self.spin_limit.record_wake(took);
        }
        Ok(found)
    }

    /// Notes how long an adaptive endpoint waited. `awake` means that it yielded and never blocked.
    fn adapt(&mut self, began: Duration, awake: bool) {
        if self.waiting == WaitStrategy::Adaptive {
            let took = if awake { Duration::ZERO } else { time::now() - began };
            self.spin_limit.record_wait(took);
        }
    }

    pub(super) fn wait_failed(&self, errno: nix::errno::Errno) -> Error {
        Error::from_errno("futex(FUTEX_WAIT_BITSET)", errno).with_object(self.region.name())
    }
}
