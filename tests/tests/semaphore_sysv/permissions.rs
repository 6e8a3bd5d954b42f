//! Permissions.

use std::fs;

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{self, Operation, Options, SemaphoreSet};
use ipcraft::sysv::{Changes, Key};
use ipcraft_tests::namespace;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID, unprivileged_in_own_ipc};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::{kind_of, unique_key};

#[serial_test]
fn set_calls_without_permission_fail() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let key = unique_key();
    let set = Options::new().remove_on_drop(true).create_new(key, &[1]).unwrap();
    user::as_unprivileged(|| {
        let opened = SemaphoreSet::open(key).expect("opening asks for no right");
        assert_eq!(kind_of(opened.try_apply(&[Operation::subtract(0, 1)])), ErrorKind::PermissionDenied);
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

#[serial_test]
fn change_sets_mode_and_owner_together_and_rejects_impossible_values() {
    let set = super::set(&[1]);
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    set.change(&Changes::new().mode(0o640).owner(uid).group(gid)).unwrap();
    set.change(&Changes::new()).unwrap();
    let found = set.statistics().unwrap().permissions;
    assert_eq!((found.uid, found.gid, found.mode), (uid, gid, 0o640));
    for bad in [Changes::new().mode(660), Changes::new().owner(u32::MAX), Changes::new().group(u32::MAX)] {
        assert_eq!(kind_of(set.change(&bad)), ErrorKind::Invalid, "{bad:?}");
    }
    assert_eq!(kind_of(Options::new().mode(660).create_new(Key::PRIVATE, &[1])), ErrorKind::Invalid);
}

/// The kernel reports an id that it cannot map as it reports a removed object.
#[serial_test]
fn owner_that_the_user_namespace_does_not_map_is_invalid() -> Outcome {
    namespace::with_own_ipc(|| {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWIPC).unwrap();
        fs::write("/proc/self/uid_map", "0 0 1").unwrap();
        let set = Options::new().create_new(Key::PRIVATE, &[1]).unwrap();
        let error = set.set_owner(7, 7).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)), "{error}");
        assert!(error.to_string().contains("user namespace"), "{error}");
    })
}

#[serial_test]
fn list_shows_sets_of_all_users() -> Outcome {
    unprivileged_in_own_ipc(
        || {
            let hidden = Options::new().create_new(Key::new(5), &[1, 2]).unwrap();
            let between = Options::new().create_new(Key::PRIVATE, &[0]).unwrap();
            let last = Options::new().mode(0o640).create_new(Key::new(6), &[3]).unwrap();
            between.remove().unwrap();
            [hidden.id(), last.id()]
        },
        |ids| {
            let found = sysv::list().unwrap();
            assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
            assert_eq!(found.iter().map(|entry| entry.index).collect::<Vec<_>>(), [0, 2]);
            let shown = found.iter().map(|entry| entry.statistics);
            let facts: Vec<_> = shown.map(|set| (set.key, set.count, set.permissions.mode)).collect();
            assert_eq!(facts, [(Key::new(5), 2, 0o600), (Key::new(6), 1, 0o640)]);
        },
    )
}

/// `sem_next_id` makes the kernel give a chosen identifier to the next set (sysvipc(7)).
#[serial_test]
fn recycled_identifier_protects_the_later_set() -> Outcome {
    const NEXT_ID: &str = "/proc/sys/kernel/sem_next_id";
    if !fs::exists(NEXT_ID).unwrap_or(false) {
        return Outcome::Skipped("the kernel has no sem_next_id".into());
    }
    namespace::with_own_ipc(|| {
        let first = Options::new().remove_on_drop(true).create_new(Key::new(1), &[1]).unwrap();
        let opened = SemaphoreSet::open(Key::new(1)).unwrap();
        SemaphoreSet::from_id(first.id()).unwrap().remove().unwrap();
        fs::write(NEXT_ID, first.id().to_string()).unwrap();
        let other = SemaphoreSet::create_new(Key::new(2), &[1]).unwrap();
        assert_eq!(other.id(), first.id(), "recycled");
        assert_eq!([kind_of(first.remove()), kind_of(opened.remove())], [ErrorKind::Removed; 2]);
        drop(first);
        assert_eq!(other.value(0).unwrap(), 1, "the drop removes its own set only");
    })
}
