//! Machine code whose instructions matter one by one.
//!
//! A compiler may turn a load, an addition and a store into one instruction, or the other way
//! round. Here each instruction is written out.
#![allow(unsafe_code)]

use std::arch::asm;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a process adds one to a shared counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// Three instructions: load, add, store.
    Three,
    /// One instruction that other cores can interrupt. Only x86-64 has one.
    One,
    /// One instruction that nothing can interrupt.
    Locked,
}

impl Width {
    /// The widths that this CPU has.
    pub const ALL: &'static [Width] = if cfg!(target_arch = "x86_64") {
        &[Width::Three, Width::One, Width::Locked]
    } else {
        &[Width::Three, Width::Locked]
    };

    /// Returns the name on command lines and in results.
    pub fn name(self) -> &'static str {
        match self {
            Width::Three => "three",
            Width::One => "one",
            Width::Locked => "locked",
        }
    }

    /// Adds one to the counter.
    #[inline(always)]
    pub(crate) fn add(self, counter: &AtomicU64) {
        match self {
            Width::Three => add_in_three(counter),
            Width::One => add_in_one(counter),
            Width::Locked => add_locked(counter),
        }
    }

    /// Adds one to the counter, with a store of 1 to `begin` right before the first instruction.
    pub(crate) fn add_marked(self, begin: &AtomicU64, counter: &AtomicU64) {
        match self {
            Width::Three => add_in_three_marked(begin, counter),
            Width::One => add_in_one_marked(begin, counter),
            Width::Locked => add_locked_marked(begin, counter),
        }
    }

    /// The number of its instructions.
    pub(crate) fn instructions(self) -> usize {
        if self == Width::Three { 3 } else { 1 }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::*;

    #[inline(always)]
    pub(super) fn add_in_three(counter: &AtomicU64) {
        // SAFETY: because the counter is valid for a load and a store, and the code touches nothing
        // else than a register of its own.
        unsafe {
            asm!("mov {t}, [{c}]", "add {t}, 1", "mov [{c}], {t}",
                c = in(reg) counter.as_ptr(), t = out(reg) _, options(nostack));
        }
    }

    #[inline(always)]
    pub(super) fn add_in_one(counter: &AtomicU64) {
        // SAFETY: because the counter is valid for a load and a store.
        unsafe { asm!("add qword ptr [{c}], 1", c = in(reg) counter.as_ptr(), options(nostack)) };
    }

    pub(super) fn add_in_three_marked(begin: &AtomicU64, counter: &AtomicU64) {
        // SAFETY: because both words are valid for loads and stores.
        unsafe {
            asm!("mov qword ptr [{b}], 1", "mov {t}, [{c}]", "add {t}, 1", "mov [{c}], {t}",
                b = in(reg) begin.as_ptr(), c = in(reg) counter.as_ptr(), t = out(reg) _, options(nostack));
        }
    }

    pub(super) fn add_in_one_marked(begin: &AtomicU64, counter: &AtomicU64) {
        // SAFETY: because both words are valid for loads and stores.
        unsafe {
            asm!("mov qword ptr [{b}], 1", "add qword ptr [{c}], 1",
                b = in(reg) begin.as_ptr(), c = in(reg) counter.as_ptr(), options(nostack));
        }
    }

    pub(super) fn add_locked_marked(begin: &AtomicU64, counter: &AtomicU64) {
        // SAFETY: because both words are valid for loads and stores.
        unsafe {
            asm!("mov qword ptr [{b}], 1", "lock add qword ptr [{c}], 1",
                b = in(reg) begin.as_ptr(), c = in(reg) counter.as_ptr(), options(nostack));
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::*;

    #[inline(always)]
    pub(super) fn add_in_three(counter: &AtomicU64) {
        // SAFETY: because the counter is valid for a load and a store, and the code touches nothing
        // else than a register of its own.
        unsafe {
            asm!("ldr {t}, [{c}]", "add {t}, {t}, 1", "str {t}, [{c}]",
                c = in(reg) counter.as_ptr(), t = out(reg) _, options(nostack));
        }
    }

    /// There is no such instruction; see [`Width::ALL`].
    pub(super) fn add_in_one(counter: &AtomicU64) {
        add_in_three(counter);
    }

    pub(super) fn add_in_three_marked(begin: &AtomicU64, counter: &AtomicU64) {
        // SAFETY: because both words are valid for loads and stores.
        unsafe {
            asm!("str {one}, [{b}]", "ldr {t}, [{c}]", "add {t}, {t}, 1", "str {t}, [{c}]",
                one = in(reg) 1_u64, b = in(reg) begin.as_ptr(), c = in(reg) counter.as_ptr(), t = out(reg) _,
                options(nostack));
        }
    }

    pub(super) fn add_in_one_marked(begin: &AtomicU64, counter: &AtomicU64) {
        add_in_three_marked(begin, counter);
    }

    pub(super) fn add_locked_marked(begin: &AtomicU64, counter: &AtomicU64) {
        // SAFETY: because both words are valid for loads and stores, and the harness that steps
        // this code requires the atomic instructions of ARMv8.1 anyway.
        unsafe {
            asm!(".arch_extension lse", "str {one}, [{b}]", "ldaddal {one}, {t}, [{c}]",
                one = in(reg) 1_u64, b = in(reg) begin.as_ptr(), c = in(reg) counter.as_ptr(), t = out(reg) _,
                options(nostack));
        }
    }
}

#[cfg(target_arch = "aarch64")]
use aarch64::*;
#[cfg(target_arch = "x86_64")]
use x86_64::*;

#[inline(always)]
fn add_locked(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Tries to disable the interrupts of this core, which the CPU refuses to a user program: the
/// kernel sends a signal.
pub(crate) fn disable_interrupts() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: because the instruction traps before it has any effect, with a signal that ends this
    // process.
    unsafe {
        asm!("cli", options(nostack, nomem));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: because this instruction traps before it has any effect, too.
    unsafe {
        asm!("msr daifset, #2", options(nostack, nomem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_adds_one() {
        for width in Width::ALL {
            let (begin, counter) = (AtomicU64::new(0), AtomicU64::new(6));
            width.add(&counter);
            width.add_marked(&begin, &counter);
            assert_eq!((begin.into_inner(), counter.into_inner()), (1, 8), "{width:?}");
        }
    }
}
