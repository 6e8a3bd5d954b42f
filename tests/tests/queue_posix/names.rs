//! Names: validity, lifetime, permission and removal.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use ipcraft::ErrorKind;
use ipcraft::queue::posix::{Options, Queue};
use ipcraft_tests::namespace::with_own_ipc;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::unprivileged_in_own_ipc;
use nix::sys::stat::{Mode, fstat, umask};
use nix::unistd::pause;

use crate::{fresh_name, kind_of, small, small_queue};

#[serial_test]
fn invalid_name_is_rejected_by_every_call() {
    for bad in ["", "/", "jobs", "//", "/a/b", "/a\0b", "/.", "/.."] {
        for error in [
            Queue::create(bad).unwrap_err(),
            Queue::create_new(bad).unwrap_err(),
            Queue::open(bad).unwrap_err(),
            Queue::unlink(bad).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{error}");
        }
    }
}

#[serial_test]
fn name_of_255_bytes_is_accepted_and_of_256_rejected() {
    let name = fresh_name();
    let longest = format!("{name}-{}", "n".repeat(255 - name.len()));
    assert_eq!(longest.len(), 256, "with the slash");
    drop(small().remove_on_drop(true).create_new(&longest).unwrap());
    let error = Queue::create_new(format!("{longest}n")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    assert_eq!(error.limit().map(|limit| (limit.value(), limit.requested())), Some((255, Some(256))));
}

#[serial_test]
fn open_by_name_returns_the_same_queue_until_unlink() {
    let (queue, name) = small_queue();
    let other = small().capacity(1).create(&name).unwrap();
    assert_eq!(other.attributes().unwrap().capacity, 4, "an existing queue keeps its sizes");
    queue.send(b"through", 0).unwrap();
    assert_eq!(other.recv_message().unwrap().bytes, b"through");

    Queue::unlink(&name).unwrap();
    assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound, "the name is gone immediately");
    let next = small().remove_on_drop(true).create_new(&name).unwrap();
    queue.send(b"old", 0).unwrap();
    assert_eq!(other.try_recv_message().unwrap().bytes, b"old", "an open queue survives the unlink");
    assert_eq!(kind_of(next.try_recv_message()), ErrorKind::Empty, "the name belongs to a new queue");
}

#[serial_test]
fn open_missing_and_create_new_taken_name_fail() {
    let name = fresh_name();
    let error = Queue::open(&name).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, "mq_open"));
    assert_eq!(error.object(), Some(&*name));
    assert_eq!(kind_of(Queue::unlink(&name)), ErrorKind::NotFound);
    let _queue = small().remove_on_drop(true).create_new(&name).unwrap();
    assert_eq!(kind_of(Queue::create_new(&name)), ErrorKind::AlreadyExists);
    Queue::create(&name).expect("an existing queue is opened");
}

#[serial_test]
fn create_new_in_racing_processes_succeeds_once() {
    let name = fresh_name();
    let (winners, _rest) = small_queue();
    let racers: Vec<Peer> = (0..6)
        .map(|_| {
            Peer::start(|| match small().create_new(&name) {
                Ok(_) => winners.try_send(b"won", 0).unwrap(),
                Err(e) => assert_eq!(e.kind(), ErrorKind::AlreadyExists),
            })
        })
        .collect();
    racers.into_iter().for_each(Peer::join);
    Queue::unlink(&name).unwrap();
    assert_eq!(winners.drain().count(), 1);
}

#[serial_test]
fn remove_on_drop_happens_in_the_creating_process_only() {
    let name = fresh_name();
    let removing = || small().remove_on_drop(true);
    drop(small().create_new(&name).unwrap());
    drop(removing().create(&name).unwrap());
    drop(removing().open(&name).unwrap());
    drop(Queue::open(&name).expect("only a queue created by the call is removed"));
    Queue::unlink(&name).unwrap();

    let queue = removing().create(&name).unwrap();
    assert!(queue.removes_on_drop());
    let mut inherited = Some(queue);
    Peer::start(|| drop(inherited.take())).join();
    drop(Queue::open(&name).expect("the child is not the creator"));
    drop(inherited);
    assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);

    // A mode that allows the owner one direction only does not prevent the removal.
    drop(removing().mode(0o200).create_new(&name).unwrap());
    assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);
}

#[serial_test]
fn remove_on_drop_spares_another_queue_of_the_same_name() {
    let (queue, name) = small_queue();
    Queue::unlink(&name).unwrap();
    let other = small().remove_on_drop(true).create_new(&name).unwrap();
    drop(queue);
    drop(Queue::open(&name).expect("the name belongs to the other queue"));
    drop(other);
    assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);
}

#[serial_test]
fn name_and_messages_survive_kill_of_the_creator() {
    let name = fresh_name();
    let victim = Peer::start(|| {
        let queue = small().remove_on_drop(true).create_new(&name).unwrap();
        queue.send(b"last words", 0).unwrap();
        pause();
    });
    victim.wait_asleep();
    victim.kill();
    let queue = Queue::open(&name).expect("a killed creator removes nothing");
    assert_eq!(queue.try_recv_message().unwrap().bytes, b"last words");
    Queue::unlink(&name).unwrap();
}

#[serial_test]
fn mode_defaults_to_0600_less_the_umask() {
    let before = umask(Mode::from_bits_truncate(0o027));
    let modes = [None, Some(0o666)].map(|mode| {
        let name = fresh_name();
        let options = mode.map_or_else(Options::new, |mode| Options::new().mode(mode));
        let queue = options.remove_on_drop(true).create_new(&name).unwrap();
        fstat(&queue).unwrap().st_mode & 0o777
    });
    umask(before);
    assert_eq!(modes, [0o600, 0o640]);
}

#[serial_test]
fn open_and_unlink_without_permission_fail() -> Outcome {
    let (closed, drop_box) = (fresh_name(), fresh_name());
    let make = || {
        umask(Mode::empty());
        small().create_new(&closed).unwrap();
        small().mode(0o602).create_new(&drop_box).unwrap();
    };
    unprivileged_in_own_ipc(make, |()| {
        assert_eq!(kind_of(Queue::open(&closed)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(Queue::create(&closed)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(Queue::unlink(&closed)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(Queue::open(&drop_box)), ErrorKind::PermissionDenied);
        small().send_only().open(&drop_box).unwrap().send(b"in", 0).unwrap();
    })
}

#[serial_test]
fn name_is_local_to_the_ipc_namespace() -> Outcome {
    let (_queue, name) = small_queue();
    with_own_ipc(|| {
        assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);
        small().create_new(&name).unwrap();
    })
}

#[serial_test]
fn exact_mode_is_not_cut_by_the_umask_and_decimal_is_refused() {
    let before = umask(Mode::from_bits_truncate(0o077));
    let queue = small().exact_mode(0o646).remove_on_drop(true).create_new(fresh_name()).unwrap();
    umask(before);
    assert_eq!(fstat(&queue).unwrap().st_mode & 0o777, 0o646);
    for options in [small().mode(666), small().exact_mode(666)] {
        let error = options.create_new(fresh_name()).unwrap_err();
        assert_eq!(
            (error.kind(), error.limit().unwrap().requested()),
            (ErrorKind::Invalid, Some(666)),
            "{error}"
        );
    }
}

/// Whatever the moment, no process finds wider permissions than asked for.
#[serial_test]
fn exact_mode_is_never_wider_than_asked_for() {
    let name = fresh_name();
    let before = umask(Mode::from_bits_truncate(0o022));
    let maker = Peer::start(|| {
        loop {
            drop(small().exact_mode(0o620).remove_on_drop(true).create_new(&name).unwrap());
        }
    });
    umask(before);
    let mut seen = 0;
    while seen < 500 {
        if let Ok(queue) = Queue::open(&name) {
            assert_eq!(fstat(&queue).unwrap().st_mode & 0o777 & !0o620, 0);
            seen += 1;
        }
    }
    maker.kill();
    let _ = Queue::unlink(&name);
}

#[serial_test]
fn name_that_is_not_utf8_is_accepted() {
    let name = OsString::from_vec([fresh_name().as_bytes(), b"-\xff\xfe"].concat());
    let queue = small().create_new(&name).unwrap();
    queue.send(b"x", 0).unwrap();
    assert_eq!(Queue::open(&name).unwrap().recv_message().unwrap().bytes, b"x");
    assert_eq!(kind_of(Queue::create_new(&name)), ErrorKind::AlreadyExists);
    Queue::unlink(&name).unwrap();
    let error = Queue::open(&name).unwrap_err();
    assert!(error.object().unwrap().ends_with("\u{fffd}\u{fffd}"), "{error}");
}

#[serial_test]
fn exact_sizes_reject_a_queue_of_other_sizes_and_name_what_was_found() {
    let (_queue, name) = small_queue();
    small().exact_sizes(true).open(&name).unwrap();
    small().exact_sizes(true).create(&name).unwrap();
    Options::new().exact_sizes(true).open(&name).expect("nothing is demanded");
    for (options, found, wanted) in [(small().capacity(5), 4, 5), (small().message_size(32), 64, 32)] {
        let error = options.exact_sizes(true).create(&name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
        let limit = *error.limit().unwrap();
        assert_eq!((limit.value(), limit.requested()), (found, Some(wanted)), "{error}");
    }
}

#[serial_test]
fn unlink_removes_a_queue_that_cannot_be_opened() -> Outcome {
    let name = fresh_name();
    unprivileged_in_own_ipc(
        || (),
        |()| {
            small().mode(0).create_new(&name).unwrap();
            assert_eq!(kind_of(Queue::open(&name)), ErrorKind::PermissionDenied);
            Queue::unlink(&name).unwrap();
            assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);
        },
    )
}
