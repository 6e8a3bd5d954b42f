//! A bound on every test, so that a hang is a failure with a name.

use std::process::abort;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::SigSet;

use crate::peer;

/// Long enough for every test on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Aborts the process, children included, unless dropped in time.
#[derive(Debug)]
pub struct Watchdog {
    /// Hangs up when the test is over.
    leash: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches the test `name` for at most `patience`.
    pub fn start(name: &str, patience: Duration) -> Watchdog {
        let name = name.to_owned();
        let (leash, slack) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            // Signals that a test sends to this process are for the test's own thread.
            SigSet::all().thread_block().expect("pthread_sigmask");
            if slack.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                bark(&name, patience);
            }
        });
        Watchdog { leash: Some(leash), thread: Some(thread) }
    }
}

fn bark(name: &str, patience: Duration) {
    eprintln!("\n{name} hangs: it has not ended after {} s", patience.as_secs());
    peer::kill_all();
    abort();
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.leash.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watchdog does not panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;
    use nix::sys::resource::{Resource, setrlimit};
    use nix::sys::signal::Signal;
    use nix::sys::wait::WaitStatus;

    #[test]
    fn a_hanging_test_is_ended() {
        let mut peer = Peer::start(|| {
            // It aborts on purpose: no core file of that.
            setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
            let _watchdog = Watchdog::start("a test of the watchdog", Duration::from_millis(1));
            nix::unistd::pause();
        });
        let status = peer.wait().unwrap();
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGABRT, _)), "{status:?}");
    }

    #[test]
    fn a_test_that_ends_is_left_alone() {
        drop(Watchdog::start("a test of the watchdog", Duration::from_millis(1000)));
    }
}
