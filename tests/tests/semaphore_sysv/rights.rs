//! Calls by a process that has exactly the rights that semget(2), semop(2) and semctl(2) ask for.

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{UNPRIVILEGED_ID, unprivileged_in_own_ipc};

use super::kind_of;

#[serial_test]
fn create_new_by_ordinary_user_succeeds_with_every_mode_and_value() -> Outcome {
    unprivileged_in_own_ipc(
        || (),
        |()| {
            for mode in [0, 0o400, 0o200, 0o600, 0o066, 0o440] {
                for value in [0, 1] {
                    let set = Options::new().mode(mode).create_new(Key::PRIVATE, &[value]).unwrap();
                    set.set_mode(0o600).unwrap();
                    assert_eq!(set.value(0).unwrap(), value);
                    let set = Options::new().mode(mode | 0o400).create_new(Key::PRIVATE, &[value]).unwrap();
                    assert_eq!(set.statistics().unwrap().permissions.mode, mode | 0o400);
                }
            }
        },
    )
}

#[serial_test]
fn owner_without_the_read_bit_gives_it_back() -> Outcome {
    let own_group = |set: &SemaphoreSet| set.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    unprivileged_in_own_ipc(
        || (),
        |()| {
            let set = Options::new().create_new(Key::PRIVATE, &[1]).unwrap();
            set.set_mode(0).unwrap();
            assert_eq!(kind_of(set.statistics()), ErrorKind::PermissionDenied);
            own_group(&set).unwrap();
            set.set_mode(0o640).unwrap();
            assert_eq!(set.statistics().unwrap().permissions.mode, 0o640);
        },
    )
}

#[serial_test]
fn process_that_may_only_alter_a_set_opens_it() -> Outcome {
    let key = Key::new(77);
    unprivileged_in_own_ipc(
        || Options::new().mode(0o602).create_new(key, &[1, 0]).unwrap().id(),
        |id| {
            let found =
                [SemaphoreSet::open(key), SemaphoreSet::from_id(id), SemaphoreSet::create(key, &[1, 0])];
            for set in found.map(Result::unwrap) {
                assert_eq!((set.id(), set.count(), set.key()), (id, 2, key));
                set.apply(&[Operation::subtract(0, 1)]).unwrap();
                set.try_apply(&[Operation::add(0, 1)]).unwrap();
                assert_eq!(kind_of(set.value(0)), ErrorKind::PermissionDenied);
            }
        },
    )
}
