//! Statistics, owner, mode and limit of one queue, and usage of all.

use std::fs;
use std::time::{Duration, SystemTime};

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{self, Changes, Options, Queue, Selector};
use ipcraft::sysv::Key;
use ipcraft_tests::namespace::{set_limit, with_own_ipc};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{UNPRIVILEGED_ID, unprivileged_in_own_ipc};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::{kind_of, queue};

#[serial_test]
fn statistics_name_the_last_sender_and_receiver() {
    let queue = queue();
    let fresh = queue.statistics().unwrap();
    assert_eq!((fresh.messages, fresh.bytes), (0, 0));
    assert_eq!((fresh.last_sender, fresh.last_receiver), (None, None));
    assert_eq!((fresh.last_send, fresh.last_receive), (None, None));
    assert_eq!(fresh.max_bytes, sysv::usage().unwrap().max_bytes);
    assert!(is_recent(fresh.last_change));
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let permissions = fresh.permissions;
    assert_eq!((permissions.uid, permissions.gid, permissions.mode), (uid, gid, 0o600));
    assert_eq!((permissions.creator_uid, permissions.creator_gid), (uid, gid));

    let sender = Peer::start(|| queue.send(1, b"12345").unwrap());
    let pid = sender.id();
    sender.join();
    let sent = queue.statistics().unwrap();
    assert_eq!((sent.messages, sent.bytes), (1, 5));
    assert_eq!((sent.last_sender, sent.last_receiver), (Some(pid), None));
    assert!(is_recent(sent.last_send));
    queue.recv_message(Selector::First).unwrap();
    let received = queue.statistics().unwrap();
    assert_eq!((received.messages, received.last_receiver), (0, Some(ipcraft::Pid::current())));
    assert!(is_recent(received.last_receive));
}

/// The kernel stores seconds, of a clock that may be one tick behind.
fn is_recent(time: Option<SystemTime>) -> bool {
    time.is_some_and(|time| time + Duration::from_secs(100) > SystemTime::now())
}

#[serial_test]
fn set_max_bytes_owner_and_mode_take_effect() {
    let queue = queue();
    queue.send(1, &[0; 600]).unwrap();
    queue.set_max_bytes(1000).unwrap();
    assert_eq!(queue.statistics().unwrap().max_bytes, 1000);
    assert_eq!(kind_of(queue.try_send(1, &[0; 401])), ErrorKind::Full);
    queue.try_send(1, &[0; 400]).unwrap();
    assert_eq!(
        [queue.recv_message(Selector::First), queue.recv_message(Selector::First)]
            .map(|m| m.unwrap().bytes.len()),
        [600, 400]
    );
    queue.set_mode(0o640).unwrap();
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    queue.set_owner(uid, gid).unwrap();
    let permissions = queue.statistics().unwrap().permissions;
    assert_eq!((permissions.uid, permissions.mode), (uid, 0o640));
    queue.change(&Changes::new().mode(0o604).owner(uid).group(gid).max_bytes(500)).unwrap();
    let found = queue.statistics().unwrap();
    assert_eq!((found.permissions.mode, found.max_bytes), (0o604, 500));
    assert_eq!(kind_of(queue.set_mode(640)), ErrorKind::Invalid, "decimal");
    assert_eq!(kind_of(Options::new().mode(640).create_new(Key::PRIVATE)), ErrorKind::Invalid);
    assert_eq!(kind_of(queue.set_owner(u32::MAX, gid)), ErrorKind::Invalid);
}

#[serial_test]
fn control_without_ownership_fails() -> Outcome {
    let arrange = || {
        let closed = Queue::create_new(Key::PRIVATE).unwrap();
        let open = Options::new().mode(0o606).create_new(Key::PRIVATE).unwrap();
        let given = Queue::create_new(Key::PRIVATE).unwrap();
        given.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID).unwrap();
        let usual = sysv::usage().unwrap().max_bytes;
        set_limit("/proc/sys/kernel/msgmnb", &(usual + 1).to_string());
        let raised = Queue::create_new(Key::PRIVATE).unwrap();
        raised.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID).unwrap();
        set_limit("/proc/sys/kernel/msgmnb", &usual.to_string());
        [closed, open, given, raised]
    };
    unprivileged_in_own_ipc(arrange, |[closed, open, given, raised]| {
        let mut buffer = [0; 8];
        let denied = [
            kind_of(closed.try_send(1, b"x")),
            kind_of(closed.try_recv(Selector::First, &mut buffer)),
            kind_of(closed.statistics()),
            kind_of(open.set_mode(0o600)),
            kind_of(open.remove()),
        ];
        assert_eq!(denied, [ErrorKind::PermissionDenied; 5]);
        Queue::from_id(closed.id()).expect("an unreadable queue can be opened");
        open.try_send(1, b"x").expect("the handle is usable after the failed remove");
        assert_eq!(kind_of(open.set_max_bytes(10)), ErrorKind::PermissionDenied);

        let most = sysv::usage().unwrap().max_bytes;
        let error = given.set_max_bytes(most + 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
        let limit = *error.limit().unwrap();
        assert_eq!((limit.name(), limit.requested()), ("/proc/sys/kernel/msgmnb", Some(most + 1)));
        given.set_max_bytes(most).unwrap();
        let error = raised.set_mode(0o640).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::EPERM)), "{error}");
        raised.change(&Changes::new().mode(0o640).max_bytes(most)).unwrap();
        given.remove().unwrap();
    })
}

#[serial_test]
fn usage_counts_all_queues_of_the_namespace() -> Outcome {
    with_own_ipc(|| {
        assert_eq!(sysv::usage().unwrap().queues, 0);
        let queues = [queue(), queue()];
        queues[0].send(1, b"123").unwrap();
        queues[1].send(1, b"45").unwrap();
        let usage = sysv::usage().unwrap();
        assert_eq!((usage.queues, usage.messages, usage.bytes), (2, 2, 5));
        let number = |file: &str| fs::read_to_string(format!("/proc/sys/kernel/{file}")).unwrap();
        assert_eq!(usage.max_queues.to_string(), number("msgmni").trim());
        assert_eq!(usage.max_message.to_string(), number("msgmax").trim());
        assert_eq!(usage.max_bytes.to_string(), number("msgmnb").trim());
        let listed = fs::read_to_string("/proc/sysvipc/msg").unwrap();
        assert_eq!(listed.lines().count(), 3, "a heading and two queues:\n{listed}");
    })
}

#[serial_test]
fn list_shows_queues_of_all_users() -> Outcome {
    unprivileged_in_own_ipc(
        || {
            let hidden = Queue::create_new(Key::new(5)).unwrap();
            hidden.send(1, b"four").unwrap();
            let between = Queue::create_new(Key::PRIVATE).unwrap();
            let last = Queue::create_new(Key::new(6)).unwrap();
            between.remove().unwrap();
            [hidden.id(), last.id()]
        },
        |ids| {
            let found = sysv::list().unwrap();
            assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
            assert_eq!(found.iter().map(|entry| entry.index).collect::<Vec<_>>(), [0, 2]);
            let facts: Vec<_> =
                found.iter().map(|entry| (entry.statistics.key, entry.statistics.bytes)).collect();
            assert_eq!(facts, [(Key::new(5), 4), (Key::new(6), 0)]);
            assert_eq!(Queue::from_id(ids[0]).unwrap().key(), Some(Key::new(5)));
        },
    )
}

#[serial_test]
fn owner_that_the_user_namespace_does_not_map_is_invalid() -> Outcome {
    with_own_ipc(|| {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWIPC).unwrap();
        fs::write("/proc/self/uid_map", "0 0 1").unwrap();
        let queue = Queue::create_new(Key::PRIVATE).unwrap();
        let error = queue.set_owner(7, 7).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)), "{error}");
        assert!(error.to_string().contains("user namespace"), "{error}");
    })
}
