//! How long a listing takes with many objects and processes.

use std::time::{Duration, Instant};

use ipcraft_inspect::list;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::sys::resource::{UsageWho, getrusage};

use super::{LONG, SharedFile, is_full};

/// The CPU time that this process has used.
fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let time = |t: nix::sys::time::TimeVal| Duration::new(t.tv_sec() as u64, t.tv_usec() as u32 * 1000);
    time(usage.user_time()) + time(usage.system_time())
}

#[serial_test(timeout = LONG)]
fn list_of_5000_objects_among_500_processes_is_whole() -> Outcome {
    let (objects, processes) = if is_full() { (5000, 500) } else { (500, 20) };
    let files: Vec<SharedFile> = (0..objects).map(|_| SharedFile::new("insp-scale")).collect();
    let mut children = Vec::new();
    for file in files.iter().take(processes) {
        let held = file.open();
        let child = Peer::try_start(move || {
            let _held = held;
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        });
        match child {
            Ok(child) => children.push(child),
            Err(error) => return Outcome::Skipped(format!("needs {processes} processes: {error}")),
        }
    }
    let times: Vec<(Duration, Duration)> = (0..5)
        .map(|_| {
            let (started, used) = (Instant::now(), cpu_time());
            let listing = list(&[]).unwrap();
            let time = (started.elapsed(), cpu_time() - used);
            let ours = listing.objects.iter().filter(|o| o.name.to_string().starts_with("shm:/insp-scale-"));
            assert!(ours.count() >= objects);
            time
        })
        .collect();
    let least = times.iter().map(|(_, used)| *used).min();
    println!("{objects} objects, {processes} processes: {least:?} of CPU time; elapsed and CPU: {times:?}");
    children.into_iter().for_each(Peer::kill);
    Outcome::Passed
}
