use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::Outcome;
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

use super::{kind_of, unique_key};

const NOBODY: u32 = 65534;

/// Root may do everything, so a child becomes nobody first.
pub(super) fn are_needed() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    let key = unique_key();
    let set = Options::new().remove_on_drop(true).create_new(key, &[1]).unwrap();
    as_nobody(|| {
        assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(SemaphoreSet::create(key, &[1])), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(set.apply(&[Operation::add(0, 1)])), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(set.value(0)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(set.statistics()), ErrorKind::PermissionDenied);
    });
    set.set_mode(0o604).unwrap();
    as_nobody(|| {
        let found = SemaphoreSet::open(key).unwrap();
        assert_eq!(found.value(0).unwrap(), 1);
        assert_eq!(kind_of(found.apply(&[Operation::add(0, 1)])), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.set_value(0, 2)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.set_mode(0o666)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.set_owner(NOBODY, NOBODY)), ErrorKind::PermissionDenied);
        assert_eq!(kind_of(found.remove()), ErrorKind::PermissionDenied);
    });
    set.set_owner(NOBODY, NOBODY).unwrap();
    as_nobody(|| SemaphoreSet::open(key).unwrap().set_mode(0o640).unwrap());
    let found = set.statistics().unwrap().permissions;
    assert_eq!((found.uid, found.gid, found.creator_uid, found.mode), (NOBODY, NOBODY, 0, 0o640));
    Outcome::Passed
}

fn as_nobody(role: impl FnOnce()) {
    Peer::start(|| {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(NOBODY)).expect("setgid");
        setuid(Uid::from_raw(NOBODY)).expect("setuid");
        role();
    })
    .join();
}

pub(super) fn are_set_and_shown() {
    let key = unique_key();
    let set = Options::new().mode(0o640).remove_on_drop(true).create_new(key, &[1]).unwrap();
    assert_eq!(set.statistics().unwrap().permissions.mode, 0o640);
    set.set_mode(0o606).unwrap();
    let shown = SemaphoreSet::open(key).unwrap().statistics().unwrap().permissions;
    assert_eq!(shown.mode, 0o606);
}
