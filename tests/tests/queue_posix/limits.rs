//! Limits: each is named, with its value and what was asked for.

use ipcraft::queue::posix::{Options, Queue};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::namespace::set_limit;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::Outcome;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{as_nobody, fresh_name, kind_of, small};

fn refused(options: Options) -> Error {
    options.create_new(&fresh_name()).expect_err("above a limit")
}

fn limit_of(error: &Error) -> (&'static str, u64, Option<u64>) {
    assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
    let limit = error.limit().expect("a limit with a name");
    (limit.name(), limit.value(), limit.requested())
}

pub(crate) fn of_the_descriptor_table_are_named() {
    let name = fresh_name();
    let _queue = small().remove_on_drop(true).create_new(&name).unwrap();
    Peer::start(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
        assert_eq!(limit_of(&Queue::open(&name).unwrap_err()), ("RLIMIT_NOFILE", 0, None));
        assert_eq!(limit_of(&refused(small())), ("RLIMIT_NOFILE", 0, None));
    })
    .join();
}

pub(crate) fn of_the_users_queues_are_named() {
    Peer::start(|| {
        let (_, hard) = getrlimit(Resource::RLIMIT_MSGQUEUE).unwrap();
        setrlimit(Resource::RLIMIT_MSGQUEUE, 1000, hard).unwrap();
        let error = refused(Options::new().capacity(8).message_size(128));
        assert_eq!(limit_of(&error), ("RLIMIT_MSGQUEUE", 1000, Some(8 * 128 + 8 * 48 + 8 * 48)));
        assert_eq!(error.errno(), Some(libc::EMFILE));
    })
    .join();
}

pub(crate) fn of_the_kernel_are_named() {
    let error = refused(small().capacity(1 << 40));
    assert_eq!(limit_of(&error).1, 65_536, "{error}");
    let error = refused(small().message_size(usize::MAX));
    assert_eq!(limit_of(&error).1, 16 << 20, "{error}");
}

pub(crate) fn below_one_are_refused() {
    assert_eq!(kind_of(small().capacity(0).create_new(&fresh_name())), ErrorKind::Invalid);
    assert_eq!(kind_of(small().message_size(0).create_new(&fresh_name())), ErrorKind::Invalid);
}

pub(crate) fn of_the_system_are_named() -> Outcome {
    let lower = || {
        set_limit("/proc/sys/fs/mqueue/msg_max", "7");
        set_limit("/proc/sys/fs/mqueue/msgsize_max", "256");
    };
    as_nobody(lower, || {
        let error = refused(small().capacity(8));
        assert_eq!(limit_of(&error), ("/proc/sys/fs/mqueue/msg_max", 7, Some(8)));
        assert_eq!(error.errno(), Some(libc::EINVAL));
        let error = refused(small().message_size(300));
        assert_eq!(limit_of(&error), ("/proc/sys/fs/mqueue/msgsize_max", 256, Some(300)));
        small().capacity(7).message_size(256).create_new(&fresh_name()).expect("as much as is allowed");
    })
}

pub(crate) fn of_the_namespace_are_named() -> Outcome {
    as_nobody(
        || set_limit("/proc/sys/fs/mqueue/queues_max", "1"),
        || {
            small().create_new(&fresh_name()).unwrap();
            let error = refused(small());
            assert_eq!(limit_of(&error), ("/proc/sys/fs/mqueue/queues_max", 1, None));
        },
    )
}
