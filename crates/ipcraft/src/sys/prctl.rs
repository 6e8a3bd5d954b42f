//! prctl(2).

#![allow(unsafe_code)]

use nix::errno::Errno;

/// `PR_SET_PDEATHSIG`: the signal that the kernel sends to this process when the thread that
/// forked it ends. nix has the call, but not for realtime signals.
pub(crate) fn set_parent_death_signal(signal: libc::c_int) -> nix::Result<()> {
    // SAFETY: because this operation of prctl(2) takes one integer.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) }).map(drop)
}
