//! Limits: errors state the name and the value.

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Queue, usage};
use ipcraft::sysv::Key;
use ipcraft_tests::namespace::{set_limit, with_own_ipc};
use ipcraft_tests::suite::{Outcome, serial_test};

use crate::{kind_of, queue};

#[serial_test]
fn max_bytes_also_bounds_the_number_of_empty_messages() {
    let queue = queue();
    let most = usage().unwrap().max_bytes;
    for _ in 0..most {
        queue.try_send(1, b"").unwrap();
    }
    assert_eq!(kind_of(queue.try_send(1, b"")), ErrorKind::Full);
    assert_eq!(queue.statistics().unwrap().messages, most);
}

#[serial_test]
fn create_above_msgmni_names_it() -> Outcome {
    with_own_ipc(|| {
        set_limit("/proc/sys/kernel/msgmni", "1");
        let _one = queue();
        let error = Queue::create_new(Key::PRIVATE).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::ENOSPC)));
        let limit = *error.limit().unwrap();
        assert_eq!((limit.name(), limit.value()), ("/proc/sys/kernel/msgmni", 1));
    })
}
