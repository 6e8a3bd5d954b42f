//! The information that the kernel delivers with a signal.

use super::Signal;
use crate::pid::Pid;
use crate::sys::signal::ReceivedSignal;

/// A signal that was taken, with its origin and value (sigaction(2), `siginfo_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "siginfo_t")]
pub struct SignalInfo {
    signal: Signal,
    code: i32,
    pid: i32,
    uid: u32,
    value: i32,
}

impl SignalInfo {
    /// Fills the unused entries of a batch.
    pub(super) const PLACEHOLDER: SignalInfo =
        SignalInfo { signal: Signal::HUP, code: 0, pid: 0, uid: 0, value: 0 };

    /// Converts a record of the kernel; `None` if its number is not a signal, so that the data has
    /// another source.
    #[inline]
    pub(super) fn from_received(received: ReceivedSignal) -> Option<SignalInfo> {
        let ReceivedSignal { signal, code, pid, uid, word: value } = received;
        Some(SignalInfo { signal: Signal::from_raw(signal)?, code, pid, uid, value })
    }

    /// Returns the signal.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// `si_code`: returns the origin of the signal.
    #[doc(alias = "si_code")]
    pub fn code(&self) -> Code {
        match self.code {
            libc::SI_USER => Code::User,
            libc::SI_QUEUE => Code::Queue,
            libc::SI_TKILL => Code::Thread,
            libc::SI_KERNEL => Code::Kernel,
            libc::SI_TIMER => Code::Timer,
            libc::SI_MESGQ => Code::MessageQueue,
            libc::SI_ASYNCIO => Code::AsyncIo,
            code => self.signal_specific(code).unwrap_or(Code::Other(code)),
        }
    }

    /// Interprets a positive code, whose meaning depends on the signal.
    fn signal_specific(&self, code: i32) -> Option<Code> {
        match self.signal {
            _ if code <= 0 => None,
            Signal::CHLD => ChildEvent::new(code, self.value).map(Code::Child),
            Signal::ILL | Signal::FPE | Signal::SEGV | Signal::BUS | Signal::TRAP | Signal::SYS => {
                Some(Code::Fault(code))
            }
            _ => None,
        }
    }

    /// `si_pid` and `si_uid`: returns the sender, or the child of a `SIGCHLD`.
    ///
    /// `None` if no process sent the signal, or if the sender is not visible in this pid namespace.
    /// Also `None` if a standard signal arrived without its information because the queue was full.
    ///
    /// With [`Code::User`] and [`Code::Thread`] the kernel sets the sender. With [`Code::Queue`] it
    /// is **unverified**: `rt_sigqueueinfo(2)` lets the sender choose it.
    #[doc(alias = "si_pid")]
    #[doc(alias = "si_uid")]
    pub fn sender(&self) -> Option<Sender> {
        let has_one = matches!(
            self.code(),
            Code::User | Code::Queue | Code::Thread | Code::MessageQueue | Code::Child(_)
        );
        let pid = Pid::from_raw(self.pid)?;
        has_one.then_some(Sender { pid, uid: self.uid })
    }

    /// `si_value`: returns the integer that [`queue`](super::queue), a timer or a message queue
    /// sent.
    #[doc(alias = "si_value")]
    #[doc(alias = "sival_int")]
    #[inline]
    pub fn value(&self) -> Option<i32> {
        match self.code {
            libc::SI_QUEUE | libc::SI_TIMER | libc::SI_MESGQ | libc::SI_ASYNCIO => Some(self.value),
            _ => None,
        }
    }
}

/// The origin of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// `SI_USER`: `kill(2)`. Also a standard signal that lost its information because the queue was
    /// full.
    User,
    /// `SI_QUEUE`: `sigqueue(3)`, with a value.
    Queue,
    /// `SI_TKILL`: `tgkill(2)`, to one thread. The C library reports these as `SI_USER`.
    Thread,
    /// `SI_KERNEL`: sent by the kernel.
    Kernel,
    /// `SI_TIMER`: a POSIX timer, with its value.
    Timer,
    /// `SI_MESGQ`: a message arrived in an empty POSIX queue, with the value of the registration.
    MessageQueue,
    /// `SI_ASYNCIO`: asynchronous I/O completed.
    AsyncIo,
    /// The event of a child, with `SIGCHLD`.
    Child(ChildEvent),
    /// The code of a hardware fault: `SEGV_MAPERR`, `BUS_ADRERR`, …
    Fault(i32),
    /// Any other code.
    Other(i32),
}

/// An event of a child process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildEvent {
    /// `CLD_EXITED`: exited with this code.
    Exited(i32),
    /// `CLD_KILLED`: killed by this signal.
    Killed(Signal),
    /// `CLD_DUMPED`: killed by this signal, with a core dump.
    Dumped(Signal),
    /// `CLD_TRAPPED`: a traced child stopped, with this status.
    Trapped(i32),
    /// `CLD_STOPPED`: stopped by this signal.
    Stopped(Signal),
    /// `CLD_CONTINUED`: continued after a stop.
    Continued,
}

impl ChildEvent {
    fn new(code: i32, status: i32) -> Option<ChildEvent> {
        let signal = Signal::from_raw(status);
        match code {
            libc::CLD_EXITED => Some(ChildEvent::Exited(status)),
            libc::CLD_KILLED => signal.map(ChildEvent::Killed),
            libc::CLD_DUMPED => signal.map(ChildEvent::Dumped),
            libc::CLD_TRAPPED => Some(ChildEvent::Trapped(status)),
            libc::CLD_STOPPED => signal.map(ChildEvent::Stopped),
            libc::CLD_CONTINUED => Some(ChildEvent::Continued),
            _ => None,
        }
    }
}

/// The sender of a signal. The process may have ended, and another process may have its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The process that sent the signal.
    pub pid: Pid,
    /// The real user of the process.
    pub uid: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(signal: Signal, code: i32, value: i32) -> SignalInfo {
        SignalInfo { signal, code, value, pid: 7, uid: 8 }
    }

    #[test]
    fn code_of_positive_number_depends_on_the_signal() {
        let fault = info(Signal::SEGV, 1, 0);
        assert_eq!((fault.code(), fault.sender(), fault.value()), (Code::Fault(1), None, None));
        assert_eq!(info(Signal::CHLD, libc::CLD_EXITED, 3).code(), Code::Child(ChildEvent::Exited(3)));
        let killed = info(Signal::CHLD, libc::CLD_KILLED, 9);
        assert_eq!(killed.code(), Code::Child(ChildEvent::Killed(Signal::KILL)));
        assert_eq!(info(Signal::USR1, libc::CLD_EXITED, 3).code(), Code::Other(1));
        assert_eq!(info(Signal::IO, -5, 3).code(), Code::Other(-5));
        let sent = info(Signal::CHLD, libc::SI_QUEUE, -3);
        assert_eq!((sent.code(), sent.value()), (Code::Queue, Some(-3)));
        assert_eq!(sent.sender(), Some(Sender { pid: Pid::from_raw(7).unwrap(), uid: 8 }));
    }

    #[test]
    fn sender_without_process_returns_none() {
        let lost = SignalInfo { pid: 0, uid: 0, ..info(Signal::USR1, libc::SI_USER, 0) };
        assert_eq!((lost.code(), lost.sender()), (Code::User, None));
        let timer = info(Signal::ALRM, libc::SI_TIMER, 5);
        assert_eq!((timer.sender(), timer.value()), (None, Some(5)));
    }
}
