//! The resources that a process used: CPU time and context switches.

use std::io;
use std::ops::AddAssign;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use crate::clock;

/// Resources used by one process or the sum over two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time, user and system.
    pub cpu_ns: u64,
    /// The part of it that was spent in the kernel.
    pub system_ns: u64,
    /// Context switches, voluntary and involuntary.
    pub switches: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.cpu_ns += other.cpu_ns;
        self.system_ns += other.system_ns;
        self.switches += other.switches;
    }
}

impl Usage {
    /// Returns what this process used since it started (`getrusage(2)`).
    ///
    /// # Errors
    /// Those of `getrusage(2)`, which does not fail for the calling process.
    pub fn so_far() -> io::Result<Usage> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let switches = usage.voluntary_context_switches() + usage.involuntary_context_switches();
        let system = Duration::from_micros(usage.system_time().num_microseconds().unsigned_abs());
        Ok(Usage {
            cpu_ns: clock::cpu_time(),
            system_ns: system.as_nanos() as u64,
            switches: switches.unsigned_abs(),
        })
    }

    /// Returns what this process used since `self` was taken.
    ///
    /// # Errors
    /// As for [`so_far`](Usage::so_far).
    pub fn elapsed(&self) -> io::Result<Usage> {
        let now = Usage::so_far()?;
        Ok(Usage {
            cpu_ns: now.cpu_ns.saturating_sub(self.cpu_ns),
            system_ns: now.system_ns.saturating_sub(self.system_ns),
            switches: now.switches.saturating_sub(self.switches),
        })
    }
}
