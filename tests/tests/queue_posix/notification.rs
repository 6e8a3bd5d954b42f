//! Notification of the first message, once, for one process.

use std::os::fd::AsFd;

use ipcraft::ErrorKind;
use ipcraft::queue::posix::{NotificationFd, Queue};
use ipcraft::signal::{Code, Sender, Signal, block};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{getuid, pause};

use crate::{kind_of, small_queue};

const SIGNAL: Signal = Signal::USR1;

#[serial_test]
fn notify_signal_arrives_once_for_the_first_message() {
    let (queue, _) = small_queue();
    // In a child, since a thread of the test runner could take the signal.
    Peer::start(|| {
        let blocked = block(SIGNAL).unwrap();
        let notification = queue.notify_signal(SIGNAL, -0x1234).unwrap();
        let none_comes =
            || blocked.wait_timeout(SHORT_TIMEOUT).is_err_and(|e| e.kind() == ErrorKind::TimedOut);
        assert!(none_comes());
        let sender = Peer::start(|| queue.send(b"first", 0).unwrap());
        let expected = Sender { pid: sender.id(), uid: getuid().as_raw() };
        sender.join();
        let info = blocked.wait_timeout(LONG_TIMEOUT).expect("a signal");
        assert_eq!((info.signal(), info.code()), (SIGNAL, Code::MessageQueue));
        assert_eq!((info.value(), info.sender()), (Some(-0x1234), Some(expected)));

        queue.send(b"second", 0).unwrap();
        assert!(none_comes(), "the queue was not empty");
        queue.drain().for_each(drop);
        queue.send(b"third", 0).unwrap();
        assert!(none_comes(), "once for each registration");

        queue.drain().for_each(drop);
        notification.rearm().unwrap();
        assert_eq!(kind_of(notification.rearm()), ErrorKind::InUse);
        queue.send(b"fourth", 0).unwrap();
        blocked.wait_timeout(LONG_TIMEOUT).expect("a signal");
    })
    .join();
}

#[serial_test]
fn notify_descriptor_becomes_readable_once() {
    let (queue, _) = small_queue();
    let notification = queue.notify_descriptor().unwrap();
    assert!(!is_readable(&notification));
    assert_eq!(kind_of(notification.try_wait()), ErrorKind::Empty);
    assert_eq!(kind_of(notification.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);

    queue.send(b"first", 0).unwrap();
    assert!(is_readable(&notification));
    notification.wait().unwrap();
    assert!(!is_readable(&notification));
    queue.drain().for_each(drop);
    queue.send(b"second", 0).unwrap();
    assert_eq!(kind_of(notification.try_wait()), ErrorKind::Empty, "once for each registration");

    queue.drain().for_each(drop);
    notification.rearm().unwrap();
    assert_eq!(kind_of(notification.rearm()), ErrorKind::InUse);
    let sender = Peer::start(|| {
        std::thread::sleep(SHORT_TIMEOUT);
        queue.send(b"third", 0).unwrap();
    });
    notification.wait_timeout(LONG_TIMEOUT).unwrap();
    sender.join();
}

fn is_readable(notification: &NotificationFd<'_>) -> bool {
    let mut fds = [PollFd::new(notification.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
}

#[serial_test]
fn second_registration_returns_in_use() {
    let (queue, name) = small_queue();
    let _first = queue.notify_descriptor().unwrap();
    assert_eq!(kind_of(queue.notify_signal(SIGNAL, 0)), ErrorKind::InUse);
    assert_eq!(kind_of(queue.notify_descriptor()), ErrorKind::InUse);
    Peer::start(|| {
        let other = Queue::open(&name).unwrap();
        let error = other.notify_descriptor().unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InUse, "mq_notify"));
        assert_eq!(error.object(), Some(&*name));
    })
    .join();
}

#[serial_test]
fn registration_ends_on_drop_and_kill() {
    let (queue, name) = small_queue();
    for _ in 0..3 {
        drop(queue.notify_descriptor().unwrap());
        drop(queue.notify_signal(SIGNAL, 0).unwrap());
    }
    queue.send(b"unnotified", 0).unwrap();
    queue.drain().for_each(drop);

    let victim = Peer::start(|| {
        let queue = Queue::open(&name).unwrap();
        let _registration = queue.notify_descriptor().unwrap();
        pause();
    });
    victim.wait_asleep();
    assert_eq!(kind_of(queue.notify_descriptor()), ErrorKind::InUse);
    victim.kill();
    let registration = queue.notify_descriptor().unwrap();

    // Dropping a forked copy of the registration cancels nothing.
    let mut inherited = Some(registration);
    Peer::start(|| drop(inherited.take())).join();
    queue.send(b"x", 0).unwrap();
    inherited.unwrap().wait_timeout(LONG_TIMEOUT).unwrap();
}

#[serial_test]
fn message_to_blocked_receiver_does_not_notify() {
    let (queue, _) = small_queue();
    let notification = queue.notify_descriptor().unwrap();
    let receiver = Peer::start(|| assert_eq!(queue.recv_message().unwrap().bytes, b"for the receiver"));
    receiver.wait_asleep();
    queue.send(b"for the receiver", 0).unwrap();
    receiver.join();
    assert_eq!(kind_of(notification.try_wait()), ErrorKind::Empty);
    queue.send(b"x", 0).unwrap();
    notification.try_wait().expect("the registration is still active");
}

#[serial_test]
fn closing_any_descriptor_of_the_queue_ends_the_registration() {
    let (queue, name) = small_queue();
    let notification = queue.notify_descriptor().unwrap();
    drop(Queue::open(&name).unwrap());
    assert!(is_readable(&notification));
    assert_eq!(kind_of(notification.wait()), ErrorKind::Removed);
    notification.rearm().unwrap();
    queue.send(b"x", 0).unwrap();
    notification.wait().unwrap();
}
