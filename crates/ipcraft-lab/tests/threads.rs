//! User-level threads against kernel-level threads, in real processes on one core.

use std::fs;

use ipcraft_lab::threads::{Guard, Level, Way, blocked, counts, hogged, order, share, updates};

#[test]
fn blocking_read_stops_the_user_level_threads_of_its_process_only() {
    let turns = |way| blocked(way).unwrap().turns_of_others;
    assert_eq!(turns(Way::UserBlocking), 0);
    assert!(turns(Way::UserNonBlocking) > 0);
    assert!(turns(Way::KernelBlocking) > 0);
}

#[test]
fn thread_that_never_yields_stops_user_level_threads_only() {
    assert_eq!(hogged(Level::User).unwrap().turns_of_others, 0);
    assert!(hogged(Level::Kernel).unwrap().turns_of_others > 0);
}

/// Both processes are in one session and one control group, so neither changes their shares. Other
/// work on the core may, for a moment.
#[test]
fn share_of_a_process_counts_kernel_level_threads_only() {
    if shares_are_capped() {
        eprintln!("skipped: a control group caps the CPU time of this process");
        return;
    }
    for (level, expected) in [(Level::User, 50.0), (Level::Kernel, 75.0)] {
        let tries: Vec<f64> = (0..4).map(|_| share(level).unwrap().percent_of_three()).collect();
        assert!(tries.iter().any(|found| (found - expected).abs() <= 10.0), "{level:?}: {tries:?}");
    }
}

/// A quota stops whole groups in the middle of a comparison.
fn shares_are_capped() -> bool {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let paths = groups.lines().filter_map(|line| line.rsplit_once(':')).map(|(_, path)| path);
    paths
        .flat_map(|path| {
            [format!("/sys/fs/cgroup{path}/cpu.max"), format!("/sys/fs/cgroup/cpu{path}/cpu.cfs_quota_us")]
        })
        .filter_map(|file| fs::read_to_string(file).ok())
        .any(|quota| !quota.starts_with("max") && !quota.starts_with("-1"))
}

#[test]
fn user_level_threads_of_a_process_run_in_a_row() {
    let (user, kernel) = (order(Level::User).unwrap(), order(Level::Kernel).unwrap());
    println!("{user:?}\n{kernel:?}");
    assert!(user.within > 3 * user.between, "{user:?}");
    assert!(kernel.between > 0, "{kernel:?}");
}

#[test]
fn switch_between_coroutines_makes_no_system_call() {
    match counts() {
        Err(error) => eprintln!("skipped: {error}"),
        Ok(counts) => {
            let calls: Vec<u64> = counts.iter().map(|count| count.system_calls).collect();
            assert_eq!(calls[..4], [0, 0, 0, 1], "{counts:?}");
            assert!(calls[4] >= 1, "{counts:?}");
        }
    }
}

#[test]
fn coroutines_lose_updates_across_a_suspension_without_a_lock() {
    let lost = |guard| {
        let found = updates(guard);
        found.expected - found.found
    };
    assert_eq!([lost(Guard::NoSuspension), lost(Guard::Lock)], [0, 0]);
    assert!(lost(Guard::Nothing) > 0);
}
