//! Functions and constants of glibc that the libc crate does not declare.

#![allow(unsafe_code)]

use libc::{c_int, c_ushort, clockid_t, pthread_mutex_t, sem_t, sembuf, semid_ds, seminfo, size_t, timespec};

/// For `pthread_mutexattr_setrobust(3)`: the next owner is notified if the previous one died.
pub(crate) const PTHREAD_MUTEX_ROBUST: c_int = 1;

/// The fourth argument of semctl(2), which a program has to declare itself.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) union Semun {
    /// `SETVAL`
    pub(crate) val: c_int,
    /// `IPC_STAT`, `IPC_SET`
    pub(crate) buf: *mut semid_ds,
    /// `GETALL`, `SETALL`
    pub(crate) array: *mut c_ushort,
    /// `SEM_INFO`
    pub(crate) info: *mut seminfo,
}

unsafe extern "C" {
    /// semop(2) with a relative timeout on the monotonic clock; null means no timeout.
    pub(crate) fn semtimedop(
        id: c_int,
        operations: *mut sembuf,
        count: size_t,
        timeout: *const timespec,
    ) -> c_int;

    /// sem_wait(3) with an absolute timeout on a clock of the caller's choice.
    pub(crate) fn sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) -> c_int;

    /// pthread_mutex_lock(3) with an absolute timeout on a clock of the caller's choice.
    pub(crate) fn pthread_mutex_clocklock(
        mutex: *mut pthread_mutex_t,
        clock: clockid_t,
        until: *const timespec,
    ) -> c_int;
}
