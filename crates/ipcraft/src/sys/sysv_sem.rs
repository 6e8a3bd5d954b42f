//! System V semaphores: semget(2), semop(2), semctl(2).

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use libc::{c_int, sembuf, semid_ds, seminfo};
use nix::errno::Errno;
use nix::sys::time::TimeSpec;

use super::ffi::{Semun, semtimedop};

/// The maximum number of semaphores in a set, since an operation can name no more. The kernel
/// reuses the identifiers of removed sets, possibly for a larger set, and copies as many values as
/// *that* set has. Arrays for it therefore have this length.
const MAX_SEMAPHORES: usize = 1 << 16;

pub(crate) fn get(key: libc::key_t, count: c_int, flags: c_int) -> nix::Result<c_int> {
    // SAFETY: because semget(2) takes three integers.
    Errno::result(unsafe { libc::semget(key, count, flags) })
}

#[inline]
pub(crate) fn apply(id: c_int, operations: &[sembuf]) -> nix::Result<()> {
    // SAFETY: because semop(2) only reads the operations, which are borrowed for the call.
    Errno::result(unsafe { libc::semop(id, operations.as_ptr().cast_mut(), operations.len()) }).map(drop)
}

/// Fails with `EAGAIN` when the timeout expires; without one it blocks until it can proceed.
#[inline]
pub(crate) fn apply_timed(id: c_int, operations: &[sembuf], timeout: Option<TimeSpec>) -> nix::Result<()> {
    let timeout = timeout.map(|time| *time.as_ref());
    let pointer = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: because semtimedop(2) only reads the operations, borrowed for the call, and the
    // timeout, null or a local.
    let status = unsafe { semtimedop(id, operations.as_ptr().cast_mut(), operations.len(), pointer) };
    Errno::result(status).map(drop)
}

/// `GETVAL`, `GETPID`, `GETNCNT` or `GETZCNT` of one semaphore.
pub(crate) fn number(id: c_int, index: u16, command: c_int) -> nix::Result<c_int> {
    debug_assert!([libc::GETVAL, libc::GETPID, libc::GETNCNT, libc::GETZCNT].contains(&command));
    // SAFETY: because these commands have no fourth argument, and any other value of `command` is
    // refused above in tests and never passed by this crate.
    Errno::result(unsafe { libc::semctl(id, index.into(), command) })
}

/// `SETVAL`
pub(crate) fn set_value(id: c_int, index: u16, value: u16) -> nix::Result<()> {
    let argument = Semun { val: value.into() };
    // SAFETY: because SETVAL takes an integer in the union (semctl(2)).
    Errno::result(unsafe { libc::semctl(id, index.into(), libc::SETVAL, argument) }).map(drop)
}

/// `GETALL` of a set of `count` semaphores.
pub(crate) fn values(id: c_int, count: usize) -> nix::Result<Vec<u16>> {
    let mut values = vec![0; MAX_SEMAPHORES.max(count)];
    let argument = Semun { array: values.as_mut_ptr() };
    // SAFETY: because GETALL writes as many values as the set has semaphores, and there is room for
    // the largest set.
    Errno::result(unsafe { libc::semctl(id, 0, libc::GETALL, argument) })?;
    values.truncate(count);
    Ok(values)
}

/// `SETALL`
pub(crate) fn set_values(id: c_int, values: &[u16]) -> nix::Result<()> {
    let mut array = vec![0; MAX_SEMAPHORES.max(values.len())];
    array[..values.len()].copy_from_slice(values);
    let argument = Semun { array: array.as_mut_ptr() };
    // SAFETY: because SETALL reads as many values as the set has semaphores, and the array is as
    // long as the largest set.
    Errno::result(unsafe { libc::semctl(id, 0, libc::SETALL, argument) }).map(drop)
}

/// `IPC_STAT`
pub(crate) fn status(id: c_int) -> nix::Result<semid_ds> {
    let mut status = MaybeUninit::<semid_ds>::zeroed();
    let argument = Semun { buf: status.as_mut_ptr() };
    // SAFETY: because IPC_STAT writes one semid_ds, to a variable of that type (semctl(2)).
    Errno::result(unsafe { libc::semctl(id, 0, libc::IPC_STAT, argument) })?;
    // SAFETY: because semid_ds consists of integers, for which the zeroes it started with are valid
    // too.
    Ok(unsafe { status.assume_init() })
}

/// `SEM_STAT_ANY`: the identifier and the status of the set at an index of the table. Needs no
/// right to read (Linux 4.17).
pub(crate) fn status_any(index: c_int) -> nix::Result<(c_int, semid_ds)> {
    let mut status = MaybeUninit::<semid_ds>::zeroed();
    let argument = Semun { buf: status.as_mut_ptr() };
    // SAFETY: because SEM_STAT_ANY writes one semid_ds, to a variable of that type (semctl(2)).
    let id = Errno::result(unsafe { libc::semctl(index, 0, libc::SEM_STAT_ANY, argument) })?;
    // SAFETY: because semid_ds consists of integers, for which the zeroes it started with are valid
    // too.
    Ok((id, unsafe { status.assume_init() }))
}

/// `IPC_SET`: takes over owner, group and mode.
pub(crate) fn set_permissions(id: c_int, mut status: semid_ds) -> nix::Result<()> {
    let argument = Semun { buf: &raw mut status };
    // SAFETY: because IPC_SET reads one semid_ds, from a variable of that type (semctl(2)).
    Errno::result(unsafe { libc::semctl(id, 0, libc::IPC_SET, argument) }).map(drop)
}

/// `IPC_RMID`
pub(crate) fn remove(id: c_int) -> nix::Result<()> {
    // SAFETY: because IPC_RMID has no fourth argument (semctl(2)).
    Errno::result(unsafe { libc::semctl(id, 0, libc::IPC_RMID) }).map(drop)
}

/// `SEM_INFO`: the highest index in use, and the number of sets (`semusz`) and semaphores
/// (`semaem`) in this IPC namespace.
pub(crate) fn usage() -> nix::Result<(c_int, seminfo)> {
    let mut info = MaybeUninit::<seminfo>::zeroed();
    let argument = Semun { info: info.as_mut_ptr() };
    // SAFETY: because SEM_INFO writes one seminfo, to a variable of that type (semctl(2)).
    let highest = Errno::result(unsafe { libc::semctl(0, 0, libc::SEM_INFO, argument) })?;
    // SAFETY: because seminfo consists of integers, for which the zeroes it started with are valid
    // too.
    Ok((highest, unsafe { info.assume_init() }))
}
