//! How soon an endpoint that does not block learns that its peer was killed, for every kind.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::{ErrorKind, Result};
use ipcraft_tests::channel_kind::{
    Broadcast, Bytes, ChannelKind, Config, Latest, Mpmc, Numbered, OverwritingBroadcast, Requests, Spsc,
};
use ipcraft_tests::for_each_kind;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::step;
use ipcraft_tests::subject::Form;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, death_notice_timeout};
use nix::unistd::pause;

use super::tally::Tally;

/// The pause between two calls of a slow endpoint.
const PAUSE: Duration = Duration::from_millis(50);

/// The messages that a fast endpoint sends before it turns slow, or its polls.
const RUN: usize = 1000;

/// Calls again after each pause until the death is reported, and returns how long that took.
fn until_disconnected(mut call: impl FnMut() -> Result<()>) -> Duration {
    let start = Instant::now();
    loop {
        if call().is_err_and(|error| error.kind() == ErrorKind::Disconnected) {
            return start.elapsed();
        }
        assert!(start.elapsed() < LONG_TIMEOUT, "the death is not reported");
        sleep(PAUSE);
    }
}

fn send<K: ChannelKind>(sender: &mut K::Sender, form: Form) -> Result<()> {
    (K::SENDS[0].send)(sender, &[K::Message::numbered(1)], form)
}

fn receive<K: ChannelKind>(receiver: &mut K::Receiver, form: Form) -> Result<()> {
    (K::RECVS[0].recv)(receiver, form, &mut drop)
}

/// Starts a process that opens an endpoint and keeps it until it is killed.
fn peer_with<E>(open: impl FnOnce() -> Result<E>) -> Peer {
    let tally = Tally::new(1, 0);
    let peer = Peer::start(|| {
        let _endpoint = open().unwrap();
        tally.set(0, 1);
        pause();
    });
    let start = Instant::now();
    while tally.get(0) == 0 {
        assert!(start.elapsed() < LONG_TIMEOUT, "the peer has not opened its endpoint");
        sleep(Duration::from_millis(1));
    }
    peer
}

/// A channel with room for the run.
fn roomy<K: ChannelKind>() -> K::Channel {
    K::anonymous(Config::new(4 * RUN)).unwrap()
}

/// The receiver receives nothing, so a count of messages is all that passes.
fn fast_sender_turned_slow<K: ChannelKind>() {
    if K::SENDS[0].function.is_empty() {
        return; // It does not learn of receivers.
    }
    let channel = roomy::<K>();
    let peer = peer_with(|| K::receiver(&channel));
    let mut sender = K::sender(&channel).unwrap();
    (0..RUN).for_each(|_| send::<K>(&mut sender, Form::Try).unwrap());
    peer.kill();
    let took = until_disconnected(|| send::<K>(&mut sender, Form::Try));
    assert!(took < death_notice_timeout(), "{}: {took:?}", K::NAME);
}

fn fast_receiver_turned_slow<K: ChannelKind>(form: Form) {
    let channel = roomy::<K>();
    let peer = peer_with(|| K::sender(&channel));
    let mut receiver = K::receiver(&channel).unwrap();
    for _ in 0..RUN {
        assert!(receive::<K>(&mut receiver, form).is_err_and(|e| e.kind() != ErrorKind::Disconnected));
    }
    peer.kill();
    let took = until_disconnected(|| receive::<K>(&mut receiver, form));
    assert!(took < death_notice_timeout(), "{}, {form:?}: {took:?}", K::NAME);
}

/// Calls three times with pauses, kills the peer, pauses, and calls once more.
fn slow_endpoint<E>(
    name: &str,
    peer: Peer,
    endpoint: &mut E,
    call: fn(&mut E, Form) -> Result<()>,
    form: Form,
) {
    for _ in 0..3 {
        let before = call(endpoint, form);
        assert!(!before.is_err_and(|error| error.kind() == ErrorKind::Disconnected), "{name}");
        sleep(PAUSE);
    }
    peer.kill();
    let after = call(endpoint, form);
    assert!(after.is_err_and(|error| error.kind() == ErrorKind::Disconnected), "{name}, {form:?}");
}

fn slow_endpoints<K: ChannelKind>() {
    for form in [Form::Try, Form::Within(Duration::ZERO)] {
        let channel = roomy::<K>();
        let peer = peer_with(|| K::sender(&channel));
        let mut receiver = K::receiver(&channel).unwrap();
        slow_endpoint(K::NAME, peer, &mut receiver, receive::<K>, form);
        if !K::SENDS[0].function.is_empty() {
            let channel = roomy::<K>();
            let peer = peer_with(|| K::receiver(&channel));
            let mut sender = K::sender(&channel).unwrap();
            slow_endpoint(K::NAME, peer, &mut sender, send::<K>, form);
        }
    }
}

/// The system calls of one call after a pause.
fn calls_after_pause(mut call: impl FnMut()) -> usize {
    let pause_alone = step::system_calls(|| sleep(PAUSE)).unwrap();
    let both = step::system_calls(|| {
        sleep(PAUSE);
        call();
    });
    both.unwrap() - pause_alone
}

fn slow_endpoint_makes_one_call<K: ChannelKind>() {
    let channel = roomy::<K>();
    let mut sender = K::sender(&channel).unwrap();
    let mut receiver = K::receiver(&channel).unwrap();
    for form in [Form::Try, Form::Within(Duration::ZERO)] {
        let calls = calls_after_pause(|| drop(receive::<K>(&mut receiver, form)));
        assert!(calls <= 1, "{} recv {form:?}: {calls} calls", K::NAME);
    }
    // A client also receives before it sends.
    let most = if K::NAME == "request" { 2 } else { 1 };
    let calls = calls_after_pause(|| drop(send::<K>(&mut sender, Form::Try)));
    assert!(calls <= most, "{} send: {calls} calls", K::NAME);
}

#[serial_test]
fn send_of_a_fast_sender_that_turned_slow_reports_the_death_in_time() {
    macro_rules! each {
        ($($kind:ident),*) => { $(fast_sender_turned_slow::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

#[serial_test]
fn recv_of_a_fast_receiver_that_turned_slow_reports_the_death_in_time() {
    macro_rules! each {
        ($($kind:ident),*) => {
            $(
                fast_receiver_turned_slow::<$kind<[u64; 1]>>(Form::Try);
                fast_receiver_turned_slow::<$kind<[u64; 1]>>(Form::Within(Duration::ZERO));
            )*
        };
    }
    for_each_kind!(each);
}

#[serial_test]
fn call_after_a_pause_reports_the_death_immediately() {
    macro_rules! each {
        ($($kind:ident),*) => { $(slow_endpoints::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
}

#[serial_test]
fn call_after_a_pause_makes_one_system_call() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    macro_rules! each {
        ($($kind:ident),*) => { $(slow_endpoint_makes_one_call::<$kind<[u64; 1]>>();)* };
    }
    for_each_kind!(each);
    Outcome::Passed
}
