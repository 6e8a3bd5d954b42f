//! Crashes beside event loops: a process is killed while it rings, or while it registers, arms,
//! polls and deregisters.
//!
//! An event loop notices a death by an event of the kernel. So a survivor that is alone has as
//! little time as one that is notified.

use std::time::Duration;

use ipcraft::{Error, ErrorKind, Result};
use ipcraft_tests::channel_kind::{ChannelKind, RecvWay, SendWay};
use ipcraft_tests::event_loop::EventLoop;
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::HANG_TIMEOUT;
use libtest_mimic::Trial;

use crate::delivery_log::{DeliveryLog, Role, entry, message};
use crate::every_kind::sweep;
use crate::exchange::{Said, reason};
use crate::receivers::Receiving;
use crate::senders::Sending;
use crate::survivor::Survivor::{Polling, PollingAlone, Running};

/// An event loop of a survivor that receives.
pub(crate) fn receiver_loop<K: ChannelKind>(receiver: &K::Receiver) -> EventLoop {
    rung(EventLoop::new(|reactor| K::register_receiver(receiver, reactor)).unwrap())
}

/// An event loop of a survivor that sends.
pub(crate) fn sender_loop<K: ChannelKind>(sender: &K::Sender) -> EventLoop {
    let register = |reactor: &_| K::register_sender(sender, reactor).map(|made| made.expect("it waits"));
    rung(EventLoop::new(register).unwrap())
}

/// A thread in its place would not show what is to be tested.
fn rung(event_loop: EventLoop) -> EventLoop {
    assert!(!event_loop.registration().uses_thread(), "no instance of inotify(7) is left");
    event_loop
}

/// A survivor receives a message.
pub(crate) fn poll_recv<K: ChannelKind>(
    event_loop: &EventLoop,
    receiver: &mut K::Receiver,
    log: &DeliveryLog,
) -> Said {
    let attempt =
        || (K::RECVS[0].recv)(receiver, Form::Try, &mut |message| log.add_received(entry(&message)));
    outcome(event_loop.wait(HANG_TIMEOUT, attempt))
}

/// A survivor sends a message.
pub(crate) fn poll_send<K: ChannelKind>(
    event_loop: &EventLoop,
    sender: &mut K::Sender,
    log: &DeliveryLog,
) -> Said {
    let entry = log.begin(Role::Survivor);
    let reply =
        outcome(event_loop.wait(HANG_TIMEOUT, || (K::SENDS[0].send)(sender, &[message(entry)], Form::Try)));
    match reply {
        Said::Yes => log.add_sent(Role::Survivor, 1),
        _ => log.take_back(entry),
    }
    reply
}

fn outcome(result: Result<()>) -> Said {
    match result {
        Ok(()) => Said::Yes,
        Err(error) if matches!(error.kind(), ErrorKind::Empty | ErrorKind::Full) => Said::TimedOut,
        Err(error) => reason(&error),
    }
}

/// Registers, receives, and deregisters.
fn recv_in_event_loop<K: ChannelKind>(
    receiver: &mut K::Receiver,
    _form: Form,
    each: &mut dyn FnMut(K::Message),
) -> Result<()> {
    let event_loop = EventLoop::new(|reactor| K::register_receiver(receiver, reactor))?;
    event_loop.wait(HANG_TIMEOUT, || (K::RECVS[0].recv)(receiver, Form::Try, each))
}

/// Registers, arms, deregisters, and then receives: a wait that was cancelled.
fn recv_after_cancelled_wait<K: ChannelKind>(
    receiver: &mut K::Receiver,
    form: Form,
    each: &mut dyn FnMut(K::Message),
) -> Result<()> {
    let event_loop = EventLoop::new(|reactor| K::register_receiver(receiver, reactor))?;
    event_loop.registration().arm()?;
    let waited: Result<(), Error> =
        event_loop.wait(Duration::ZERO, || (K::RECVS[0].recv)(receiver, Form::Try, each));
    drop(event_loop);
    match waited {
        Err(error) if error.kind() == ErrorKind::Empty => (K::RECVS[0].recv)(receiver, form, each),
        received => received,
    }
}

/// Registers, sends, and deregisters.
fn send_in_event_loop<K: ChannelKind>(
    sender: &mut K::Sender,
    messages: &[K::Message],
    _form: Form,
) -> Result<()> {
    let register = |reactor: &_| K::register_sender(sender, reactor).map(|made| made.expect("it waits"));
    let event_loop = EventLoop::new(register)?;
    event_loop.wait(HANG_TIMEOUT, || (K::SENDS[0].send)(sender, messages, Form::Try))
}

/// Factors on the stride. A survivor in an event loop takes milliseconds for each position, and an
/// operation that makes an event loop has thousands of instructions.
const RINGS: u64 = 5;
const REGISTERS: u64 = 31;

/// The sweeps of one kind. Its plain ways to send and to receive are used.
pub(crate) fn tests<K: ChannelKind>() -> Vec<Trial> {
    let (send, recv) = (&K::SENDS[0], &K::RECVS[0]);
    let by_loop = RecvWay { name: "recv_in_event_loop", recv: recv_in_event_loop::<K>, ..*recv };
    let cancelled =
        RecvWay { name: "recv_after_cancelled_wait", recv: recv_after_cancelled_wait::<K>, ..*recv };
    let mut tests = vec![
        sweep::<K>(send.name, "receiver_polls", Sending::new(Polling, send).stride(RINGS)),
        sweep::<K>(send.name, "receiver_polls_alone", Sending::new(PollingAlone, send).stride(RINGS)),
    ];
    if K::JOINS_LATE {
        return tests;
    }
    let receiving = |way| Receiving::new(Running, way).when_empty().stride(REGISTERS);
    tests.push(sweep::<K>(by_loop.name, "when_empty", receiving(&by_loop)));
    tests.push(sweep::<K>(cancelled.name, "when_empty", receiving(&cancelled)));
    if K::BLOCKS_WHEN_FULL {
        let by_loop = SendWay { name: "send_in_event_loop", send: send_in_event_loop::<K>, ..*send };
        let receiving = |survivor| Receiving::new(survivor, recv).when_full().stride(RINGS);
        tests.push(sweep::<K>(recv.name, "sender_polls", receiving(Polling)));
        tests.push(sweep::<K>(recv.name, "sender_polls_alone", receiving(PollingAlone)));
        let sending = Sending::new(Running, &by_loop).when_full().stride(REGISTERS);
        tests.push(sweep::<K>(by_loop.name, "when_full", sending));
    }
    tests
}
