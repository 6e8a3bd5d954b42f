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
