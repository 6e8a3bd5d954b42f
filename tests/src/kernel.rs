//! What the running kernel offers, found by trying it. A test that needs more is skipped.

use std::sync::atomic::AtomicU32;

use ipcraft::ErrorKind;
use ipcraft::futex::{self, Waiter};
use nix::sys::utsname::uname;

use crate::suite::Outcome;

/// Returns the reason to skip a test that waits for any of several words, if this kernel is too
/// old (`futex_waitv`, Linux 5.16).
pub fn skipped_without_futex_waitv() -> Option<Outcome> {
    let changed = AtomicU32::new(1);
    let refused = futex::wait_any(&[Waiter::new(&changed, 0)]).err()?;
    (refused.kind() == ErrorKind::Unsupported).then(|| Outcome::Skipped(refused.to_string()))
}

/// Returns what a call returned. Returns `None` and prints the reason if this kernel is too old for
/// the call.
///
/// # Panics
///
/// If the call failed otherwise.
pub fn unless_unsupported<T: std::fmt::Debug>(result: ipcraft::Result<T>) -> Option<T> {
    match result {
        Err(refused) if refused.kind() == ErrorKind::Unsupported => {
            eprintln!("skipped: {refused}");
            None
        }
        other => Some(other.expect("only an old kernel refuses this")),
    }
}

/// Returns whether the running kernel has this version or a later one, for what cannot be tried.
///
/// # Panics
///
/// If uname(2) fails.
pub fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    let release = uname().expect("uname(2)").release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
