//! What an unprivileged user sees, and with a `/proc` that hides processes.

use std::os::unix::fs::PermissionsExt;

use ipcraft_inspect::{Kind, Reason, Refusal, State, list, remove};
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::{self, UNPRIVILEGED_ID};
use nix::mount::{MsFlags, mount};

use super::{SharedFile, holding, object};

fn make_unprivileged(file: &SharedFile, mode: u32) {
    std::os::unix::fs::chown(&file.path, Some(UNPRIVILEGED_ID), Some(UNPRIVILEGED_ID)).unwrap();
    std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[serial_test]
fn object_of_another_user_is_unknown_and_stays() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    for mode in [0o600, 0o666] {
        let file = SharedFile::new("insp-other");
        std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(mode)).unwrap();
        user::as_unprivileged(|| {
            assert_eq!(object(&file.name()).state, State::Unknown(Reason::NeedsRoot));
            assert_eq!(remove(&file.name()).unwrap(), Err(Refusal::OfOtherUser(0)));
        });
        assert!(file.path.exists());
    }
    Outcome::Passed
}

#[serial_test]
fn own_object_is_proved_dead_or_held_by_an_invisible_process() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let file = SharedFile::new("insp-own");
    make_unprivileged(&file, 0o600);
    user::as_unprivileged(|| assert_eq!(object(&file.name()).state, State::Dead));
    let root = holding(|| Box::new(file.open()));
    user::as_unprivileged(|| {
        let found = object(&file.name());
        assert_eq!((found.state, found.holders.len()), (State::Live, 0));
        assert_eq!(remove(&file.name()).unwrap(), Err(Refusal::Held(Vec::new())));
    });
    root.kill();
    Outcome::Passed
}

#[serial_test]
fn own_object_under_hidepid_is_live_while_a_hidden_process_holds_it() -> Outcome {
    if let Some(skipped) = user::skipped_unless_root() {
        return skipped;
    }
    let file = SharedFile::new("insp-hidepid");
    make_unprivileged(&file, 0o600);
    let root = holding(|| Box::new(file.open()));
    let outcome = ipcraft_tests::namespace::with_own_mounts(|| {
        let hide = Some("hidepid=2");
        mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), hide).expect("mounting proc");
        user::drop_privileges();
        let listing = list(&[Kind::SharedMemory]).unwrap();
        assert!(listing.view.partial && !listing.view.is_complete());
        let found = listing.objects.iter().find(|object| object.name == file.name()).unwrap();
        assert_eq!((found.state, found.holders.len()), (State::Live, 0));
    });
    root.kill();
    outcome
}

#[serial_test]
fn object_held_outside_of_the_pid_namespace_is_live() -> Outcome {
    let file = SharedFile::new("insp-pidns");
    let outside = holding(|| Box::new(file.open()));
    let outcome = ipcraft_tests::namespace::with_own_pids(|| {
        ipcraft_tests::peer::Peer::start(|| {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).expect("a mount namespace");
            let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
            mount(none, "/", none, private, none).expect("making mounts private");
            mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).expect("mounting proc");
            let found = object(&file.name());
            assert_eq!((found.state, found.holders.len()), (State::Live, 0), "no visible process");
        })
        .join();
    });
    outside.kill();
    outcome
}

#[serial_test]
fn file_of_another_file_system_is_not_counted_and_stays() -> Outcome {
    let directory = ipcraft_tests::scratch::directory();
    if nix::sys::statfs::statfs(directory.path()).unwrap().filesystem_type() == nix::sys::statfs::TMPFS_MAGIC
    {
        return Outcome::Skipped("needs a temporary directory that is no tmpfs".into());
    }
    ipcraft_tests::namespace::with_own_mounts(|| {
        let none = None::<&str>;
        mount(Some(directory.path()), "/dev/shm", none, MsFlags::MS_BIND, none).expect("a bind mount");
        std::fs::write("/dev/shm/insp-elsewhere", "x").unwrap();
        let name = "shm:/insp-elsewhere".parse().unwrap();
        assert_eq!(object(&name).state, State::Unknown(Reason::NotCounted));
        assert_eq!(remove(&name).unwrap(), Err(Refusal::Unknown(Reason::NotCounted)));
    })
}

#[serial_test]
fn segment_whose_makers_id_was_given_to_another_process_is_unknown() -> Outcome {
    use ipcraft::shm::sysv::Segment;
    use ipcraft_tests::peer::Peer;
    let ids = ipcraft_tests::scratch::directory();
    let file = ids.path().join("id");
    ipcraft_tests::namespace::with_own_pids(|| {
        Peer::start(|| {
            let maker = Peer::start(|| {
                let segment = Segment::create_new(ipcraft::sysv::Key::PRIVATE, 4096).unwrap();
                std::fs::write(&file, segment.id().to_string()).unwrap();
            });
            let pid = maker.id();
            maker.join();
            let id = std::fs::read_to_string(&file).unwrap();
            let name = format!("sysv-shm:#{id}").parse().unwrap();
            assert_eq!(object(&name).state, State::Dead);
            let last = (u32::from(pid) - 1).to_string();
            if std::fs::write("/proc/sys/kernel/ns_last_pid", last).is_ok() {
                let other = holding(|| Box::new(()));
                assert_eq!(other.id(), pid, "the id is used again");
                assert_eq!(object(&name).state, State::Unknown(Reason::UserRuns));
                other.kill();
            } else {
                println!("skipped: needs the right to choose the next process id");
            }
            assert_eq!(remove(&name).unwrap(), Ok(()));
        })
        .join();
    })
}
