//! The user-space instructions of one send and of one receive of each kind of channel, while no
//! peer is waiting.

use ipcraft::ErrorKind;
use ipcraft::channel::{broadcast, latest, mpmc, request, spsc};
use ipcraft_tests::step;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::patience;

/// An operation and the instructions that it may take.
struct Bound {
    operation: &'static str,
    /// With the release profile.
    release: u64,
    /// With the dev profile, which checks the test's own code for overflow.
    dev: u64,
}

/// The counts at the time of recording (x86-64, rustc 1.95).
///
/// A change that raises a count makes every message slower. A change that lowers a count lowers its
/// bound too.
const BOUNDS: [Bound; 15] = [
    bound("spsc send", 26, 39),
    bound("spsc recv", 57, 75),
    bound("bytes send", 70, 113),
    bound("bytes recv", 192, 366),
    bound("mpmc send", 73, 95),
    bound("mpmc recv", 74, 100),
    bound("broadcast send", 38, 66),
    bound("broadcast recv", 61, 107),
    bound("latest store", 33, 62),
    bound("latest load", 46, 99),
    bound("request send", 41, 54),
    bound("request recv+respond", 82, 124),
    bound("request recv reply", 74, 111),
    bound("spsc try_recv empty", 167, 181),
    bound("spsc try_send full", 426, 467),
];

const fn bound(operation: &'static str, release: u64, dev: u64) -> Bound {
    Bound { operation, release, dev }
}

impl Bound {
    fn of_this_profile(&self) -> u64 {
        if cfg!(debug_assertions) { self.dev } else { self.release }
    }
}

/// The messages that lie ready: one for the call that warms up and one for the call that is
/// counted.
const CALLS: usize = 2;

#[serial_test]
fn send_and_recv_are_thin_and_make_no_system_call() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    // A check of liveness that is due is a system call.
    if patience() > 1 {
        return Outcome::Skipped("single steps are slower here than the liveness interval".into());
    }
    let counts = [spsc(), bytes(), mpmc(), broadcast(), latest(), request(), nothing()].concat();
    println!("\noperation            instructions   bound");
    let mut exceeded = Vec::new();
    for (bound, count) in BOUNDS.iter().zip(&counts) {
        let row = format!("{:<20} {count:12} {:7}", bound.operation, bound.of_this_profile());
        println!("{row}");
        if *count > bound.of_this_profile() {
            exceeded.push(row);
        }
    }
    assert_eq!(counts.len(), BOUNDS.len());
    if cfg!(target_arch = "x86_64") {
        assert!(exceeded.is_empty(), "more instructions than recorded:\n{}", exceeded.join("\n"));
    }
    Outcome::Passed
}

/// Counts the instructions of one call.
///
/// The call runs in a forked child, so this process cannot use the endpoint afterwards.
fn count(operation: impl FnMut()) -> u64 {
    let trace = step::trace(operation).unwrap();
    assert_eq!(trace.system_calls, []);
    trace.instructions - step::overhead().unwrap()
}

fn spsc() -> Vec<u64> {
    let channel = || spsc::channel::<u64>(8).unwrap();
    let (mut tx, _rx) = channel();
    let send = count(|| tx.send(7).unwrap());
    let (mut tx, mut rx) = channel();
    (0..CALLS).for_each(|_| tx.send(7).unwrap());
    vec![send, count(|| assert_eq!(rx.recv().unwrap(), 7))]
}

fn bytes() -> Vec<u64> {
    let channel = || spsc::bytes::channel(4096).unwrap();
    let (mut tx, _rx) = channel();
    let send = count(|| tx.send(&[7; 64]).unwrap());
    let (mut tx, mut rx) = channel();
    (0..CALLS).for_each(|_| tx.send(&[7; 64]).unwrap());
    let mut buffer = Vec::with_capacity(64);
    vec![send, count(|| assert_eq!(rx.recv(&mut buffer).unwrap(), 64))]
}

fn mpmc() -> Vec<u64> {
    let channel = || mpmc::channel::<u64>(8).unwrap();
    let (mut tx, _rx) = channel();
    let send = count(|| tx.send(7).unwrap());
    let (mut tx, mut rx) = channel();
    (0..CALLS).for_each(|_| tx.send(7).unwrap());
    vec![send, count(|| assert_eq!(rx.recv().unwrap(), 7))]
}

fn broadcast() -> Vec<u64> {
    let channel = || broadcast::channel::<u64>(8).unwrap();
    let (mut tx, _rx) = channel();
    let send = count(|| tx.send(7).unwrap());
    let (mut tx, mut rx) = channel();
    (0..CALLS).for_each(|_| tx.send(7).unwrap());
    vec![send, count(|| assert_eq!(rx.recv().unwrap(), 7))]
}

fn latest() -> Vec<u64> {
    let channel = || latest::channel::<u64>().unwrap();
    let (mut writer, _reader) = channel();
    let store = count(|| writer.store(7));
    let (mut writer, mut reader) = channel();
    writer.store(7);
    vec![store, count(|| assert_eq!(reader.load().unwrap().value, 7))]
}

fn request() -> Vec<u64> {
    let channel = || request::channel::<u64, u64>(8).unwrap();
    let (mut client, _server) = channel();
    let send = count(|| _ = client.send(7).unwrap());
    let (mut client, mut server) = channel();
    (0..CALLS).for_each(|_| _ = client.send(7).unwrap());
    let answer = count(|| server.recv().unwrap().respond(8).unwrap());
    let (mut client, mut server) = channel();
    (0..CALLS).for_each(|_| _ = client.send(7).unwrap());
    (0..CALLS).for_each(|_| server.recv().unwrap().respond(8).unwrap());
    vec![send, answer, count(|| assert_eq!(client.recv().unwrap().1, 8))]
}

/// Calls in a polling loop that find no message or no space. Receiving does not read the clock.
fn nothing() -> Vec<u64> {
    const POLLS: u32 = 16;
    let (_tx, mut rx) = spsc::channel::<u32>(8).unwrap();
    let mut poll = || assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    (0..POLLS).for_each(|_| poll());
    let empty = count(poll);
    let (mut tx, _rx) = spsc::channel::<u32>(8).unwrap();
    while tx.try_send(7).is_ok() {}
    let mut poll = || assert_eq!(tx.try_send(7).unwrap_err().kind(), ErrorKind::Full);
    (0..POLLS).for_each(|_| poll());
    vec![empty, count(poll)]
}
