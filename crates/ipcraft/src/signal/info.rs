//! What comes with a signal.

use super::Signal;
use crate::pid::Pid;
use crate::sys::signal::ReceivedSignal;

/// A signal that was taken, and what the kernel says of it (sigaction(2), `siginfo_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "siginfo_t")]
pub struct SignalInfo {
    signal: Signal,
    code: i32,
    pid: i32,
    uid: u32,
    word: i32,
}

impl SignalInfo {
    /// Stands where none has been taken yet.
    pub(super) const NONE: SignalInfo = SignalInfo { signal: Signal::HUP, code: 0, pid: 0, uid: 0, word: 0 };

    /// `None` if the number is no signal's, and so the bytes not the kernel's.
    #[inline]
    pub(super) fn new(arrival: ReceivedSignal) -> Option<SignalInfo> {
        let ReceivedSignal { signal, code, pid, uid, word } = arrival;
        Some(SignalInfo { signal: Signal::known(signal)?, code, pid, uid, word })
    }

    /// Which signal it is.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// `si_code`: how it came about.
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
            code => self.special(code).unwrap_or(Code::Other(code)),
        }
    }

    /// Positive codes mean something else for each signal.
    fn special(&self, code: i32) -> Option<Code> {
        match self.signal {
            _ if code <= 0 => None,
            Signal::CHLD => Change::new(code, self.word).map(Code::Child),
            Signal::ILL | Signal::FPE | Signal::SEGV | Signal::BUS | Signal::TRAP | Signal::SYS => {
                Some(Code::Fault(code))
            }
            _ => None,
        }
    }

    /// `si_pid` and `si_uid`: who sent it; of `SIGCHLD`, the child.
    ///
    /// `None` if nobody did, if the sender cannot be seen from this PID namespace, or if there was no room for it in the
    /// queue of a standard signal. With [`Code::User`] and [`Code::Thread`] it is what the kernel knows; with
    /// [`Code::Queue`] it is **what the sender says**: `rt_sigqueueinfo(2)` takes any.
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

    /// `si_value`, its integer: what was sent along with [`queue`](super::queue), or what a timer or a message queue was
    /// told to send.
    #[doc(alias = "si_value")]
    #[doc(alias = "sival_int")]
    #[inline]
    pub fn value(&self) -> Option<i32> {
        match self.code {
            libc::SI_QUEUE | libc::SI_TIMER | libc::SI_MESGQ | libc::SI_ASYNCIO => Some(self.word),
            _ => None,
        }
    }
}

/// How a signal came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// `SI_USER`: `kill(2)`. Also a standard signal whose information was lost for want of room.
    User,
    /// `SI_QUEUE`: `sigqueue(3)`, with a value.
    Queue,
    /// `SI_TKILL`: `tgkill(2)`, to one thread. The C library reports these as `SI_USER`.
    Thread,
    /// `SI_KERNEL`
    Kernel,
    /// `SI_TIMER`: a POSIX timer, with its value.
    Timer,
    /// `SI_MESGQ`: a message came into an empty POSIX queue, with the value of the registration.
    MessageQueue,
    /// `SI_ASYNCIO`
    AsyncIo,
    /// What happened to a child, of `SIGCHLD`.
    Child(Change),
    /// The code of a hardware fault, by signal: `SEGV_MAPERR`, `BUS_ADRERR`, …
    Fault(i32),
    /// Another.
    Other(i32),
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `CLD_EXITED`, with its exit code.
    Exited(i32),
    /// `CLD_KILLED`, by this signal.
    Killed(Signal),
    /// `CLD_DUMPED`: killed with a core dump.
    Dumped(Signal),
    /// `CLD_TRAPPED`: a traced child stopped.
    Trapped(i32),
    /// `CLD_STOPPED`, by this signal.
    Stopped(Signal),
    /// `CLD_CONTINUED`
    Continued,
}

impl Change {
    fn new(code: i32, status: i32) -> Option<Change> {
        let signal = Signal::known(status);
        match code {
            libc::CLD_EXITED => Some(Change::Exited(status)),
            libc::CLD_KILLED => signal.map(Change::Killed),
            libc::CLD_DUMPED => signal.map(Change::Dumped),
            libc::CLD_TRAPPED => Some(Change::Trapped(status)),
            libc::CLD_STOPPED => signal.map(Change::Stopped),
            libc::CLD_CONTINUED => Some(Change::Continued),
            _ => None,
        }
    }
}

/// Who sent a signal. The process may be gone by now, and its number another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The process.
    pub pid: Pid,
    /// Its real user.
    pub uid: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(signal: Signal, code: i32, word: i32) -> SignalInfo {
        SignalInfo { signal, code, word, pid: 7, uid: 8 }
    }

    #[test]
    fn codes_mean_what_they_mean_for_their_signal() {
        let fault = info(Signal::SEGV, 1, 0);
        assert_eq!((fault.code(), fault.sender(), fault.value()), (Code::Fault(1), None, None));
        assert_eq!(info(Signal::CHLD, libc::CLD_EXITED, 3).code(), Code::Child(Change::Exited(3)));
        let killed = info(Signal::CHLD, libc::CLD_KILLED, 9);
        assert_eq!(killed.code(), Code::Child(Change::Killed(Signal::KILL)));
        assert_eq!(info(Signal::USR1, libc::CLD_EXITED, 3).code(), Code::Other(1));
        assert_eq!(info(Signal::IO, -5, 3).code(), Code::Other(-5));
        let sent = info(Signal::CHLD, libc::SI_QUEUE, -3);
        assert_eq!((sent.code(), sent.value()), (Code::Queue, Some(-3)));
        assert_eq!(sent.sender(), Some(Sender { pid: Pid::from_raw(7).unwrap(), uid: 8 }));
    }

    #[test]
    fn nobody_is_no_sender() {
        let lost = SignalInfo { pid: 0, uid: 0, ..info(Signal::USR1, libc::SI_USER, 0) };
        assert_eq!((lost.code(), lost.sender()), (Code::User, None));
        let timer = info(Signal::ALRM, libc::SI_TIMER, 5);
        assert_eq!((timer.sender(), timer.value()), (None, Some(5)));
    }
}
