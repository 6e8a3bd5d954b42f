//! The cost of the library over hand-written C: the same system calls in the same order, and at
//! most [`ALLOWANCE`] more instructions per call.

use std::fmt;
use std::io;
use std::mem;
use std::process::ExitCode;

use ipcraft_bench::{Endpoints, Implementation, Link, Mechanism, Workload, mechanisms};
use ipcraft_tests::scratch;
use ipcraft_tests::step::{self, Trace};
use ipcraft_tests::suite::{self, Outcome, serial_test};

/// The instructions beyond a direct call of libc that a call of the library may take.
const ALLOWANCE: i64 = 30;

/// The same where the kernel lacks a flag, and the library makes one call more for the same effect.
const FALLBACK_ALLOWANCE: i64 = 200;

/// Small enough that no mechanism has to cut it; for those of smaller messages it is cut here.
const MESSAGE: [u8; 64] = [7; 64];

/// Mechanisms whose send and receive are counted together, with the calls of the library in both.
///
/// They have room for one message, or their messages go to a process, which has to send and
/// receive.
const TOGETHER: &[(&str, i64)] = &[
    ("eventfd", 2),
    ("realtime_signal", 2),
    ("shm_futex", 4),
    ("shm_posix_semaphore", 4),
    ("shm_sysv_semaphore", 4),
    ("signalfd", 2),
    ("sync_condvar", 8),
];

/// Mechanisms that write to a pipe, which raises `SIGPIPE` unless that is prevented.
const PIPES: &[&str] = &["pipe", "fifo"];

/// Mechanisms that need the kernel only to wait and to wake.
const WITHOUT_SYSTEM_CALLS: &[&str] = &["shm_posix_semaphore", "sync_condvar"];

/// Mechanisms of which one process alone can do nothing but wait for the other.
const FOR_TWO: &[&str] = &["sync_barrier"];

fn main() -> ExitCode {
    suite::main()
}

#[serial_test]
fn calls_are_as_thin_as_libc_of_every_mechanism() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    let carries = |mechanism: &&&Mechanism| mechanism.workloads.contains(&Workload::RoundTrip);
    let alone = |mechanism: &&&Mechanism| !FOR_TWO.contains(&mechanism.id);
    // What is no call of the kernel's cannot be as thin as one; what channels cost is counted among
    // their own tests.
    let kernels = |mechanism: &&&Mechanism| !mechanism.id.starts_with("channel");
    let carriers = mechanisms().iter().filter(carries).filter(alone).filter(kernels);
    let rows: Vec<Row> = carriers.flat_map(|mechanism| rows(mechanism)).collect();
    println!("\n{}", Row::HEADING);
    for row in &rows {
        println!("{row}");
    }
    let thick: Vec<String> = rows.iter().filter(|row| !row.is_thin()).map(ToString::to_string).collect();
    assert!(thick.is_empty(), "not thin:\n{}", thick.join("\n"));
    Outcome::Passed
}

/// What one operation costs in both implementations.
struct Row {
    mechanism: &'static str,
    operation: &'static str,
    ipcraft: Trace,
    raw: Trace,
    /// What the measuring itself costs, the same in both.
    overhead: u64,
}

/// An operation on a connection that is ready for it, as often as it is called.
type Operation = fn(Endpoints, &'static [u8]) -> Box<dyn FnMut()>;

fn rows(mechanism: &Mechanism) -> Vec<Row> {
    if calls_together(mechanism.id).is_some() {
        return vec![row(mechanism, "both", sending_and_receiving)];
    }
    vec![row(mechanism, "send", sending), row(mechanism, "receive", receiving)]
}

fn row(mechanism: &Mechanism, name: &'static str, operation: Operation) -> Row {
    let message = &MESSAGE[..mechanism.nearest_size(MESSAGE.len())];
    let count = |mut ends: Endpoints| {
        // The operation is the child's alone.
        let _resources = ends.resources.take();
        step::trace(operation(ends, message)).unwrap_or_else(|e| panic!("{name} on {}: {e}", mechanism.id))
    };
    Row {
        mechanism: mechanism.id,
        operation: name,
        ipcraft: count(connect(mechanism, Implementation::Ipcraft)),
        raw: count(connect(mechanism, Implementation::Baseline)),
        overhead: count(Endpoints::new(Nothing, Nothing)).instructions,
    }
}

fn calls_together(mechanism: &str) -> Option<i64> {
    TOGETHER.iter().find(|(id, _)| *id == mechanism).map(|(_, calls)| *calls)
}

fn connect(mechanism: &Mechanism, implementation: Implementation) -> Endpoints {
    let connect = mechanism.connect(implementation).expect("both implementations");
    connect(scratch::directory().path()).unwrap_or_else(|e| panic!("connecting {}: {e}", mechanism.id))
}

fn sending(mut ends: Endpoints, message: &'static [u8]) -> Box<dyn FnMut()> {
    Box::new(move || {
        let Endpoints { client, server: _open, .. } = &mut ends;
        client.send(message).expect("sending");
    })
}

fn receiving(mut ends: Endpoints, message: &'static [u8]) -> Box<dyn FnMut()> {
    // One message for the warm-up and one for the call that is counted.
    for _ in 0..2 {
        ends.client.send(message).expect("sending");
    }
    Box::new(move || {
        let Endpoints { client: _open, server, .. } = &mut ends;
        server.recv(&mut [0; MESSAGE.len()][..message.len()]).expect("receiving");
    })
}

fn sending_and_receiving(mut ends: Endpoints, message: &'static [u8]) -> Box<dyn FnMut()> {
    // The first call, which is not counted, makes both ends this process's.
    let mut arrived = false;
    Box::new(move || {
        if !mem::replace(&mut arrived, true) {
            ends.client.on_start().expect("arriving");
            ends.server.on_start().expect("arriving");
        }
        ends.client.send(message).expect("sending");
        ends.server.recv(&mut [0; MESSAGE.len()][..message.len()]).expect("receiving");
    })
}

/// A mechanism that does nothing: calling it costs what calling the others costs around the
/// operation.
struct Nothing;

impl Link for Nothing {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Ok(())
    }
}

impl Row {
    const HEADING: &str = "mechanism               operation   raw  ipcraft  more  system calls";

    fn more(&self) -> i64 {
        self.ipcraft.instructions as i64 - self.raw.instructions as i64
    }

    fn allowance(&self) -> i64 {
        if self.lacks_nosignal() {
            return FALLBACK_ALLOWANCE;
        }
        ALLOWANCE * calls_together(self.mechanism).unwrap_or(1)
    }

    /// Returns whether the kernel lacks `RWF_NOSIGNAL` (Linux 6.18). The baseline has tried it, and
    /// writes without it. The library then asks first whether `SIGPIPE` would kill.
    fn lacks_nosignal(&self) -> bool {
        PIPES.contains(&self.mechanism) && self.raw.system_calls == [libc::SYS_write]
    }

    fn wanted_calls(&self) -> &[i64] {
        if self.lacks_nosignal() {
            return &[libc::SYS_rt_sigaction, libc::SYS_pwritev2];
        }
        &self.raw.system_calls
    }

    fn is_thin(&self) -> bool {
        let calls = &self.ipcraft.system_calls;
        let as_many = calls.is_empty() == WITHOUT_SYSTEM_CALLS.contains(&self.mechanism);
        self.more() <= self.allowance() && calls == self.wanted_calls() && as_many
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { mechanism, operation, ipcraft, raw, overhead } = self;
        let (ours, theirs) = (ipcraft.instructions - overhead, raw.instructions - overhead);
        write!(f, "{mechanism:<23} {operation:<9} {theirs:5} {ours:8} {:+5}  ", self.more())?;
        write!(f, "{}", names(&ipcraft.system_calls))?;
        if ipcraft.system_calls != raw.system_calls {
            write!(f, " where raw makes {}", names(&raw.system_calls))?;
        }
        Ok(())
    }
}

fn names(calls: &[i64]) -> String {
    calls.iter().map(|&number| name(number)).collect::<Vec<_>>().join(", ")
}

fn name(number: i64) -> String {
    match number {
        libc::SYS_read => "read".into(),
        libc::SYS_write => "write".into(),
        libc::SYS_pwritev2 => "pwritev2".into(),
        libc::SYS_sendto => "sendto".into(),
        libc::SYS_sendmsg => "sendmsg".into(),
        libc::SYS_recvfrom => "recvfrom".into(),
        libc::SYS_recvmsg => "recvmsg".into(),
        libc::SYS_mq_timedsend => "mq_timedsend".into(),
        libc::SYS_mq_timedreceive => "mq_timedreceive".into(),
        libc::SYS_msgsnd => "msgsnd".into(),
        libc::SYS_msgrcv => "msgrcv".into(),
        libc::SYS_futex => "futex".into(),
        libc::SYS_rt_sigaction => "rt_sigaction".into(),
        libc::SYS_getpid => "getpid".into(),
        libc::SYS_getuid => "getuid".into(),
        libc::SYS_rt_sigqueueinfo => "rt_sigqueueinfo".into(),
        libc::SYS_rt_sigtimedwait => "rt_sigtimedwait".into(),
        libc::SYS_semop | libc::SYS_semtimedop => "semop".into(),
        other => other.to_string(),
    }
}
