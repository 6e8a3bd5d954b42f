//! A time limit for each test, so that a test that hangs fails and is named.

use std::process::abort;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};

use crate::peer;
use crate::time::patience;

/// Aborts the process and kills its children unless it is dropped within the timeout.
#[derive(Debug)]
pub struct Watchdog {
    /// Dropping it ends the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts to watch the test `name`. A machine that needs [more time](crate::time::patience) gets
    /// it.
    pub fn start(name: &str, timeout: Duration) -> Watchdog {
        let name = name.to_owned();
        let timeout = timeout * patience();
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
