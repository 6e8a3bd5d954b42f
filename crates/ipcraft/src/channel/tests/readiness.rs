//! Tests of `Readiness`.

use crate::ErrorKind::{self, Disconnected};
use crate::channel::Readiness;
use crate::channel::spsc::bytes;
use crate::channel::tuning::LIVENESS_INTERVAL;
use crate::channel::{broadcast, latest, mpmc, request};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

fn is_readable(readiness: &Readiness, within: Duration) -> bool {
    let within = PollTimeout::try_from(within).unwrap();
    poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], within).unwrap() == 1
}

/// Polls as an event loop does until there is something. Returns how often there was nothing.
fn until<R>(readiness: &Readiness, mut attempt: impl FnMut() -> Option<R>) -> (R, u32) {
    let end = Instant::now() + LONG;
    let mut in_vain = 0;
    loop {
        assert!(is_readable(readiness, LONG), "an event was not reported");
        readiness.clear().unwrap();
        if let Some(found) = attempt() {
            return (found, in_vain);
        }
        in_vain += 1;
        assert!(Instant::now() < end, "readable, and nothing comes");
    }
}

/// The end hears of what the other does each time, and of its leaving.
fn hears<O: Send>(
    readiness: &Readiness,
    other: O,
    act: impl Fn(&mut O) + Sync,
    mut attempt: impl FnMut() -> Result<(), ErrorKind>,
) {
    let mut other = other;
    for round in 0..150_u64 {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_micros(round % 3 * 700));
                act(&mut other);
            });
            until(readiness, || attempt().ok());
        });
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(5));
            drop(other);
        });
        until(readiness, || (attempt() == Err(Disconnected)).then_some(()));
    });
}

#[test]
fn an_event_loop_hears_of_messages_of_every_kind_and_of_the_end() {
    let (tx, mut rx) = bytes::channel(256).unwrap();
    let mut record = Vec::new();
    let act = |tx: &mut bytes::Sender| tx.send(b"record").unwrap();
    hears(&rx.readiness().unwrap(), tx, act, || rx.try_recv(&mut record).map(drop).map_err(|e| e.kind()));

    let (tx, mut rx) = mpmc::channel::<u64>(16).unwrap();
    let act = |tx: &mut mpmc::Sender<u64>| tx.send(1).unwrap();
    hears(&rx.readiness().unwrap(), tx, act, || rx.try_recv().map(drop).map_err(|e| e.kind()));

    let (tx, mut rx) = broadcast::channel::<u64>(16).unwrap();
    let act = |tx: &mut broadcast::Publisher<u64>| tx.send(1).unwrap();
    hears(&rx.readiness().unwrap(), tx, act, || rx.try_recv().map(drop).map_err(|e| e.kind()));

    let (tx, mut rx) = latest::channel::<u64>().unwrap();
    let act = |tx: &mut latest::Writer<u64>| tx.store(1);
    hears(&rx.readiness().unwrap(), tx, act, || rx.try_changed().map(drop).map_err(|e| e.kind()));
}

#[test]
fn an_event_loop_hears_of_room_in_every_kind_and_of_the_end() {
    let (mut tx, rx) = bytes::channel(256).unwrap();
    while tx.try_send(&[0; 40]).is_ok() {}
    let act = |rx: &mut bytes::Receiver| drop(rx.recv_in_place().unwrap());
    hears(&tx.readiness().unwrap(), rx, act, || tx.try_send(&[0; 40]).map_err(|e| e.kind()));

    let (mut tx, rx) = mpmc::channel::<u64>(2).unwrap();
    while tx.try_send(1).is_ok() {}
    let act = |rx: &mut mpmc::Receiver<u64>| _ = rx.recv().unwrap();
    hears(&tx.readiness().unwrap(), rx, act, || tx.try_send(1).map_err(|e| e.kind()));

    let (mut tx, rx) = broadcast::channel::<u64>(2).unwrap();
    while tx.try_send(1).is_ok() {}
    let act = |rx: &mut broadcast::Subscriber<u64>| _ = rx.recv().unwrap();
    hears(&tx.readiness().unwrap(), rx, act, || tx.try_send(1).map_err(|e| e.kind()));
}

#[test]
fn an_event_loop_hears_of_requests_and_of_answers() {
    let (client, mut server) = request::channel::<u64, u64>(16).unwrap();
    let act = |client: &mut request::Client<u64, u64>| {
        client.cancel_pending();
        client.send(1).unwrap();
    };
    let requests = server.readiness().unwrap();
    hears(&requests, client, act, || {
        server.try_recv().map(|request| drop(request.respond(2))).map_err(|e| e.kind())
    });

    let (mut client, server) = request::channel::<u64, u64>(16).unwrap();
    let replies = client.readiness().unwrap();
    client.send(1).unwrap();
    let act = |server: &mut request::Server<u64, u64>| server.recv().unwrap().respond(2).unwrap();
    hears(&replies, server, act, || match client.try_recv() {
        Ok(_) => {
            client.send(1).unwrap();
            Ok(())
        }
        Err(e) => Err(e.kind()),
    });
}

/// As often as the peers are checked, and no more.
#[test]
fn an_end_of_many_rests_while_there_is_nothing() {
    let channel = mpmc::Options::<u64>::new().anonymous().unwrap();
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    let mut sleeper = channel.receiver().unwrap();
    let asleep = thread::spawn(move || drop(sleeper.recv()));
    let readiness = rx.readiness().unwrap();
    let late = thread::spawn(move || {
        thread::sleep(4 * LIVENESS_INTERVAL);
        // The other sleeper may take one.
        drop(tx.try_send_all(&[1, 2]));
        tx
    });
    let (_, in_vain) = until(&readiness, || rx.try_recv().ok());
    assert!(in_vain < 50, "{in_vain} times for nothing");
    drop(late.join().unwrap());
    asleep.join().unwrap();
}
