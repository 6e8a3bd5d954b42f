//! Numbered messages between two processes in a storm, and deadlines in it.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::scratch;
use ipcraft_tests::subject::{Ends, Form, Receiver, Release, Sender, pattern};

/// A way from one process to another, and the operations of the library that it waits in, under the
/// names that they have without `_timeout`.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    /// None if sending never waits.
    pub(crate) sends: &'static [&'static str],
    pub(crate) receives: &'static [&'static str],
    /// Makes both ends in this process; names go into the directory, which is empty.
    pub(crate) connect: &'static (dyn Fn(&Path) -> Ends + Sync),
}

/// The length of every message: less than a page, and less than the kernel's limits by default.
pub(crate) const CHUNK: usize = 4000;
/// How many messages one side is slow for, before the other is: more than fit into any of the
/// mechanisms.
const TURN: u32 = 40;
const PAUSE: Duration = Duration::from_millis(1);
/// How many signals have to come while a side is inside calls of the library.
pub(crate) const ENOUGH: u32 = 25;
const DEADLINE: Duration = Duration::from_millis(40);
pub(crate) const LONG: Duration = Duration::from_secs(50);

/// A storm, and how many of its signals came during calls.
pub(crate) struct Rain {
    storm: Storm,
    hits: u32,
}

impl Rain {
    pub(crate) fn start(handler: Handler) -> Rain {
        Rain { storm: Storm::start(handler), hits: 0 }
    }

    pub(crate) fn on<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let before = self.storm.caught();
        let result = call();
        self.hits += (self.storm.caught() - before) as u32;
        result
    }

    /// How many signals came during calls.
    pub(crate) fn hits(&self) -> u32 {
        self.hits
    }
}

/// What the receiving process has been hit by, for the sending one to see.
struct Gauge(Mapping);

impl Gauge {
    fn new() -> Gauge {
        Gauge(Memfd::create("gauge", 4).unwrap().map().unwrap())
    }

    fn set(&self, hits: u32) {
        self.0.atomic_u32(0).unwrap().store(hits, Relaxed);
    }

    fn get(&self) -> u32 {
        self.0.atomic_u32(0).unwrap().load(Relaxed)
    }
}

/// Every message arrives once, whole and in order, and no call fails.
pub(crate) fn arrives(route: &Route, handler: Handler) {
    for form in [Form::Wait, Form::Within(LONG)] {
        connected(route, |ends| exchange(ends, form, handler, !route.sends.is_empty()));
    }
}

fn connected(route: &Route, check: impl FnOnce(Ends)) {
    let _release = Release;
    let directory = scratch::directory();
    check((route.connect)(directory.path()));
}

fn exchange(ends: Ends, form: Form, handler: Handler, sending_waits: bool) {
    let gauge = Gauge::new();
    let (peer, receiver) = ends.sending_peer(|sender| {
        let mut rain = Rain::start(handler);
        for number in 0.. {
            let hit = gauge.get() >= ENOUGH && (rain.hits >= ENOUGH || !sending_waits);
            let last = hit && number >= 2 * TURN;
            pause_if(!receiver_is_slow(number));
            rain.on(|| send_whole(sender, &message(number, last), form));
            if last {
                break;
            }
        }
    });
    let mut rain = Rain::start(handler);
    for number in 0.. {
        pause_if(receiver_is_slow(number));
        let received = rain.on(|| receive_whole(&*receiver, form));
        gauge.set(rain.hits);
        let last = received == message(number, true);
        assert!(last || received == message(number, false), "message {number} is not what was sent as it");
        if last {
            break;
        }
    }
    drop(rain);
    peer.join();
}

/// The two sides take turns in making the other wait.
fn receiver_is_slow(number: u32) -> bool {
    number / TURN % 2 == 1
}

fn pause_if(slow: bool) {
    if slow {
        sleep(PAUSE);
    }
}

fn message(number: u32, last: bool) -> Vec<u8> {
    let mut message = pattern(number as usize * CHUNK, CHUNK);
    message[..4].copy_from_slice(&number.to_le_bytes());
    message[4] = last.into();
    message
}

/// A signal in the middle of a write to a stream ends it early, with the count of what went in.
fn send_whole(sender: &dyn Sender, message: &[u8], form: Form) {
    let mut rest = message;
    while !rest.is_empty() {
        rest = &rest[sender.send(rest, form).expect("a signal is no error")..];
    }
}

fn receive_whole(receiver: &dyn Receiver, form: Form) -> Vec<u8> {
    let mut message = vec![0; CHUNK];
    let mut filled = 0;
    while filled < CHUNK {
        let count = receiver.receive(&mut message[filled..], form).expect("a signal is no error");
        filled += count.expect("no end yet");
    }
    message
}

/// A call that cannot proceed ends at its deadline, not before, and has done nothing.
pub(crate) fn deadlines_hold(route: &Route, handler: Handler) {
    connected(route, |ends| {
        let mut rain = Rain::start(handler);
        expires(&mut rain, |timeout| receive_within(&*ends.receiver, timeout).map(drop));
        if route.sends.is_empty() {
            return;
        }
        let sent = until_timed_out(|| ends.sender.send(&[7; CHUNK], Form::Within(Duration::ZERO)));
        expires(&mut rain, |timeout| ends.sender.send(&[7; CHUNK], Form::Within(timeout)).map(drop));
        drop(rain);
        let received = until_timed_out(|| receive_within(&*ends.receiver, Duration::ZERO));
        assert_eq!(received, sent, "bytes");
    });
}

fn receive_within(receiver: &dyn Receiver, timeout: Duration) -> Result<usize> {
    receiver.receive(&mut [0; CHUNK], Form::Within(timeout)).map(|count| count.expect("no end yet"))
}

/// Repeats a transfer for as long as it can proceed, and adds up what it returns.
fn until_timed_out(mut transfer: impl FnMut() -> Result<usize>) -> usize {
    let mut sum = 0;
    loop {
        match transfer() {
            Ok(count) => sum += count,
            Err(error) if error.kind() == ErrorKind::TimedOut => return sum,
            Err(error) => panic!("{error}"),
        }
    }
}

/// If the time began anew with each signal, the call would never return.
pub(crate) fn expires(rain: &mut Rain, call: impl FnOnce(Duration) -> Result<()>) {
    let hits = rain.hits;
    let start = Instant::now();
    let error = rain.on(|| call(DEADLINE)).expect_err("nothing to proceed with");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(start.elapsed() >= DEADLINE, "after {:?} already", start.elapsed());
    assert!(rain.hits > hits, "the call was over before the first signal");
}
