//! A child made by clone(2) itself, as container runtimes make theirs.
//!
//! The C library does not know of the new process: no handler of `pthread_atfork(3)` runs, and its
//! copy of the thread id is the parent's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::c_int;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Runs `role` in a child that shares nothing with this process, and waits for its end.
///
/// `flags` are those of clone(2), such as `CLONE_NEWPID`.
///
/// # Panics
///
/// If clone(2) fails or the role panics.
pub fn in_raw_clone(flags: c_int, role: impl FnOnce()) {
    // SAFETY: because clone(2) without a stack copies the process, as fork(2) does. The role uses
    // only what works in such a child.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) } as i32;
    assert!(child >= 0, "clone(2): {}", std::io::Error::last_os_error());
    if child == 0 {
        let failed = catch_unwind(AssertUnwindSafe(role)).is_err();
        // SAFETY: because _exit(2) runs no handlers or destructors, which belong to the parent.
        unsafe { libc::_exit(failed.into()) }
    }
    let child = Pid::from_raw(child);
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "the child failed");
}
