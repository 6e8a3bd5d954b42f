//! Two peers, one connection between them, and somebody who watches both.
//!
//! The supervising process takes no part in the traffic, so nothing that a mechanism does can block it: it waits for
//! reports in short ticks, and in each it notices a dead peer, an exhausted patience or a request to stop. Then it kills
//! both.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::control::Control;
use crate::link::{Ends, Link};
use crate::memory::Descriptors;
use crate::peer::{Peer, Role, become_idle};
use crate::placement::{Seats, pin};
use crate::registry::Connect;
use crate::workload::{self, Report, Slice};

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Somebody asked to stop.
    Stopped,
    /// Something went wrong, in words.
    Failed(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Stopped => f.write_str("stopped"),
            Failure::Failed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}

/// How long a peer may be silent, and who may cut that short.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// A slice that takes longer has failed.
    pub patience: Duration,
    /// Set to give up soon.
    pub stop: &'a AtomicBool,
}

impl Watch<'_> {
    pub(crate) fn until(&self) -> Instant {
        Instant::now() + self.patience
    }

    pub(crate) fn check(&self, deadline: Instant) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        if Instant::now() >= deadline {
            let seconds = self.patience.as_secs_f32();
            return Err(Failure::Failed(format!("no answer within {seconds} s")));
        }
        Ok(())
    }
}

/// What a connection needs for as long as anybody uses it; it goes when this is dropped.
pub(crate) type Kept = Option<Box<dyn Any>>;

/// Two processes with a connection between them. Dropping it ends both.
pub struct Pair {
    client: Peer,
    server: Peer,
    setup: Duration,
    memory: Option<u64>,
    pinned: bool,
    /// Dropped when both peers are gone.
    kept: Kept,
}

impl Pair {
    /// Builds a connection and forks a process for each end.
    ///
    /// The processes live no longer than the calling thread.
    ///
    /// # Errors
    /// [`Failure::Failed`] when the connection or the processes cannot be made, [`Failure::Stopped`] on request.
    pub fn launch(connect: Connect, seats: Seats, watch: Watch<'_>) -> Result<Pair, Failure> {
        // The first time is dearer, so the second one is timed.
        let memory = memory_of(connect)?;
        let (mut ends, setup) = build(connect)?;
        let client =
            Peer::start(|control| serve(control, ends.keep(Role::Client), Role::Client, seats.client))?;
        let server =
            Peer::start(|control| serve(control, ends.keep(Role::Server), Role::Server, seats.server))?;
        let kept = ends.kept.take();
        drop(ends);
        let mut pair = Pair { client, server, setup, memory, pinned: false, kept };
        let (client, server) = pair.await_both(watch)?;
        pair.pinned = client && server;
        Ok(pair)
    }

    /// The time that building both ends took.
    pub fn setup(&self) -> Duration {
        self.setup
    }

    /// What the kernel may hold for the connection, in bytes: see [`Row::memory_bytes`](crate::Row::memory_bytes).
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Whether both processes are bound to their cores.
    pub fn pinned(&self) -> bool {
        self.pinned
    }

    /// Does one slice of work. After a failure the pair is of no further use.
    ///
    /// # Errors
    /// [`Failure::Failed`] when a peer died, fell silent or received something wrong; [`Failure::Stopped`] on request.
    pub fn run(&mut self, slice: &Slice, watch: Watch<'_>) -> Result<Report, Failure> {
        let slice = slice.scheduled();
        self.server.command(&slice)?;
        self.client.command(&slice)?;
        let (client, server): (Report, Report) = self.await_both(watch)?;
        Ok(client.merge(server))
    }

    /// Waits for the reports of both. A side that failed leaves the other waiting, so its word is enough.
    fn await_both<T: DeserializeOwned>(&mut self, watch: Watch<'_>) -> Result<(T, T), Failure> {
        let deadline = watch.until();
        let (mut client, mut server) = (None, None);
        loop {
            watch.check(deadline)?;
            poll(&mut self.client, &mut client)?;
            poll(&mut self.server, &mut server)?;
            match (client, server) {
                (Some(client), Some(server)) => return Ok((client, server)),
                pending => (client, server) = pending,
            }
        }
    }

    /// Client and server, for somebody else to watch.
    pub(crate) fn into_peers(self) -> (Peer, Peer, Kept) {
        (self.client, self.server, self.kept)
    }

    /// The process ids of client and server.
    #[cfg(test)]
    pub(crate) fn ids(&self) -> [nix::unistd::Pid; 2] {
        [self.client.id(), self.server.id()]
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

fn poll<T: DeserializeOwned>(peer: &mut Peer, report: &mut Option<T>) -> Result<(), Failure> {
    if report.is_none() {
        let answer: Option<Result<T, String>> = peer.report()?;
        *report = answer.transpose().map_err(Failure::Failed)?;
    }
    Ok(())
}

/// Builds both ends of a connection, and tells how long that took. The directory for names is gone again before anybody
/// uses the ends.
///
/// # Errors
/// Whatever the mechanism reports, or that there is no temporary directory.
pub fn build(connect: Connect) -> io::Result<(Ends, Duration)> {
    let scratch = tempfile::tempdir()?;
    let start = Instant::now();
    let ends = connect(scratch.path())?;
    let setup = start.elapsed();
    scratch.close()?;
    Ok((ends, setup))
}

/// Builds both ends once, for a look at the descriptors that they add; none where these are not to be seen.
fn memory_of(connect: Connect) -> io::Result<Option<u64>> {
    let before = Descriptors::now();
    let _ends = build(connect)?;
    Ok(before.and_then(|before| Ok(Descriptors::now()?.capacity_added_since(&before))).unwrap_or(None))
}

/// The life of a peer: arrives at its end, says whether it is pinned, then does slices until the supervisor hangs up.
fn serve(control: &mut Control, link: &mut dyn Link, role: Role, core: Option<usize>) -> io::Result<()> {
    let arrived = link.arrive().map_err(|error| error.to_string());
    let hello: Result<bool, String> = arrived.map(|()| core.is_some_and(pin));
    control.send(&hello)?;
    loop {
        let slice: Slice = match control.receive() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            slice => slice?,
        };
        let report = workload::run(role, link, &slice).map_err(|error| error.to_string());
        control.send(&report)?;
    }
}

/// A process per core that runs only when nobody else wants the core, and so keeps it from falling asleep.
pub(crate) struct Spinners {
    _peers: Vec<Peer>,
}

impl Spinners {
    /// Spinners for the cores of two seats.
    pub(crate) fn start(seats: Seats) -> io::Result<Spinners> {
        let mut cores: Vec<usize> = [seats.client, seats.server].into_iter().flatten().collect();
        cores.dedup();
        let peers = cores.into_iter().map(|core| Peer::start(|_| spin(core))).collect::<io::Result<_>>()?;
        Ok(Spinners { _peers: peers })
    }
}

fn spin(core: usize) -> io::Result<()> {
    become_idle()?;
    if !pin(core) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    loop {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use nix::sys::signal::{Signal, kill};

    use super::*;
    use crate::registry::{self, Mechanism};
    use crate::workload::Workload;

    static GO_ON: AtomicBool = AtomicBool::new(false);

    const WATCH: Watch<'static> = Watch { patience: Duration::from_secs(600), stop: &GO_ON };

    const ANYWHERE: Seats = Seats { client: None, server: None };

    /// The sizes at which implementations differ: the smallest, one cache line, one page, the largest.
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
        let mut pair = Pair::launch(connect, ANYWHERE, WATCH).unwrap();
        for &workload in mechanism.workloads {
            for size in sizes_of(mechanism) {
                let report = pair.run(&slice(mechanism, workload, size), WATCH);
                let report =
                    report.unwrap_or_else(|error| panic!("{} {workload:?} {size}: {error}", mechanism.id));
                let samples = match workload {
                    Workload::RoundTrip | Workload::Call | Workload::Uncontended => 10,
                    Workload::Stream | Workload::Contended => 0,
                    Workload::Rate => 20,
                };
                assert_eq!(report.samples.len(), samples, "{} {workload:?} {size}", mechanism.id);
                assert_eq!(report.done > Some(0), workload == Workload::Contended, "{}", mechanism.id);
            }
        }
    }

    #[test]
    fn every_implementation_carries_every_size_between_two_processes() {
        for mechanism in registry::mechanisms().iter().chain(registry::floors()) {
            for (_, connect) in mechanism.implementations {
                exercise(mechanism, *connect);
            }
        }
    }

    /// Works until its fifth message, which it garbles.
    struct Liar {
        inner: Box<dyn Link>,
        messages: u32,
    }

    impl Link for Liar {
        fn send(&mut self, message: &[u8]) -> io::Result<()> {
            self.inner.send(message)
        }

        fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
            self.inner.receive(buffer)?;
            self.messages += 1;
            if self.messages == 5 {
                buffer[0] ^= 0x80;
            }
            Ok(())
        }
    }

    fn pipe(scratch: &Path) -> io::Result<Ends> {
        let pipe = registry::find("pipe").unwrap();
        pipe.connect(registry::Implementation::Raw).unwrap()(scratch)
    }

    fn lying_pipe(scratch: &Path) -> io::Result<Ends> {
        let ends = pipe(scratch)?;
        let server = Liar { inner: ends.server, messages: 0 };
        Ok(Ends { server: Box::new(server), ..ends })
    }

    fn failure_of(
        connect: Connect,
        workload: Workload,
        prepare: impl FnOnce(&Pair),
        watch: Watch<'_>,
    ) -> Failure {
        let mut pair = Pair::launch(connect, ANYWHERE, watch).unwrap();
        prepare(&pair);
        pair.run(&Slice::new(workload, 64, 1000), watch).unwrap_err()
    }

    #[test]
    fn a_corrupt_message_is_a_failure() {
        for workload in [Workload::RoundTrip, Workload::Stream, Workload::Rate] {
            let failure = failure_of(lying_pipe, workload, |_| {}, WATCH);
            assert!(failure.to_string().contains("message 4"), "{workload:?}: {failure}");
        }
    }

    #[test]
    fn a_killed_peer_is_a_failure_and_no_hang() {
        for victim in [0, 1] {
            let murder = |pair: &Pair| kill(pair.ids()[victim], Signal::SIGKILL).unwrap();
            let failure = failure_of(pipe, Workload::RoundTrip, murder, WATCH);
            assert!(matches!(failure, Failure::Failed(_)));
        }
    }

    #[test]
    fn a_stopped_peer_is_a_failure_once_patience_ends() {
        let watch = Watch { patience: Duration::from_millis(200), ..WATCH };
        let halt = |pair: &Pair| kill(pair.ids()[1], Signal::SIGSTOP).unwrap();
        let failure = failure_of(pipe, Workload::RoundTrip, halt, watch);
        assert!(failure.to_string().starts_with("no answer"), "{failure}");
    }

    #[test]
    fn a_request_to_stop_is_heard_and_leaves_no_process() {
        let stop = AtomicBool::new(false);
        let watch = Watch { stop: &stop, ..WATCH };
        let mut pair = Pair::launch(pipe, ANYWHERE, watch).unwrap();
        let ids = pair.ids();
        stop.store(true, Ordering::Relaxed);
        let halted = pair.run(&Slice::new(Workload::Stream, 64, u64::MAX >> 20), watch);
        assert_eq!(halted.unwrap_err(), Failure::Stopped);
        drop(pair);
        for id in ids {
            assert_eq!(kill(id, None), Err(nix::errno::Errno::ESRCH));
        }
    }

    #[test]
    fn a_peer_that_panics_is_a_failure() {
        fn panicking(_scratch: &Path) -> io::Result<Ends> {
            Ok(Ends::new(Panicking, Panicking))
        }
        let failure = failure_of(panicking, Workload::RoundTrip, |_| {}, WATCH);
        assert!(matches!(failure, Failure::Failed(_)));
    }

    struct Panicking;

    impl Link for Panicking {
        fn send(&mut self, _message: &[u8]) -> io::Result<()> {
            std::panic::resume_unwind(Box::new(()))
        }

        fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
            self.send(&[])
        }
    }

    #[test]
    fn spinners_end_with_their_owner() {
        let cores = crate::placement::Cores::of_this_process();
        let seats = cores.seats(crate::placement::Placement::SameCore).unwrap();
        let spinners = Spinners::start(seats).unwrap();
        let ids: Vec<_> = spinners._peers.iter().map(Peer::id).collect();
        drop(spinners);
        assert!(ids.iter().all(|&id| kill(id, None).is_err()));
    }
}
