//! System calls per message: counted in processes of their own, apart from everything that is timed.
//!
//! Two slices of one kind, the second of twice as many messages, differ by what these messages take and by nothing else:
//! commands, reports and buffers are the same. Being counted slows a process down many times over. So a figure is exact
//! where every message takes the same calls, and only an example where that depends on who comes first.

use std::thread;
use std::time::Duration;

use crate::control::Control;
use crate::interleave::Group;
use crate::peer::Peer;
use crate::placement::Seats;
use crate::registry::{Connect, Mechanism};
use crate::supervise::{Failure, Kept, Pair, Watch};
use crate::traced::Traced;
use crate::workload::{Report, Slice, Workload};

/// A slice takes milliseconds; a count is not worth waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Messages in the shorter slice, and bytes that it should not exceed by much.
const MOST_MESSAGES: u64 = 10;
const LEAST_MESSAGES: u64 = 4;
const BYTES: u64 = 1 << 20;
/// Faster than the schedule of timed slices, which is no matter to what is counted here.
const INTERVAL_NS: u64 = 200_000;
/// How often to hope that the heap has settled.
const ATTEMPTS: u32 = 3;

/// Whether ptrace(2) lets this process trace its children.
pub(crate) fn check() -> Result<(), Failure> {
    let peer = Peer::start(Control::receive)?;
    Traced::start(peer).map(drop)
}

/// Counts every row of a group.
pub(crate) fn count(group: &mut Group, watch: Watch<'_>) -> Result<(), Failure> {
    let _spinners = group.spinners()?;
    let watch = Watch { patience: watch.patience.min(PATIENCE), ..watch };
    for (who, (_, connect)) in group.mechanism.implementations.iter().enumerate() {
        let mut counter = Counter::launch(*connect, group.seats, watch)?;
        // How often both get in each other's way while they are traced says nothing.
        for case in group.cases.iter_mut().filter(|case| case.workload != Workload::Contended) {
            let slice = slice(group.mechanism, case.workload, case.size);
            case.tallies[who].syscalls_per_message = Some(counter.per_message(&slice)?);
        }
    }
    Ok(())
}

/// One sample whatever the number of messages, so that reports do not differ in length.
fn slice(mechanism: &Mechanism, workload: Workload, size: usize) -> Slice {
    let window = mechanism.window(size);
    let fitting = (BYTES / size.max(1) as u64).clamp(LEAST_MESSAGES, MOST_MESSAGES);
    let messages = match workload {
        Workload::RoundTrip | Workload::Call | Workload::Uncontended | Workload::Contended => fitting,
        Workload::Stream | Workload::Rate => fitting.next_multiple_of(window.unwrap_or(1)),
    };
    Slice { batch: messages, window, interval_ns: INTERVAL_NS, ..Slice::new(workload, size, messages) }
}

/// Two traced processes with a connection between them.
struct Counter<'a> {
    client: Traced,
    server: Traced,
    watch: Watch<'a>,
    /// Dropped when both peers are gone.
    _kept: Kept,
}

impl<'a> Counter<'a> {
    fn launch(connect: Connect, seats: Seats, watch: Watch<'a>) -> Result<Counter<'a>, Failure> {
        let (client, server, _kept) = Pair::launch(connect, seats, watch)?.into_peers();
        Ok(Counter { client: Traced::start(client)?, server: Traced::start(server)?, watch, _kept })
    }

    /// A slice of twice the length between two of the single length. Those two agree unless the heap, which asks the kernel
    /// for memory now and then, is still settling, or the calls depend on who comes first; only the former passes.
    fn per_message(&mut self, slice: &Slice) -> Result<f64, Failure> {
        let double = Slice { messages: 2 * slice.messages, batch: 2 * slice.batch, ..slice.clone() };
        let mut before = self.run(slice)?;
        let mut attempt = 1;
        loop {
            let (twice, after) = (self.run(&double)?, self.run(slice)?);
            if before == after || attempt == ATTEMPTS {
                let once = (before + after) as f64 / 2.0;
                return Ok((twice as f64 - once).max(0.0) / slice.messages as f64);
            }
            (before, attempt) = (after, attempt + 1);
        }
    }

    /// System calls that both processes make for one slice, from the one that waits for the command to the next.
    fn run(&mut self, slice: &Slice) -> Result<u64, Failure> {
        let before = self.calls();
        let slice = slice.scheduled();
        self.server.command(&slice)?;
        self.client.command(&slice)?;
        self.await_both()?;
        Ok(self.calls() - before)
    }

    fn calls(&self) -> u64 {
        self.client.calls() + self.server.calls()
    }

    fn await_both(&mut self) -> Result<(), Failure> {
        let deadline = self.watch.until();
        let (mut client, mut server) = (false, false);
        while !(client && server) {
            self.watch.check(deadline)?;
            client |= has_reported(&mut self.client)?;
            server |= has_reported(&mut self.server)?;
            thread::yield_now();
        }
        Ok(())
    }
}

fn has_reported(peer: &mut Traced) -> Result<bool, Failure> {
    let report: Option<Result<Report, String>> = peer.attend()?;
    report.transpose().map(|report| report.is_some()).map_err(Failure::Failed)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use nix::errno::Errno;
    use nix::sys::ptrace;
    use nix::sys::signal::{Signal, kill};

    use super::*;
    use crate::placement::{Cores, Placement};
    use crate::registry::{self, Implementation};

    static GO_ON: AtomicBool = AtomicBool::new(false);

    const WATCH: Watch<'static> = Watch { patience: Duration::from_secs(600), stop: &GO_ON };

    /// A test harness cannot skip a test, so it says that there is nothing to see.
    fn refused() -> bool {
        let refusal = check().err();
        refusal.inspect(|failure| eprintln!("not tested: {failure}")).is_some()
    }

    fn counter(id: &str, who: Implementation) -> Counter<'static> {
        let seats = Cores::of_this_process().seats(Placement::SameCore).unwrap();
        Counter::launch(registry::find(id).unwrap().connect(who).unwrap(), seats, WATCH).unwrap()
    }

    fn calls(id: &str, who: Implementation, workload: Workload, size: usize) -> f64 {
        let slice = slice(registry::find(id).unwrap(), workload, size);
        counter(id, who).per_message(&slice).unwrap()
    }

    #[test]
    fn a_round_trip_is_two_calls_on_each_side() {
        if refused() {
            return;
        }
        for mechanism in ["pipe", "socketpair_seqpacket", "unix_datagram", "tcp"] {
            for who in [Implementation::Ipcraft, Implementation::Raw] {
                assert_eq!(calls(mechanism, who, Workload::RoundTrip, 64), 4.0, "{mechanism} {who:?}");
            }
        }
    }

    #[test]
    fn buffers_that_the_heap_gives_back_each_time_do_not_show() {
        if refused() {
            return;
        }
        let largest = registry::find("unix_seqpacket").unwrap().nearest_size(1 << 20);
        assert_eq!(calls("unix_seqpacket", Implementation::Raw, Workload::RoundTrip, largest), 4.0);
    }

    #[test]
    fn one_way_is_half_of_that_and_a_schedule_adds_a_sleep() {
        if refused() {
            return;
        }
        assert_eq!(calls("pipe", Implementation::Raw, Workload::Stream, 64), 2.0);
        assert_eq!(calls("pipe", Implementation::Raw, Workload::Rate, 64), 3.0);
    }

    #[test]
    fn acknowledgements_are_shared_by_the_messages_of_a_window() {
        if refused() {
            return;
        }
        let udp = registry::find("udp").unwrap();
        let window = udp.window(64).unwrap() as f64;
        let counted = calls("udp", Implementation::Raw, Workload::Stream, 64);
        assert!((counted - (2.0 + 2.0 / window)).abs() < 1e-9, "{counted}");
    }

    #[test]
    fn a_spinning_floor_makes_no_call() {
        if refused() {
            return;
        }
        let cores = Cores::of_this_process();
        let floor = registry::floors()[0];
        let Some(seats) = cores.seats(Placement::TwoCores) else {
            return;
        };
        let connect = floor.connect(Implementation::Floor).unwrap();
        let mut counter = Counter::launch(connect, seats, WATCH).unwrap();
        assert_eq!(counter.per_message(&slice(floor, Workload::RoundTrip, 0)).unwrap(), 0.0);
    }

    #[test]
    fn a_request_to_stop_ends_counting_and_leaves_no_process() {
        if refused() {
            return;
        }
        let stop = AtomicBool::new(true);
        let mut counter = counter("pipe", Implementation::Raw);
        counter.watch = Watch { stop: &stop, ..WATCH };
        let ids = [counter.client.id(), counter.server.id()];
        let endless = Slice::new(Workload::Stream, 64, u64::MAX >> 20);
        assert_eq!(counter.run(&endless), Err(Failure::Stopped));
        drop(counter);
        for id in ids {
            assert_eq!(kill(id, None), Err(Errno::ESRCH));
        }
    }

    #[test]
    fn a_killed_peer_is_a_failure_and_no_hang() {
        if refused() {
            return;
        }
        for victim in [0, 1] {
            let mut counter = counter("pipe", Implementation::Raw);
            let slice = Slice::new(Workload::RoundTrip, 64, 10);
            counter.run(&slice).unwrap();
            kill([counter.client.id(), counter.server.id()][victim], Signal::SIGKILL).unwrap();
            assert!(matches!(counter.run(&slice), Err(Failure::Failed(_))));
        }
    }

    #[test]
    fn a_signal_reaches_the_peer_that_it_stops() {
        if refused() {
            return;
        }
        let mut counter = counter("pipe", Implementation::Raw);
        kill(counter.server.id(), Signal::SIGTERM).unwrap();
        let failure = counter.run(&Slice::new(Workload::RoundTrip, 64, 10)).unwrap_err();
        assert!(failure.to_string().contains("SIGTERM"), "{failure}");
    }

    #[test]
    fn a_peer_that_somebody_else_traces_is_refused() {
        let mut peer = Peer::start(|control| {
            ptrace::traceme()?;
            control.send(&())?;
            control.receive()
        })
        .unwrap();
        while peer.report::<()>().unwrap().is_none() {}
        let failure = Traced::start(peer).err().unwrap();
        assert!(failure.to_string().contains("ptrace(2): EPERM"), "{failure}");
    }
}
