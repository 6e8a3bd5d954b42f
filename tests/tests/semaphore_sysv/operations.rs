//! Arrays of operations.

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::Operation;
use ipcraft_tests::suite::serial_test;
use nix::errno::Errno;

use super::{kind_of, set};

#[serial_test]
fn apply_changes_all_semaphores_or_none() {
    let set = set(&[0, 1]);
    set.apply(&[Operation::add(0, 3), Operation::subtract(1, 1)]).unwrap();
    assert_eq!(set.values().unwrap(), [3, 0]);
    let error = set.try_apply(&[Operation::subtract(0, 1), Operation::subtract(1, 1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(set.values().unwrap(), [3, 0], "the possible operation is not applied either");
}

#[serial_test]
fn apply_evaluates_operations_in_order() {
    let set = set(&[0]);
    set.apply(&[Operation::add(0, 1), Operation::subtract(0, 1), Operation::wait_zero(0)]).unwrap();
    assert_eq!(
        kind_of(set.try_apply(&[Operation::subtract(0, 1), Operation::add(0, 1)])),
        ErrorKind::WouldBlock
    );
}

#[serial_test]
fn apply_above_maximum_value_overflows() {
    let set = set(&[0, 32766]);
    set.apply(&[Operation::add(1, 1)]).unwrap();
    let error = set.apply(&[Operation::add(0, 1), Operation::add(1, 1)]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Overflow, Some(Errno::ERANGE as i32)));
    assert_eq!(error.limit().map(|limit| (limit.name(), limit.value())), Some(("SEMVMX", 32767)));
    assert_eq!(set.values().unwrap(), [0, 32767]);
}

#[serial_test]
fn apply_to_missing_semaphore_is_rejected() {
    let set = set(&[0, 0]);
    let error = set.apply(&[Operation::add(0, 1), Operation::add(2, 1)]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(Errno::EFBIG as i32)));
    let limit = error.limit().unwrap();
    assert_eq!((limit.name(), limit.value(), limit.requested()), ("the size of the set", 2, Some(3)));
    assert_eq!(set.values().unwrap(), [0, 0]);
    assert_eq!(kind_of(set.value(2)), ErrorKind::Invalid);
    assert_eq!(kind_of(set.set_value(2, 1)), ErrorKind::Invalid);
    assert_eq!(kind_of(set.waiting_for_zero(u16::MAX)), ErrorKind::Invalid);
}

#[serial_test]
fn apply_with_no_operation_or_bad_amount_is_rejected() {
    let set = set(&[1]);
    assert_eq!(kind_of(set.apply(&[])), ErrorKind::Invalid);
    for amount in [0, 32768, u16::MAX] {
        for operation in [Operation::add(0, amount), Operation::subtract(0, amount)] {
            let error = set.try_apply(&[operation]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().ends_with("use an amount of 1 to 32767"), "{error}");
        }
    }
    assert_eq!(set.value(0).unwrap(), 1);
}

#[serial_test]
fn try_apply_that_would_wait_returns_would_block() {
    let set = set(&[0, 1]);
    for operation in [Operation::subtract(0, 1), Operation::wait_zero(1), Operation::subtract(1, 2)] {
        let error = set.try_apply(&[operation]).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::WouldBlock, Some(Errno::EAGAIN as i32)));
    }
    set.try_apply(&[Operation::wait_zero(0), Operation::subtract(1, 1)]).unwrap();
}

#[serial_test]
fn apply_above_default_operation_limit_names_semopm() {
    let set = set(&[0]);
    let limits = std::fs::read_to_string("/proc/sys/kernel/sem").unwrap();
    let most: usize = limits.split_whitespace().nth(2).unwrap().parse().unwrap();
    set.try_apply(&vec![Operation::add(0, 1); most]).unwrap();
    for refused in [
        set.apply(&vec![Operation::add(0, 1); most + 1]),
        set.try_apply(&vec![Operation::add(0, 1); most + 1]),
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(Errno::E2BIG as i32)));
        let limit = error.limit().unwrap();
        assert_eq!(
            (limit.name(), limit.value(), limit.requested()),
            ("SEMOPM", most as u64, Some(most as u64 + 1))
        );
    }
    assert_eq!(usize::from(set.value(0).unwrap()), most);
}
