//! Segments: creation, opening, attachment, statistics and removal.

use std::cell::RefCell;
use std::fs;
use std::time::{Duration, SystemTime};

use ipcraft::shm::HugePages;
use ipcraft::shm::sysv::{Options, Segment, list};
use ipcraft::sysv::{Changes, Key};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::namespace;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::geteuid;

use super::{kind, page, unique_key};

fn private(size: usize) -> Segment {
    Options::new().remove_on_drop(true).create_new(Key::PRIVATE, size).unwrap()
}

#[serial_test]
fn segment_has_exact_size_and_is_zeroed() {
    for size in [1, page() - 1, page(), page() + 1, 100_000] {
        let segment = private(size);
        let mapping = segment.attach().unwrap();
        assert_eq!((segment.statistics().unwrap().size, mapping.len()), (size, size));
        let mut all = vec![1; size];
        mapping.read_at(0, &mut all).unwrap();
        assert_eq!(all, vec![0; size]);
        mapping.write_at(size - 1, b"x").unwrap();
        assert_eq!(kind(mapping.write_at(size, b"x")), ErrorKind::Invalid);
    }
}

#[serial_test]
fn segment_create_with_impossible_size_fails() {
    assert_eq!(kind(Segment::create_new(Key::PRIVATE, 0)), ErrorKind::Invalid);
    for size in [usize::MAX, isize::MAX as usize, 1 << 62] {
        let error = Segment::create_new(Key::PRIVATE, size).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
    }
}

#[serial_test]
fn key_and_identifier_open_the_same_segment() {
    let key = unique_key();
    let error = Segment::open(key).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ENOENT)));
    let segment = Options::new().remove_on_drop(true).create_new(key, 100).unwrap();
    assert_eq!(kind(Segment::create_new(key, 100)), ErrorKind::AlreadyExists);
    let (opened, created) = (Segment::open(key).unwrap(), Segment::create(key, 50).unwrap());
    let by_id = Segment::from_id(segment.id()).unwrap();
    assert_eq!((opened.id(), created.id(), by_id.id()), (segment.id(), segment.id(), segment.id()));
    let error = Segment::create(key, 101).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::WrongType, 100), "{error}");
    assert_eq!(kind(Segment::open(Key::PRIVATE)), ErrorKind::Invalid);
    assert_ne!(private(1).id(), private(1).id());
}

#[serial_test]
fn attach_read_only_rejects_writes() {
    let segment = private(100);
    let (writer, reader) = (segment.attach().unwrap(), segment.attach_read_only().unwrap());
    writer.write_at(0, b"seen").unwrap();
    let mut text = [0; 4];
    reader.read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"seen");
    assert_eq!(kind(reader.write_at(0, b"x")), ErrorKind::PermissionDenied);
}

#[serial_test]
fn statistics_count_attachments_of_all_processes() {
    let segment = private(100);
    let count = || segment.statistics().unwrap().attachments;
    assert_eq!(count(), 0);
    let mapping = segment.attach().unwrap();
    assert_eq!(count(), 1);
    let peer = Peer::start(|| {
        assert_eq!(count(), 2, "a forked child is attached too");
        let _second = segment.attach().unwrap();
        assert_eq!(count(), 3);
    });
    peer.join();
    assert_eq!(count(), 1, "its exit detached it");
    drop(mapping);
    assert_eq!(count(), 0);
}

#[serial_test]
fn statistics_name_creator_last_user_and_times() {
    let start = SystemTime::now() - Duration::from_secs(2);
    let segment = private(100);
    let new = segment.statistics().unwrap();
    assert_eq!(
        (new.creator, new.last_user, new.attached, new.detached),
        (Some(Pid::current()), None, None, None)
    );
    assert!(new.changed.unwrap() >= start);
    let owner = new.permissions;
    assert_eq!((owner.uid, owner.creator_uid, owner.mode), (geteuid().as_raw(), geteuid().as_raw(), 0o600));
    drop(segment.attach().unwrap());
    let used = segment.statistics().unwrap();
    assert_eq!(used.last_user, Some(Pid::current()));
    assert!(used.attached.unwrap() >= start && used.detached.unwrap() >= start);
    segment.set_mode(0o640).unwrap();
    assert_eq!(segment.statistics().unwrap().permissions.mode, 0o640);
}

#[serial_test]
fn removed_segment_survives_until_the_last_detach() {
    let key = unique_key();
    let segment = Segment::create_new(key, 100).unwrap();
    let other = Segment::open(key).unwrap();
    let mapping = segment.attach().unwrap();
    segment.remove().unwrap();
    assert_eq!(kind(Segment::open(key)), ErrorKind::NotFound);
    assert!(other.statistics().unwrap().is_removed);
    mapping.write_at(0, b"alive").unwrap();
    let mut text = [0; 5];
    other.attach().unwrap().read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"alive");
    drop(mapping);
    let error = other.attach().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Removed, Some(libc::EINVAL)));
    assert_eq!(kind(other.statistics()), ErrorKind::Removed);
    assert_eq!(kind(other.set_mode(0o600)), ErrorKind::Removed);
    assert_eq!(kind(other.lock()), ErrorKind::Removed);
    assert_eq!(kind(Segment::from_id(other.id())), ErrorKind::NotFound);
    assert_eq!(kind(other.remove()), ErrorKind::Removed);
}

#[serial_test]
fn segment_survives_drop_without_remove_on_drop() {
    let key = unique_key();
    drop(Segment::create_new(key, 1).unwrap());
    drop(Options::new().remove_on_drop(true).create(key, 1).unwrap());
    Segment::open(key).unwrap().remove().unwrap();
    let segment = RefCell::new(Some(Options::new().remove_on_drop(true).create(key, 1).unwrap()));
    Peer::start(|| drop(segment.take())).join();
    Segment::open(key).expect("a forked copy removes nothing");
    drop(segment);
    assert_eq!(kind(Segment::open(key)), ErrorKind::NotFound);
}

#[serial_test]
fn segment_create_new_in_racing_processes_succeeds_once() {
    let key = unique_key();
    let wins = private(8);
    let tally = wins.attach().unwrap();
    let race = || {
        if Segment::create_new(key, 100).is_ok() {
            tally.atomic_u64(0).unwrap().fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    };
    let racers: Vec<Peer> = (0..8).map(|_| Peer::start(race)).collect();
    racers.into_iter().for_each(Peer::join);
    assert_eq!(tally.atomic_u64(0).unwrap().load(std::sync::atomic::Ordering::SeqCst), 1);
    Segment::open(key).unwrap().remove().unwrap();
}

#[serial_test]
fn segment_lock_shows_in_statistics() {
    let segment = private(100);
    segment.lock().unwrap();
    assert!(segment.statistics().unwrap().is_locked);
    segment.unlock().unwrap();
    assert!(!segment.statistics().unwrap().is_locked);
}

#[serial_test]
fn segment_calls_without_permission_fail() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let key = unique_key();
    let segment = Options::new().remove_on_drop(true).create_new(key, 100).unwrap();
    user::as_unprivileged(|| {
        let found = Segment::open(key).unwrap();
        for error in [found.attach().unwrap_err(), found.attach_read_only().unwrap_err()] {
            assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EACCES)));
        }
        assert_eq!(kind(found.statistics()), ErrorKind::PermissionDenied);
    });
    segment.set_mode(0o604).unwrap();
    user::as_unprivileged(|| {
        let found = Segment::open(key).unwrap();
        found.attach_read_only().unwrap();
        assert_eq!(kind(found.attach()), ErrorKind::PermissionDenied);
        assert_eq!(kind(found.set_mode(0o666)), ErrorKind::PermissionDenied);
        assert_eq!(kind(found.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID)), ErrorKind::PermissionDenied);
        assert_eq!(kind(found.lock()), ErrorKind::PermissionDenied);
        let error = found.remove().unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
        found.attach_read_only().expect("the handle is usable after the failed remove");
    });
    segment.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID).unwrap();
    user::as_unprivileged(|| Segment::open(key).unwrap().set_mode(0o640).unwrap());
    let found = segment.statistics().unwrap().permissions;
    assert_eq!(
        (found.uid, found.gid, found.creator_uid, found.mode),
        (UNPRIVILEGED_ID, UNPRIVILEGED_ID, 0, 0o640)
    );
    Outcome::Passed
}

#[serial_test]
fn segment_create_names_shmmni_shmall_and_shmmax() -> Outcome {
    namespace::with_own_ipc(|| {
        namespace::set_limit("/proc/sys/kernel/shmmni", "2");
        Segment::create_new(Key::new(1), 1).unwrap();
        Segment::create_new(Key::new(2), 1).unwrap();
        let error = Segment::create_new(Key::new(3), 1).unwrap_err();
        let limit = error.limit().unwrap();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(libc::ENOSPC)));
        assert_eq!((limit.name(), limit.value()), ("/proc/sys/kernel/shmmni", 2));

        namespace::set_limit("/proc/sys/kernel/shmmni", "10");
        namespace::set_limit("/proc/sys/kernel/shmall", "3");
        let error = Segment::create_new(Key::new(3), 100_000).unwrap_err();
        assert_eq!(error.limit().unwrap().name(), "/proc/sys/kernel/shmall");

        namespace::set_limit("/proc/sys/kernel/shmmax", "5000");
        let error = Segment::create_new(Key::new(3), 5001).unwrap_err();
        let limit = error.limit().unwrap();
        assert_eq!(error.kind(), ErrorKind::LimitReached);
        assert_eq!(
            (limit.name(), limit.value(), limit.requested()),
            ("/proc/sys/kernel/shmmax", 5000, Some(5001))
        );
    })
}

#[serial_test]
fn segment_key_is_local_to_the_ipc_namespace() -> Outcome {
    let key = unique_key();
    let _segment = Options::new().remove_on_drop(true).create_new(key, 1).unwrap();
    namespace::with_own_ipc(|| {
        assert_eq!(kind(Segment::open(key)), ErrorKind::NotFound);
        Segment::create_new(key, 2).unwrap();
    })
}

#[serial_test]
fn huge_page_segment_attaches_or_fails() {
    match Options::new().remove_on_drop(true).huge_pages(HugePages::DEFAULT).create_new(Key::PRIVATE, 1) {
        Ok(segment) => segment.attach().unwrap().write_at(0, b"x").unwrap(),
        Err(error) => {
            let kinds = [ErrorKind::LimitReached, ErrorKind::Unsupported, ErrorKind::PermissionDenied];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }
}

#[serial_test]
fn segment_matches_proc_sysvipc_shm() {
    let segment = private(12_345);
    let _mapping = segment.attach().unwrap();
    let list = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let id = segment.id().to_string();
    let line = list.lines().find(|line| line.split_whitespace().nth(1) == Some(&id)).expect("listed");
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((fields[2], fields[3], fields[6]), ("600", "12345", "1"));
}

#[serial_test]
fn segment_owner_without_the_read_bit_gives_it_back() -> Outcome {
    user::unprivileged_in_own_ipc(
        || Options::new().mode(0o600).create_new(Key::new(5), 100).unwrap().id(),
        |closed| {
            let segment = Options::new().create_new(Key::PRIVATE, 100).unwrap();
            segment.set_mode(0o200).unwrap();
            assert_eq!(kind(segment.statistics()), ErrorKind::PermissionDenied);
            segment.set_owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID).unwrap();
            let found = Segment::from_id(segment.id()).unwrap();
            found.set_mode(0o600).unwrap();
            assert_eq!(segment.statistics().unwrap().permissions.mode, 0o600);
            segment.attach().unwrap();

            let closed = Segment::from_id(closed).expect("attaching asks for permission");
            assert_eq!(kind(closed.attach_read_only()), ErrorKind::PermissionDenied);
            let error = Segment::create(Key::new(5), 101).unwrap_err();
            assert_eq!(
                (error.kind(), error.limit().unwrap().value()),
                (ErrorKind::WrongType, 100),
                "{error}"
            );
        },
    )
}

#[serial_test]
fn segment_list_shows_segments_of_all_users() -> Outcome {
    user::unprivileged_in_own_ipc(
        || {
            let hidden = Segment::create_new(Key::new(5), 100).unwrap();
            let between = Segment::create_new(Key::PRIVATE, 1).unwrap();
            let last = Segment::create_new(Key::new(6), 200).unwrap();
            between.remove().unwrap();
            assert_eq!(last.key(), Some(Key::new(6)));
            [hidden.id(), last.id()]
        },
        |ids| {
            let found = list().unwrap();
            assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
            assert_eq!(found.iter().map(|entry| entry.index).collect::<Vec<_>>(), [0, 2]);
            let facts: Vec<_> =
                found.iter().map(|entry| (entry.statistics.key, entry.statistics.size)).collect();
            assert_eq!(facts, [(Key::new(5), 100), (Key::new(6), 200)]);
            assert_eq!(Segment::from_id(ids[0]).unwrap().key(), Some(Key::new(5)));
        },
    )
}

#[serial_test]
fn segment_change_sets_mode_and_owner_together() {
    let segment = private(100);
    let uid = geteuid().as_raw();
    segment.change(&Changes::new().mode(0o640).owner(uid)).unwrap();
    let found = segment.statistics().unwrap().permissions;
    assert_eq!((found.uid, found.mode), (uid, 0o640));
    assert_eq!(kind(segment.set_mode(640)), ErrorKind::Invalid, "decimal");
    assert_eq!(kind(segment.set_owner(u32::MAX, 0)), ErrorKind::Invalid);
    assert_eq!(kind(Options::new().mode(640).create_new(Key::PRIVATE, 1)), ErrorKind::Invalid);
}

#[serial_test]
fn segment_drop_in_another_ipc_namespace_removes_nothing() -> Outcome {
    namespace::with_own_ipc(|| {
        let first = Options::new().remove_on_drop(true).create_new(Key::new(1), 1).unwrap();
        unshare(CloneFlags::CLONE_NEWIPC).unwrap();
        let other = Segment::create_new(Key::new(1), 1).unwrap();
        assert_eq!(other.id(), first.id(), "each namespace counts for itself");
        drop(first);
        other.statistics().expect("the drop removes its own segment only");
    })
}

#[serial_test]
fn segment_create_while_another_process_removes_it_starts_over() {
    let key = unique_key();
    let remover = Peer::start(|| {
        loop {
            // SAFETY: because shmget(2) takes numbers and IPC_RMID ignores the pointer.
            unsafe { libc::shmctl(libc::shmget(key.number(), 0, 0), libc::IPC_RMID, std::ptr::null_mut()) };
        }
    });
    for round in 0..20_000 {
        Segment::create(key, 1).unwrap_or_else(|e| panic!("round {round}: {e}"));
    }
    remover.kill();
    let _ = Segment::open(key).map(|segment| segment.remove());
}

/// `shm_next_id` makes the kernel give a chosen identifier to the next segment (sysvipc(7)).
#[serial_test]
fn recycled_identifier_protects_the_later_segment() -> Outcome {
    const NEXT_ID: &str = "/proc/sys/kernel/shm_next_id";
    if !fs::exists(NEXT_ID).unwrap_or(false) {
        return Outcome::Skipped("the kernel has no shm_next_id".into());
    }
    namespace::with_own_ipc(|| {
        let first = Options::new().remove_on_drop(true).create_new(Key::new(1), 1).unwrap();
        let opened = Segment::open(Key::new(1)).unwrap();
        Segment::from_id(first.id()).unwrap().remove().unwrap();
        fs::write(NEXT_ID, first.id().to_string()).unwrap();
        let other = Segment::create_new(Key::new(2), 1).unwrap();
        assert_eq!(other.id(), first.id(), "recycled");
        assert_eq!([kind(first.remove()), kind(opened.remove())], [ErrorKind::Removed; 2]);
        drop(first);
        other.statistics().expect("the drop removes its own segment only");
    })
}

#[serial_test]
fn segment_lock_beyond_the_limit_names_its_size_and_the_limit() -> Outcome {
    const SIZE: usize = 100_000;
    user::unprivileged_in_own_ipc(
        || (),
        |()| {
            setrlimit(Resource::RLIMIT_MEMLOCK, 4096, 4096).unwrap();
            let error = private(SIZE).lock().unwrap_err();
            let limit = error.limit().unwrap();
            assert_eq!((limit.name(), limit.requested()), ("RLIMIT_MEMLOCK", Some(SIZE as u64)), "{error}");
        },
    )
}
