//! Permissions.

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID};

use super::{kind_of, unique_key};

#[serial_test]
fn set_calls_without_permission_fail() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let key = unique_key();
    let set = Options::new().remove_on_drop(true).create_new(key, &[1]).unwrap();
    user::as_unprivileged(|| {
        assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(SemaphoreSet::create(key, &[1])), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(set.apply(&[Operation::add(0, 1)])), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(set.value(0)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(set.statistics()), ErrorKind::PermissionDenied);
    });
    set.set_mode(0o604).unwrap();
    user::as_unprivileged(|| {
        let found = SemaphoreSet::open(key).unwrap();
        assert_eq!(found.value(0).unwrap(), 1);
        assert_eq!(kind_of(found.apply(&[Operation::add(0, 1)])), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.set_value(0, 2)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.set_mode(0o666)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.remove()), ErrorKind::PermissionDenied);
        assert_eq!(found.value(0).unwrap(), 1, "the handle is still usable");
    });
    set.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID).unwrap();
    user::as_unprivileged(|| SemaphoreSet::open(key).unwrap().set_mode(0o640).unwrap());
    let found = set.statistics().unwrap().permissions;
    assert_eq!(
        (found.uid, found.gid, found.creator_uid, found.mode),
        (UNPRIVILEGED_ID, UNPRIVILEGED_ID, 0, 0o640)
    );
    Outcome::Passed
}

#[serial_test]
fn set_mode_shows_in_statistics() {
    let key = unique_key();
    let set = Options::new().mode(0o640).remove_on_drop(true).create_new(key, &[1]).unwrap();
    assert_eq!(set.statistics().unwrap().permissions.mode, 0o640);
    set.set_mode(0o606).unwrap();
    let shown = SemaphoreSet::open(key).unwrap().statistics().unwrap().permissions;
    assert_eq!(shown.mode, 0o606);
}
