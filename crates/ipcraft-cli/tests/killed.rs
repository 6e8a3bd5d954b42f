//! `ipcraft lab`, killed by `SIGKILL` at random moments: no process and no control group is left.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

/// Among the children are stopped, blocked, spinning, real-time, traced and frozen ones.
const TOPICS: &[&str] = &[
    "exclusion alternation",
    "explore dekker",
    "race",
    "wakeup",
    "inversion",
    "threads",
    "schedule --policy rr:1 --jobs 20,20 --by priorities",
    "schedule --policy rr:1 --jobs 9,9,9",
    "schedule --policy linux:weight --jobs 20,20",
    "schedule --cost",
    "realtime --policy linux:rm",
];
const KILLS: usize = 220;
const LATEST: f64 = 0.4;
const PATIENCE: Duration = Duration::from_secs(60);

/// All orphans come to this process, which has no other test.
#[test]
fn lab_killed_at_any_moment_leaves_no_process_and_no_control_group() {
    set_child_subreaper(true).unwrap();
    for topic in TOPICS.iter().cycle().take(KILLS) {
        let moment = moment();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft"));
        command.arg("lab").args(topic.split(' ')).stdin(Stdio::null()).stdout(Stdio::null());
        let mut lab = command.stderr(Stdio::null()).spawn().unwrap();
        sleep(moment);
        lab.kill().unwrap();
        lab.wait().unwrap();
        reap_all(&format!("lab {topic}, killed after {moment:?}"));
        let prefix = format!("ipcraft-lab-{}-", lab.id());
        assert!(!has_group(Path::new("/sys/fs/cgroup"), &prefix, 4), "lab {topic}: {moment:?}");
    }
}

/// Returns a random time. Short ones are more frequent: most processes are started early.
fn moment() -> Duration {
    let random = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
    Duration::from_secs_f64(LATEST * random * random)
}

/// Waits until no descendant is left.
fn reap_all(what: &str) {
    let start = Instant::now();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Err(Errno::ECHILD) => return,
            Ok(WaitStatus::StillAlive) => sleep(Duration::from_micros(200)),
            _ => {}
        }
        assert!(start.elapsed() < PATIENCE, "{what}: a process is left");
    }
}

fn has_group(directory: &Path, prefix: &str, depth: usize) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut groups = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    groups.any(|group| {
        let is_left = group.file_name().to_string_lossy().starts_with(prefix);
        is_left || (depth > 0 && has_group(&group.path(), prefix, depth - 1))
    })
}
