//! Limits: errors state the name, the value and the request.

use ipcraft::queue::posix::{Options, Queue};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::namespace::set_limit;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::unprivileged_in_own_ipc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{fresh_name, kind_of, small};

fn rejected(options: Options) -> Error {
    options.create_new(fresh_name()).expect_err("above a limit")
}

fn limit_of(error: &Error) -> (&'static str, u64, Option<u64>) {
    assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
    let limit = error.limit().expect("a limit with a name");
    (limit.name(), limit.value(), limit.requested())
}

#[serial_test]
fn full_descriptor_table_names_rlimit_nofile() {
    let name = fresh_name();
    let _queue = small().remove_on_drop(true).create_new(&name).unwrap();
    Peer::start(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
        assert_eq!(limit_of(&Queue::open(&name).unwrap_err()), ("RLIMIT_NOFILE", 0, None));
        assert_eq!(limit_of(&rejected(small())), ("RLIMIT_NOFILE", 0, None));
    })
    .join();
}

#[serial_test]
fn create_above_user_quota_names_rlimit_msgqueue() {
    Peer::start(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_MSGQUEUE).unwrap();
        setrlimit(Resource::RLIMIT_MSGQUEUE, 1000, hard).unwrap();
        let error = rejected(Options::new().capacity(8).message_size(128));
        assert_eq!(limit_of(&error), ("RLIMIT_MSGQUEUE", 1000, Some(8 * 128 + 8 * 48 + 8 * 48)));
        assert_eq!(error.errno(), Some(libc::EMFILE));
    })
    .join();
}

#[serial_test]
fn create_above_kernel_maximum_names_the_limit() {
    let error = rejected(small().capacity(1 << 40));
    assert_eq!(limit_of(&error).1, 65_536, "{error}");
    let error = rejected(small().message_size(usize::MAX));
    assert_eq!(limit_of(&error).1, 16 << 20, "{error}");
}

#[serial_test]
fn capacity_or_message_size_of_zero_is_rejected() {
    assert_eq!(kind_of(small().capacity(0).create_new(fresh_name())), ErrorKind::Invalid);
    assert_eq!(kind_of(small().message_size(0).create_new(fresh_name())), ErrorKind::Invalid);
}

#[serial_test]
fn create_above_sysctl_names_msg_max_and_msgsize_max() -> Outcome {
    let lower = || {
        set_limit("/proc/sys/fs/mqueue/msg_max", "7");
        set_limit("/proc/sys/fs/mqueue/msgsize_max", "256");
    };
    unprivileged_in_own_ipc(lower, |()| {
        let error = rejected(small().capacity(8));
        assert_eq!(limit_of(&error), ("/proc/sys/fs/mqueue/msg_max", 7, Some(8)));
        assert_eq!(error.errno(), Some(libc::EINVAL));
        let error = rejected(small().message_size(300));
        assert_eq!(limit_of(&error), ("/proc/sys/fs/mqueue/msgsize_max", 256, Some(300)));
        small().capacity(7).message_size(256).create_new(fresh_name()).expect("exactly the limit is allowed");
    })
}

#[serial_test]
fn create_above_queues_max_names_it() -> Outcome {
    unprivileged_in_own_ipc(
        || set_limit("/proc/sys/fs/mqueue/queues_max", "1"),
        |()| {
            small().create_new(fresh_name()).unwrap();
            let error = rejected(small());
            assert_eq!(limit_of(&error), ("/proc/sys/fs/mqueue/queues_max", 1, None));
        },
    )
}

#[serial_test]
fn create_by_a_user_without_a_mapping_names_the_user_namespace() -> Outcome {
    ipcraft_tests::namespace::with_own_ipc(|| {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWIPC).unwrap();
        let error = rejected(small());
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EOVERFLOW)));
        assert!(error.to_string().contains("user namespace"), "{error}");
    })
}
