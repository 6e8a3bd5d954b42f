//! Sleeping until another process wakes this one, without a condition.

use ipcraft::event::{self, EventFd};
use ipcraft::semaphore::posix::Semaphore;
use ipcraft::shm::memfd::Memfd;
use ipcraft::signal::{self, Signal, SignalCounter, SignalMaskGuard};
use ipcraft::{Pid, Result};
use nix::sys::signal as nix_signal;
use nix::unistd::pause;

use super::Method;

/// The signal that wakes.
const WAKE: Signal = Signal::USR1;

/// What one process sleeps on, made before the fork.
pub(super) enum WaitPoint {
    Signal(Method),
    Semaphore(Semaphore),
    EventFd(EventFd),
}

/// What a process has prepared before it can be woken.
pub(super) struct Prepared {
    /// Keeps the handler's counter; the handler does nothing else.
    _handler: Option<SignalCounter>,
    blocked: Option<SignalMaskGuard>,
}

impl WaitPoint {
    /// Creates a place to sleep. A semaphore or eventfd begins with this many wake-ups.
    pub(super) fn new(method: Method, initial: u32) -> Result<WaitPoint> {
        Ok(match method {
            Method::Semaphore => {
                let memory = Memfd::create("ipcraft-lab", 64)?.map()?.into();
                WaitPoint::Semaphore(Semaphore::init_in(&memory, 0, initial)?)
            }
            Method::EventFd => WaitPoint::EventFd(event::Options::new().semaphore(true).create(initial)?),
            signal => WaitPoint::Signal(signal),
        })
    }

    /// Prepares the calling process for being woken.
    pub(super) fn prepare(&self) -> Result<Prepared> {
        let WaitPoint::Signal(method) = self else {
            return Ok(Prepared { _handler: None, blocked: None });
        };
        let blocked = match method {
            Method::WaitingBit => Some(signal::block(WAKE)?),
            Method::QueuedSignal => Some(signal::block(queued()?)?),
            _ => None,
        };
        Ok(Prepared { _handler: Some(signal::catch(WAKE)?), blocked })
    }

    /// Blocks until a wake-up arrives, or takes one that the kernel has kept.
    pub(super) fn sleep(&self, prepared: &Prepared) -> Result<()> {
        match (self, &prepared.blocked) {
            (WaitPoint::Semaphore(semaphore), _) => semaphore.wait(),
            (WaitPoint::EventFd(counter), _) => counter.take().map(drop),
            (WaitPoint::Signal(Method::QueuedSignal), Some(blocked)) => blocked.wait().map(drop),
            (WaitPoint::Signal(_), Some(_)) => {
                suspend();
                Ok(())
            }
            (WaitPoint::Signal(_), None) => {
                pause();
                Ok(())
            }
        }
    }

    /// Wakes a process. One without an id has not begun: a signal cannot reach it.
    pub(super) fn wake(&self, sleeper: Option<Pid>) -> Result<()> {
        match (self, sleeper) {
            (WaitPoint::Semaphore(semaphore), _) => semaphore.post(),
            (WaitPoint::EventFd(counter), _) => counter.add(1),
            (WaitPoint::Signal(_), None) => Ok(()),
            (WaitPoint::Signal(Method::QueuedSignal), Some(id)) => signal::queue(id, queued()?, 0),
            (WaitPoint::Signal(_), Some(id)) => signal::send(id, WAKE),
        }
    }
}

fn queued() -> Result<Signal> {
    Signal::realtime(0)
}

/// sigsuspend(2): unblocks the signal and sleeps in one step.
fn suspend() {
    let Ok(mut mask) = nix_signal::SigSet::thread_get_mask() else { return };
    mask.remove(nix_signal::Signal::SIGUSR1);
    // It always ends with EINTR.
    let _ = mask.suspend();
}
