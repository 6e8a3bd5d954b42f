//! Two processes with a connection of one mechanism between them.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use super::failure::{CancelToken, Failure};
use super::launcher::{Fork, Part};
use super::memory::Descriptors;
use super::session::Session;
use super::traced::Traced;
use crate::link::{Endpoints, Resources, Role};
use crate::mechanism::Connect;
use crate::placement::CpuPair;
use crate::workload::{Report, Slice};

/// Two processes with a connection between them. Dropping it ends both.
pub struct Pair {
    session: Session,
    setup: Duration,
    memory: Option<u64>,
    /// Dropped when both processes have ended.
    resources: Resources,
}

impl Pair {
    /// Builds a connection and forks a process for each endpoint.
    ///
    /// The processes end with the calling thread at the latest.
    ///
    /// # Errors
    /// [`Failure::Failed`] if the connection or a process cannot be made; [`Failure::Stopped`] if
    /// cancelled.
    pub fn launch(connect: Connect, cpus: CpuPair, cancel: CancelToken<'_>) -> Result<Pair, Failure> {
        // The first connection is slower to build, so the second one is timed.
        let memory = memory_of(connect)?;
        let (mut endpoints, setup) = build(connect)?;
        let parts =
            [Part { role: Role::Client, core: cpus.client }, Part { role: Role::Server, core: cpus.server }];
        let mut fork = Fork { endpoints: &mut endpoints };
        let session = Session::launch(&mut fork, &[&parts[..1], &parts[1..]], cancel)?;
        Ok(Pair { session, setup, memory, resources: endpoints.resources.take() })
    }

    /// Returns the time that building both endpoints took.
    pub fn setup(&self) -> Duration {
        self.setup
    }

    /// Returns how many bytes the kernel may hold for the connection: see
    /// [`Row::memory_bytes`](crate::Row::memory_bytes).
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Returns whether both processes are bound to their cores.
    pub fn pinned(&self) -> bool {
        self.session.pinned()
    }

    /// Runs one slice of work. After a failure the pair is of no further use.
    ///
    /// # Errors
    /// [`Failure::Failed`] if a peer ends, is silent for too long or receives a wrong message;
    /// [`Failure::Stopped`] if cancelled.
    pub fn run(&mut self, slice: &Slice, cancel: CancelToken<'_>) -> Result<Report, Failure> {
        let reports: Vec<Report> = self.session.run(&slice.scheduled(), cancel)?;
        Ok(reports.into_iter().reduce(Report::merge).unwrap_or_default())
    }

    /// Starts to trace both processes.
    pub(crate) fn into_traced(self) -> Result<(Vec<Traced>, Resources), Failure> {
        let traced = self.session.into_processes().map(|(process, control)| Traced::start(process, control));
        Ok((traced.collect::<Result<_, _>>()?, self.resources))
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// Builds both endpoints of a connection, and returns how long that took. The directory for names
/// is removed before the endpoints are used.
///
/// # Errors
/// Those of the mechanism, or of creating a temporary directory.
pub fn build(connect: Connect) -> io::Result<(Endpoints, Duration)> {
    let scratch = tempfile::tempdir()?;
    let start = Instant::now();
    let endpoints = connect(scratch.path())?;
    let setup = start.elapsed();
    scratch.close()?;
    Ok((endpoints, setup))
}

/// Builds both endpoints once to measure the descriptors that they add. `None` if `/proc` is not
/// readable.
fn memory_of(connect: Connect) -> io::Result<Option<u64>> {
    let before = Descriptors::now();
    let _endpoints = build(connect)?;
    Ok(before.and_then(|before| Ok(Descriptors::now()?.capacity_added_since(&before))).unwrap_or(None))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use nix::sys::signal::{Signal, kill};

    use super::*;
    use crate::alone::alone;
    use crate::catalog;
    use crate::link::Link;
    use crate::mechanism::{Implementation, Mechanism};
    use crate::workload::Workload;

    static NEVER: AtomicBool = AtomicBool::new(false);

    const CANCEL: CancelToken<'static> = CancelToken { timeout: Duration::from_secs(600), stop: &NEVER };

    const UNPINNED: CpuPair = CpuPair { client: None, server: None };

    /// The sizes at which implementations differ: the smallest, one cache line, one page, the
    /// largest.
    fn sizes_of(mechanism: &Mechanism) -> Vec<usize> {
        let mut sizes: Vec<usize> =
            [0, 1, 64, 4096, 65_536, 1 << 20].map(|size| mechanism.nearest_size(size)).into();
        sizes.dedup();
        sizes
    }

    fn slice(mechanism: &Mechanism, workload: Workload, size: usize) -> Slice {
        Slice {
            batch: 2,
            singles: 3,
            window: mechanism.window(size),
            interval_ns: 1000,
            ..Slice::new(workload, size, 20)
        }
    }

    fn exercise(mechanism: &Mechanism, connect: Connect) {
        let mut pair = Pair::launch(connect, UNPINNED, CANCEL).unwrap();
        for &workload in mechanism.workloads {
            for size in sizes_of(mechanism) {
                let report = pair.run(&slice(mechanism, workload, size), CANCEL);
                let report =
                    report.unwrap_or_else(|error| panic!("{} {workload:?} {size}: {error}", mechanism.id));
                let samples = match workload {
                    Workload::RoundTrip | Workload::Call | Workload::Uncontended => 10,
                    Workload::Stream | Workload::Contended | Workload::SetUp | Workload::PeerDeath => 0,
                    Workload::Rate => 20,
                };
                assert_eq!(report.samples.len(), samples, "{} {workload:?} {size}", mechanism.id);
                assert_eq!(report.done > Some(0), workload == Workload::Contended, "{}", mechanism.id);
            }
        }
    }

    #[test]
    fn every_implementation_carries_every_size_between_two_processes() {
        let _alone = alone();
        for mechanism in catalog::mechanisms().iter().chain(catalog::limits()) {
            for (_, connect) in mechanism.implementations {
                exercise(mechanism, *connect);
            }
        }
    }

    /// Corrupts its fifth message.
    struct Corrupting {
        inner: Box<dyn Link>,
        messages: u32,
    }

    impl Link for Corrupting {
        fn send(&mut self, message: &[u8]) -> io::Result<()> {
            self.inner.send(message)
        }

        fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
            self.inner.recv(buffer)?;
            self.messages += 1;
            if self.messages == 5 {
                buffer[0] ^= 0x80;
            }
            Ok(())
        }
    }

    fn pipe(scratch: &Path) -> io::Result<Endpoints> {
        let pipe = catalog::find("pipe").unwrap();
        pipe.connect(Implementation::Baseline).unwrap()(scratch)
    }

    fn corrupting_pipe(scratch: &Path) -> io::Result<Endpoints> {
        let endpoints = pipe(scratch)?;
        let server = Corrupting { inner: endpoints.server, messages: 0 };
        Ok(Endpoints { server: Box::new(server), ..endpoints })
    }

    fn failure_of(
        connect: Connect,
        workload: Workload,
        prepare: impl FnOnce(&Pair),
        cancel: CancelToken<'_>,
    ) -> Failure {
        let mut pair = Pair::launch(connect, UNPINNED, cancel).unwrap();
        prepare(&pair);
        pair.run(&Slice::new(workload, 64, 1000), cancel).unwrap_err()
    }

    #[test]
    fn run_with_corrupt_message_fails() {
        let _alone = alone();
        for workload in [Workload::RoundTrip, Workload::Stream, Workload::Rate] {
            let failure = failure_of(corrupting_pipe, workload, |_| {}, CANCEL);
            assert!(failure.to_string().contains("message 4"), "{workload:?}: {failure}");
        }
    }

    #[test]
    fn run_after_peer_killed_fails_and_does_not_hang() {
        let _alone = alone();
        for victim in [0, 1] {
            let murder = |pair: &Pair| kill(pair.session.ids()[victim], Signal::SIGKILL).unwrap();
            let failure = failure_of(pipe, Workload::RoundTrip, murder, CANCEL);
            assert!(failure.to_string().contains("killed by SIGKILL"), "{failure}");
        }
    }

    #[test]
    fn run_with_stopped_peer_times_out() {
        let _alone = alone();
        let cancel = CancelToken { timeout: Duration::from_millis(200), ..CANCEL };
        let halt = |pair: &Pair| kill(pair.session.ids()[1], Signal::SIGSTOP).unwrap();
        let failure = failure_of(pipe, Workload::RoundTrip, halt, cancel);
        assert!(failure.to_string().starts_with("no reply"), "{failure}");
    }

    #[test]
    fn run_when_cancelled_stops_and_leaves_no_process() {
        let _alone = alone();
        let stop = AtomicBool::new(false);
        let cancel = CancelToken { stop: &stop, ..CANCEL };
        let mut pair = Pair::launch(pipe, UNPINNED, cancel).unwrap();
        let ids = pair.session.ids();
        stop.store(true, Ordering::Relaxed);
        let halted = pair.run(&Slice::new(Workload::Stream, 64, u64::MAX >> 20), cancel);
        assert_eq!(halted.unwrap_err(), Failure::Stopped);
        drop(pair);
        for id in ids {
            assert_eq!(kill(id, None), Err(nix::errno::Errno::ESRCH));
        }
    }

    #[test]
    fn run_with_panicking_peer_fails() {
        let _alone = alone();
        fn panicking(_scratch: &Path) -> io::Result<Endpoints> {
            Ok(Endpoints::new(Panicking, Panicking))
        }
        let failure = failure_of(panicking, Workload::RoundTrip, |_| {}, CANCEL);
        assert!(failure.to_string().contains("it panicked: on purpose"), "{failure}");
    }

    struct Panicking;

    impl Link for Panicking {
        fn send(&mut self, _message: &[u8]) -> io::Result<()> {
            std::panic::resume_unwind(Box::new("on purpose"))
        }

        fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
            self.send(&[])
        }
    }
}
