use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft_step::Child;
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::place::{Place, Version, places};
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

const GROUPS: &str = "9:name=systemd:/user\n3:cpu,cpuacct:/docker/1/jobs\n0::/user/2\n";
const MOUNTS: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu\\040acct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:29 /docker/1 /mnt/cpu rw shared:7 master:2 - cgroup cgroup rw,cpu,cpuacct
34 31 0:30 /.. /mnt/outside rw - cgroup2 cgroup2 rw
35 31 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
36 31 0:31 / /proc rw - proc proc rw
broken
";

fn paths(controller: &str) -> Vec<String> {
    let found = places(GROUPS, MOUNTS, controller);
    found.into_iter().map(|place| place.directory.display().to_string()).collect()
}

#[test]
fn places_are_seen_from_each_mount_of_the_hierarchy() {
    assert_eq!(paths("cpu"), ["/sys/fs/cgroup/cpu acct/docker/1/jobs", "/mnt/cpu/jobs"]);
    assert_eq!(paths(""), ["/sys/fs/cgroup/unified/user/2"]);
    assert_eq!(paths("memory"), ["/sys/fs/cgroup/unified/user/2"]);
    assert_eq!(places(GROUPS, MOUNTS, "cpu")[0].version, Version::One);
    assert_eq!(places("", MOUNTS, "cpu"), []);
}

/// Returns a group for the test, if this machine permits one.
fn group(controller: &str) -> Option<ControlGroup> {
    ControlGroup::create(controller).inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

fn rest() {
    loop {
        sleep(Duration::from_secs(1));
    }
}

#[test]
fn place_lists_this_process() {
    match Place::of_this_process("cpu") {
        Ok(place) => assert!(place.directory.is_dir()),
        Err(error) => assert!(error.contains("cpu"), "{error}"),
    }
}

#[test]
fn dropped_group_is_removed_with_a_process_in_it() {
    let Some(group) = group("cpu") else { return };
    let below = group.subgroup("job").unwrap();
    let mut child = Child::start(rest);
    write(&below, PROCESSES, &child.pid().to_string()).unwrap();
    let path = group.path().to_owned();
    drop(group);
    assert!(!path.exists(), "{path:?}");
    assert!(matches!(child.wait(), Ok(WaitStatus::Signaled(_, Signal::SIGKILL, _))));
}

#[test]
fn frozen_process_does_not_keep_its_group() {
    let Ok(group) = FreezableGroup::create().inspect_err(|error| eprintln!("skipped: {error}")) else {
        return;
    };
    let child = Child::start(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    group.add(child.pid()).unwrap();
    group.freeze().unwrap();
    let used = || crate::sys::cpu_clock::cpu_time(child.pid()).unwrap();
    let before = used();
    sleep(Duration::from_millis(50));
    assert_eq!(used(), before);
    group.thaw().unwrap();
    let start = Instant::now();
    while used() == before && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(1));
    }
    assert!(used() > before);
    group.freeze().unwrap();
    drop(group);
    drop(child);
}

/// A subreaper inherits the janitor of a process that was killed, and so sees the end of it.
#[test]
fn group_is_removed_when_its_user_is_killed_at_any_moment() {
    let Ok(place) = Place::of_this_process("cpu") else { return };
    if group("cpu").is_none() {
        return;
    }
    Child::start(|| {
        set_child_subreaper(true).unwrap();
        let made = (0..200).filter(|_| round(&place.directory)).count();
        println!("{made} of 200 were killed while their group existed");
    })
    .join();
}

/// Kills a user of a group. Returns whether the group existed then.
fn round(directory: &Path) -> bool {
    let mut user = Child::start(use_group);
    sleep(Duration::from_micros(50 * (random() % 100)));
    kill(user.pid(), Signal::SIGKILL).unwrap();
    user.wait().unwrap();
    let prefix = format!("ipcraft-lab-{}-", user.pid());
    let exists = || {
        let mut entries = fs::read_dir(directory).unwrap().flatten();
        entries.any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
    };
    let existed = exists();
    let start = Instant::now();
    while waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) != Err(Errno::ECHILD) {
        assert!(start.elapsed() < PATIENCE, "a process is left");
        sleep(Duration::from_micros(100));
    }
    assert!(!exists(), "a group is left");
    existed
}

fn use_group() {
    let group = ControlGroup::create("cpu").unwrap();
    let below = group.subgroup("job").unwrap();
    let job = Child::start(rest);
    write(&below, PROCESSES, &job.pid().to_string()).unwrap();
    rest();
}
