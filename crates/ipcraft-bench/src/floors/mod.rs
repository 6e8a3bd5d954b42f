//! The limits that the machine itself sets, measured in the same run as the mechanisms.

mod cacheline_cas;
mod cacheline_store;
mod futex;
mod memcpy;
mod null_syscall;
pub(crate) mod page;
mod sched_yield;

use crate::registry::Mechanism;

pub(crate) use cacheline_cas::MECHANISM as CACHELINE_CAS;
pub(crate) use cacheline_store::MECHANISM as CACHELINE_STORE;
pub(crate) use futex::MECHANISM as FUTEX;
pub(crate) use memcpy::MECHANISM as MEMCPY;
pub(crate) use null_syscall::MECHANISM as NULL_SYSCALL;

/// All of them.
pub(crate) const ALL: &[&Mechanism] = &[
    &CACHELINE_CAS,
    &CACHELINE_STORE,
    &FUTEX,
    &futex::AWAKE,
    &sched_yield::MECHANISM,
    &NULL_SYSCALL,
    &MEMCPY,
];
