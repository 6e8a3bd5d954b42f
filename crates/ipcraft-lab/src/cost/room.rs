//! The memory that units may take: at most half of what is available.

use super::{Limit, LimitName, Unit, proc_file};

/// Returns a generous estimate of the memory that a unit touches, the kernel's included.
fn touched(unit: Unit) -> u64 {
    match unit {
        Unit::Future => 1 << 10,
        Unit::Coroutine => 16 << 10,
        Unit::Thread => 64 << 10,
        Unit::Process => 512 << 10,
    }
}

/// Returns what half of the memory allows.
pub(super) fn memory(unit: Unit) -> Option<Limit> {
    let value = available()? / 2;
    Some(Limit { name: LimitName::Memory, value, room: value / touched(unit) })
}

/// Returns the limit if these units could take more than half of the memory.
pub(super) fn too_little_memory(unit: Unit, units: usize) -> Option<Limit> {
    memory(unit).filter(|limit| limit.room < units as u64)
}

/// Returns the bytes that the system and the control groups still have.
fn available() -> Option<u64> {
    let groups = proc_file::groups("memory");
    let left = |limit: &str, used: &str| {
        let rooms = groups.iter().filter_map(|group| {
            let limit = proc_file::number(&format!("{group}/{limit}"))?;
            Some(limit.saturating_sub(proc_file::number(&format!("{group}/{used}"))?))
        });
        rooms.min()
    };
    let system = proc_file::field("/proc/meminfo", "MemAvailable");
    let second = left("memory.max", "memory.current");
    let first = left("memory.limit_in_bytes", "memory.usage_in_bytes");
    [system, first, second].into_iter().flatten().min()
}
