//! Removal: at once, for everybody.

use std::time::Duration;

use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use crate::{fresh_key, kind_of, queue};

pub(crate) fn ends_all_waiting() {
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

pub(crate) fn is_seen_by_every_later_call() {
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

pub(crate) fn is_done_on_drop_by_the_maker_only() {
    let key = fresh_key();
    let removing = || Options::new().remove_on_drop(true);
    drop(Queue::create_new(key).unwrap());
    drop(removing().create(key).unwrap());
    Queue::open(key).expect("it existed before").remove().unwrap();

    let mut made = Some(removing().create(key).unwrap());
    Peer::start(|| drop(made.take())).join();
    Queue::open(key).expect("the child is not the maker");
    drop(made);
    assert_eq!(kind_of(Queue::open(key)), ErrorKind::NotFound);
}

pub(crate) fn is_left_undone_by_a_kill() {
    let key = fresh_key();
    let victim = Peer::start(|| {
        let queue = Options::new().remove_on_drop(true).create_new(key).unwrap();
        queue.send(1, b"last words").unwrap();
        pause();
    });
    victim.wait_asleep();
    victim.kill();
    let queue = Options::new().create(key).expect("taken over");
    assert_eq!(queue.try_recv_message(Selector::First).unwrap().bytes, b"last words");
    queue.remove().unwrap();
    assert_eq!(kind_of(Queue::open(key)), ErrorKind::NotFound);
}
