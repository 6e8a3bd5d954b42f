//! Identification of the limit in /proc/sys/kernel/sem that an errno stands for.

use std::fs;

use crate::error::Limit;
use crate::sys::sysv_sem;

/// The maximum value of a semaphore: part of the interface and not configurable (semop(2)).
pub(super) const SEMVMX: u16 = 32767;

/// The numbers in /proc/sys/kernel/sem, in this order (proc_sys_kernel(5)).
struct Limits {
    semaphores_per_set: u64,
    semaphores: u64,
    operations: u64,
    sets: u64,
}

impl Limits {
    fn read() -> Option<Limits> {
        let text = fs::read_to_string("/proc/sys/kernel/sem").ok()?;
        let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
        let mut next = || numbers.next();
        Some(Limits { semaphores_per_set: next()?, semaphores: next()?, operations: next()?, sets: next()? })
    }
}

/// Returns `SEMMSL` if `count` exceeds it.
pub(super) fn set_size(count: usize) -> Option<Limit> {
    let value = Limits::read()?.semaphores_per_set;
    let requested = count as u64;
    (requested > value).then_some(Limit { name: "SEMMSL", value, requested: Some(requested) })
}

/// Returns `SEMOPM`.
pub(super) fn operations(count: usize) -> Option<Limit> {
    let value = Limits::read()?.operations;
    Some(Limit { name: "SEMOPM", value, requested: Some(count as u64) })
}

/// Returns the namespace-wide limit that `count` more semaphores would exceed: `SEMMNS` or
/// `SEMMNI`.
pub(super) fn namespace(count: usize) -> Option<Limit> {
    let limits = Limits::read()?;
    let (_, used) = sysv_sem::usage().ok()?;
    let requested = used.semaem as u64 + count as u64;
    Some(if requested > limits.semaphores {
        Limit { name: "SEMMNS", value: limits.semaphores, requested: Some(requested) }
    } else {
        Limit { name: "SEMMNI", value: limits.sets, requested: Some(used.semusz as u64 + 1) }
    })
}

/// Returns `SEMVMX`, with the requested value if it is known.
pub(super) fn value(requested: Option<u16>) -> Limit {
    Limit { name: "SEMVMX", value: SEMVMX.into(), requested: requested.map(u64::from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_size_returns_the_limit_only_above_it() {
        assert_eq!(set_size(1), None);
        assert_eq!(set_size(usize::MAX).unwrap().name(), "SEMMSL");
    }

    #[test]
    fn operations_returns_the_limit_with_the_requested_count() {
        let limit = operations(7).unwrap();
        assert_eq!((limit.name(), limit.requested()), ("SEMOPM", Some(7)));
        assert!(limit.value() > 0);
    }
}
