//! Signals that end the program. During a run they end the run, so that no object is left behind.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals by which a user, a terminal or a service manager ends a program.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Catches the ending signals while the program has children and objects.
#[derive(Debug)]
pub struct Ending {
    stop: Arc<AtomicBool>,
    caught: Arc<AtomicUsize>,
    default: Arc<AtomicBool>,
}

impl Ending {
    /// Catches the ending signals, except signals that the parent ignores, as nohup(1) does.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub fn catch() -> io::Result<Ending> {
        let ending = Ending { stop: Arc::default(), caught: Arc::default(), default: Arc::default() };
        let ignored = ignored();
        for signal in ENDING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0) {
            flag::register_conditional_default(signal, ending.default.clone())?;
            flag::register_usize(signal, ending.caught.clone(), signal.unsigned_abs() as usize)?;
            flag::register(signal, ending.stop.clone())?;
        }
        Ok(ending)
    }

    /// Returns the flag that an ending signal sets. A second one adds nothing to the first.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// Lets the next ending signal end the program, when nothing is left to be cleaned up.
    pub fn allow(&self) {
        self.default.store(true, Ordering::SeqCst);
    }

    /// Ends the program by the signal that was caught, so that a shell sees 128 + its number.
    pub fn raise_caught(&self) {
        if let Ok(signal @ 1..) = i32::try_from(self.caught.load(Ordering::SeqCst)) {
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

/// Ends the program as a reader that is gone ends other programs: by `SIGPIPE`.
pub fn by_broken_pipe() {
    let _ = low_level::emulate_default_handler(SIGPIPE);
}

/// Returns the set of ignored signals, bit *n* - 1 for signal *n*. Empty if `/proc` is unreadable.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
