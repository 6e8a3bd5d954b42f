//! Calls by a process that has exactly the rights that msgget(2), msgop(2) and msgctl(2) ask for.

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::sysv::Key;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{UNPRIVILEGED_ID, unprivileged_in_own_ipc};

use crate::kind_of;

#[serial_test]
fn owner_without_the_read_bit_gives_it_back() -> Outcome {
    unprivileged_in_own_ipc(
        || (),
        |()| {
            let queue = Options::new().create_new(Key::PRIVATE).unwrap();
            queue.set_mode(0o200).unwrap();
            assert_eq!(kind_of(queue.statistics()), ErrorKind::PermissionDenied);
            queue.set_max_bytes(1000).unwrap();
            queue.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID).unwrap();
            queue.set_mode(0).unwrap();
            queue.set_mode(0o640).unwrap();
            let found = queue.statistics().unwrap();
            assert_eq!((found.permissions.mode, found.max_bytes), (0o640, 1000));
        },
    )
}

#[serial_test]
fn process_that_may_only_send_opens_and_sends() -> Outcome {
    let key = Key::new(77);
    unprivileged_in_own_ipc(
        || {
            let queue = Options::new().mode(0o602).create_new(key).unwrap();
            queue.set_max_bytes(10).unwrap();
            queue.id()
        },
        |id| {
            for queue in [Queue::open(key), Queue::from_id(id), Queue::create(key)].map(Result::unwrap) {
                queue.try_send(1, b"in").unwrap();
                assert_eq!(kind_of(queue.try_send(1, &[0; 11])), ErrorKind::TooLarge);
                assert_eq!(kind_of(queue.try_recv_message(Selector::First)), ErrorKind::PermissionDenied);
            }
        },
    )
}
