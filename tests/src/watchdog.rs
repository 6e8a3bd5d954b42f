//! A time limit for each test, so that a test that hangs fails and is named.

use std::process::abort;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};

use crate::peer;

/// Aborts the process and kills its children unless it is dropped within the timeout.
#[derive(Debug)]
pub struct Watchdog {
    /// Dropping it ends the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts to watch the test `name`.
    pub fn start(name: &str, timeout: Duration) -> Watchdog {
        let name = name.to_owned();
        let (alive, ended) = mpsc::channel::<()>();
        // Signals that a test sends to this process are for the test's own thread, so the new
        // thread inherits a mask that blocks all of them.
        let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).expect("pthread_sigmask");
        let thread = thread::spawn(move || {
            if ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                on_timeout(&name, timeout);
            }
        });
        mask.thread_set_mask().expect("pthread_sigmask");
        Watchdog { alive: Some(alive), thread: Some(thread) }
    }
}

fn on_timeout(name: &str, timeout: Duration) {
    eprintln!("\n{name} hangs: it has not ended after {} s", timeout.as_secs());
    peer::kill_all();
    abort();
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.alive.take());
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
    fn hanging_test_is_aborted() {
        let mut peer = Peer::start(|| {
            // The abort is intended, so it must not leave a core file.
            setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
            let _watchdog = Watchdog::start("a test of the watchdog", Duration::from_millis(1));
            nix::unistd::pause();
        });
        let status = peer.wait().unwrap();
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGABRT, _)), "{status:?}");
    }

    #[test]
    fn test_that_ends_in_time_is_not_aborted() {
        drop(Watchdog::start("a test of the watchdog", Duration::from_millis(1000)));
    }
}
