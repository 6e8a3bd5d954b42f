//! System calls per message, counted in traced processes in which nothing is timed.
//!
//! Two slices, one of twice as many messages, differ only in what these messages take: requests,
//! reports and buffers are the same. Tracing slows a process down many times over. So a count is
//! exact where every message takes the same calls, and an example where that depends on timing.

use std::thread;
use std::time::Duration;

use super::scenario::BenchmarkGroup;
use crate::link::Resources;
use crate::mechanism::{Connect, Mechanism};
use crate::placement::CpuPair;
use crate::process::{CancelToken, Failure, Pair, Traced};
use crate::workload::{Report, Slice, Workload};

/// A slice takes milliseconds; a count is not worth a longer wait.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Messages in the shorter slice: at most this many, …
const MAX_MESSAGES: u64 = 10;
/// … at least this many, …
const MIN_MESSAGES: u64 = 4;
/// … and otherwise about this many bytes.
const SLICE_BYTES: u64 = 1 << 20;
/// Shorter than in timed slices; the count does not depend on it.
const INTERVAL_NS: u64 = 200_000;
/// Attempts to get the same count twice; the first slices may include calls of the heap.
const MAX_ATTEMPTS: u32 = 3;

/// Fails if `ptrace(2)` may not trace the children of this process.
pub(super) fn probe() -> Result<(), Failure> {
    Traced::probe()
}

/// Counts the system calls of every row of a group.
pub(super) fn count(group: &mut BenchmarkGroup, cancel: CancelToken<'_>) -> Result<(), Failure> {
    let _spinners = group.start_spinners()?;
    let cancel = CancelToken { timeout: cancel.timeout.min(MAX_WAIT), ..cancel };
    for (index, (_, connect)) in group.mechanism.implementations.iter().enumerate() {
        let mut counter = SyscallCounter::launch(*connect, group.cpus, cancel)?;
        // How often two traced processes contend means nothing.
        for scenario in group.scenarios.iter_mut().filter(|scenario| scenario.workload != Workload::Contended)
        {
            let slice = slice(group.mechanism, scenario.workload, scenario.size);
            scenario.subjects[index].syscalls_per_message = Some(counter.per_message(&slice)?);
        }
    }
    Ok(())
}

/// Returns a slice with one sample whatever its length, so that all reports have the same length.
fn slice(mechanism: &Mechanism, workload: Workload, size: usize) -> Slice {
    let window = mechanism.window(size);
    let fitting = (SLICE_BYTES / size.max(1) as u64).clamp(MIN_MESSAGES, MAX_MESSAGES);
    let messages = match workload {
        Workload::Stream | Workload::Rate => fitting.next_multiple_of(window.unwrap_or(1)),
        _ => fitting,
    };
    Slice { batch: messages, window, interval_ns: INTERVAL_NS, ..Slice::new(workload, size, messages) }
}

/// Two traced processes with a connection between them.
struct SyscallCounter<'a> {
    /// Client and server.
    peers: Vec<Traced>,
    cancel: CancelToken<'a>,
    /// Dropped when both peers have ended.
    _resources: Resources,
}

impl<'a> SyscallCounter<'a> {
    fn launch(
        connect: Connect,
        cpus: CpuPair,
        cancel: CancelToken<'a>,
    ) -> Result<SyscallCounter<'a>, Failure> {
        let (peers, _resources) = Pair::launch(connect, cpus, cancel)?.into_traced()?;
        Ok(SyscallCounter { peers, cancel, _resources })
    }

    /// Runs a slice of double length between two of single length. The counts of those two agree
    /// unless the heap asked the kernel for memory, or the calls depend on timing; only the former
    /// settles.
    fn per_message(&mut self, slice: &Slice) -> Result<f64, Failure> {
        let double = Slice { messages: 2 * slice.messages, batch: 2 * slice.batch, ..slice.clone() };
        let mut before = self.run(slice)?;
        let mut attempt = 1;
        loop {
            let (twice, after) = (self.run(&double)?, self.run(slice)?);
            if before == after || attempt == MAX_ATTEMPTS {
                let once = (before + after) as f64 / 2.0;
                return Ok((twice as f64 - once).max(0.0) / slice.messages as f64);
            }
            (before, attempt) = (after, attempt + 1);
        }
    }

    /// Returns the system calls of both processes in one slice, from one wait for a request to the
    /// next.
    fn run(&mut self, slice: &Slice) -> Result<u64, Failure> {
        let before = self.calls();
        let slice = slice.scheduled();
        // The server first, since it only waits.
        for peer in self.peers.iter_mut().rev() {
            peer.request(&slice)?;
        }
        self.await_reports()?;
        Ok(self.calls() - before)
    }

    fn calls(&self) -> u64 {
        self.peers.iter().map(Traced::calls).sum()
    }

    fn await_reports(&mut self) -> Result<(), Failure> {
        let deadline = self.cancel.deadline();
        let mut reported = vec![false; self.peers.len()];
        while reported.contains(&false) {
            self.cancel.check(deadline)?;
            for (peer, reported) in self.peers.iter_mut().zip(&mut reported) {
                *reported |= peer.attend::<Report>()?.is_some();
            }
            thread::yield_now();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use nix::errno::Errno;
    use nix::sys::signal::{Signal, kill};
    use nix::sys::utsname::uname;

    use super::*;
    use crate::alone::alone;
    use crate::catalog;
    use crate::mechanism::Implementation;
    use crate::placement::{Cores, Placement};

    static NEVER: AtomicBool = AtomicBool::new(false);

    const CANCEL: CancelToken<'static> = CancelToken { timeout: Duration::from_secs(600), stop: &NEVER };

    /// Returns whether tracing is refused, and prints that the test is skipped.
    fn refused() -> bool {
        let refusal = probe().err();
        refusal.inspect(|failure| eprintln!("skipped: {failure}")).is_some()
    }

    fn counter(id: &str, implementation: Implementation) -> SyscallCounter<'static> {
        let cpus = Cores::of_this_process().cpu_pair(Placement::SameCore).unwrap();
        SyscallCounter::launch(catalog::find(id).unwrap().connect(implementation).unwrap(), cpus, CANCEL)
            .unwrap()
    }

    fn calls(id: &str, implementation: Implementation, workload: Workload, size: usize) -> f64 {
        let slice = slice(catalog::find(id).unwrap(), workload, size);
        counter(id, implementation).per_message(&slice).unwrap()
    }

    #[test]
    fn round_trip_takes_two_calls_on_each_side() {
        let _alone = alone();
        if refused() {
            return;
        }
        for mechanism in ["pipe", "socketpair_seqpacket", "unix_datagram", "tcp"] {
            for implementation in [Implementation::Ipcraft, Implementation::Baseline] {
                let slower = mechanism == "pipe"
                    && implementation == Implementation::Ipcraft
                    && !kernel_has_nosignal_for_pipes();
                assert_eq!(
                    calls(mechanism, implementation, Workload::RoundTrip, 64),
                    if slower { 6.0 } else { 4.0 },
                    "{mechanism} {implementation:?}"
                );
            }
        }
    }

    /// Without `RWF_NOSIGNAL` (Linux 6.18), the library asks for the action of `SIGPIPE` before
    /// each write.
    fn kernel_has_nosignal_for_pipes() -> bool {
        let release = uname().unwrap().release().to_string_lossy().into_owned();
        let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
        (numbers.next(), numbers.next()) >= (Some(6), Some(18))
    }

    #[test]
    fn calls_of_the_heap_are_not_counted() {
        let _alone = alone();
        if refused() {
            return;
        }
        let largest = catalog::find("unix_seqpacket").unwrap().nearest_size(1 << 20);
        assert_eq!(calls("unix_seqpacket", Implementation::Baseline, Workload::RoundTrip, largest), 4.0);
    }

    #[test]
    fn stream_takes_two_calls_and_a_fixed_rate_adds_a_sleep() {
        let _alone = alone();
        if refused() {
            return;
        }
        assert_eq!(calls("pipe", Implementation::Baseline, Workload::Stream, 64), 2.0);
        assert_eq!(calls("pipe", Implementation::Baseline, Workload::Rate, 64), 3.0);
    }

    #[test]
    fn acknowledgements_are_shared_by_a_window() {
        let _alone = alone();
        if refused() {
            return;
        }
        let udp = catalog::find("udp").unwrap();
        let window = udp.window(64).unwrap() as f64;
        let counted = calls("udp", Implementation::Baseline, Workload::Stream, 64);
        assert!((counted - (2.0 + 2.0 / window)).abs() < 1e-9, "{counted}");
    }

    #[test]
    fn spinning_limit_takes_no_call() {
        let _alone = alone();
        if refused() {
            return;
        }
        let cores = Cores::of_this_process();
        let limit = catalog::limits()[0];
        let Some(cpus) = cores.cpu_pair(Placement::TwoCores) else {
            return;
        };
        let connect = limit.connect(Implementation::Limit).unwrap();
        let mut counter = SyscallCounter::launch(connect, cpus, CANCEL).unwrap();
        assert_eq!(counter.per_message(&slice(limit, Workload::RoundTrip, 0)).unwrap(), 0.0);
    }

    #[test]
    fn run_when_cancelled_stops_and_leaves_no_process() {
        let _alone = alone();
        if refused() {
            return;
        }
        let stop = AtomicBool::new(true);
        let mut counter = counter("pipe", Implementation::Baseline);
        counter.cancel = CancelToken { stop: &stop, ..CANCEL };
        let ids = [counter.peers[0].id(), counter.peers[1].id()];
        let endless = Slice::new(Workload::Stream, 64, u64::MAX >> 20);
        assert_eq!(counter.run(&endless), Err(Failure::Stopped));
        drop(counter);
        for id in ids {
            assert_eq!(kill(id, None), Err(Errno::ESRCH));
        }
    }

    #[test]
    fn run_after_peer_killed_fails_and_does_not_hang() {
        let _alone = alone();
        if refused() {
            return;
        }
        for victim in [0, 1] {
            let mut counter = counter("pipe", Implementation::Baseline);
            let slice = Slice::new(Workload::RoundTrip, 64, 10);
            counter.run(&slice).unwrap();
            kill([counter.peers[0].id(), counter.peers[1].id()][victim], Signal::SIGKILL).unwrap();
            assert!(matches!(counter.run(&slice), Err(Failure::Failed(_))));
        }
    }

    #[test]
    fn run_delivers_signals_to_the_peer() {
        let _alone = alone();
        if refused() {
            return;
        }
        let mut counter = counter("pipe", Implementation::Baseline);
        kill(counter.peers[1].id(), Signal::SIGUSR1).unwrap();
        let failure = counter.run(&Slice::new(Workload::RoundTrip, 64, 10)).unwrap_err();
        assert!(failure.to_string().contains("SIGUSR1"), "{failure}");
    }
}
