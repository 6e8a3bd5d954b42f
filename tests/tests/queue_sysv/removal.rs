//! Removal: immediate, for every process.

use std::time::Duration;

use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::unistd::pause;

use crate::{fresh_key, kind_of, queue};

#[serial_test]
fn remove_wakes_blocked_calls_with_removed() {
    type Wait = fn(&Queue) -> Error;
    let receivers: [Wait; 2] = [
        |queue| queue.recv(Selector::First, &mut [0; 8]).unwrap_err(),
        |queue| queue.recv_timeout(Selector::First, &mut [0; 8], Duration::MAX).unwrap_err(),
    ];
    let senders: [Wait; 2] = [
        |queue| queue.send(1, &[0; 8000]).unwrap_err(),
        |queue| queue.send_timeout(1, &[0; 8000], Duration::MAX).unwrap_err(),
    ];
    for (waits, full) in [(receivers, false), (senders, true)] {
        for wait in waits {
            let queue = queue();
            while full && queue.try_send(1, &[0; 8000]).is_ok() {}
            let waiting = Peer::start(|| {
                let error = wait(&queue);
                assert_eq!(error.kind(), ErrorKind::Removed, "{error}");
            });
            waiting.wait_asleep();
            queue.remove().unwrap();
            waiting.join();
        }
    }
}

#[serial_test]
fn calls_on_a_removed_queue_return_removed() {
    let gone = queue();
    Queue::from_id(gone.id()).unwrap().remove().unwrap();
    let mut buffer = [0; 8];
    let kinds = [
        kind_of(gone.send(1, b"x")),
        kind_of(gone.try_send(1, b"x")),
        kind_of(gone.send_timeout(1, b"x", Duration::MAX)),
        kind_of(gone.recv(Selector::First, &mut buffer)),
        kind_of(gone.try_recv(Selector::UpTo(3), &mut buffer)),
        kind_of(gone.recv_truncated(Selector::Except(3), &mut buffer)),
        kind_of(gone.recv_message_timeout(Selector::First, Duration::MAX)),
        kind_of(gone.copy(0, &mut buffer)),
        kind_of(gone.statistics()),
        kind_of(gone.set_mode(0o644)),
        kind_of(gone.remove()),
    ];
    assert_eq!(kinds, [ErrorKind::Removed; 11]);
}

#[serial_test]
fn remove_on_drop_happens_in_the_creating_process_only() {
    let key = fresh_key();
    let removing = || Options::new().remove_on_drop(true);
    drop(Queue::create_new(key).unwrap());
    drop(removing().create(key).unwrap());
    Queue::open(key).expect("an existing queue is not removed").remove().unwrap();

    let mut made = Some(removing().create(key).unwrap());
    Peer::start(|| drop(made.take())).join();
    Queue::open(key).expect("the child is not the creator");
    let made = made.expect("dropped in the child only");
    assert!(made.removes_on_drop());
    drop(made);
    assert_eq!(kind_of(Queue::open(key)), ErrorKind::NotFound);

    let removed = removing().create(key).unwrap();
    removed.remove().unwrap();
    assert!(!removed.removes_on_drop(), "the removal is done");
}

#[serial_test]
fn queue_and_messages_survive_kill_of_the_creator() {
    let key = fresh_key();
    let victim = Peer::start(|| {
        let queue = Options::new().remove_on_drop(true).create_new(key).unwrap();
        queue.send(1, b"last words").unwrap();
        pause();
    });
    victim.wait_asleep();
    victim.kill();
    let queue = Options::new().create(key).expect("the queue still exists");
    assert_eq!(queue.try_recv_message(Selector::First).unwrap().bytes, b"last words");
    queue.remove().unwrap();
    assert_eq!(kind_of(Queue::open(key)), ErrorKind::NotFound);
}
