//! Real schedules whose processes are killed, stopped and continued by others, or lack rights.

use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft_bench::{Cores, pin};
use ipcraft_lab::schedule::dispatch::{Agreement, Clock, MAX_JOBS, Options, Run, RunError, Way, run};
use ipcraft_lab::schedule::job::parse;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::{ideal, sets};
use ipcraft_step::{Child, Shared};
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, setgid, setgroups, setuid};

const SERVICE: Options = Options {
    way: Way::Signals,
    clock: Clock::Service,
    unit: Duration::from_millis(1),
    cpu: None,
    explained: false,
};
const PATIENCE: Duration = Duration::from_secs(60);

fn run_text(policy: &str, jobs: &str, options: &Options) -> Result<Run, RunError> {
    let spec: Spec = policy.parse().unwrap();
    run(&parse(jobs).unwrap(), &mut *spec.policy(), options)
}

fn is_as_ideal(policy: &str, jobs: &str, options: &Options) -> bool {
    let spec: Spec = policy.parse().unwrap();
    let jobs = parse(jobs).unwrap();
    let ideal = ideal::run(&jobs, &mut *spec.policy(), false).unwrap();
    let real = run(&jobs, &mut *spec.policy(), options).unwrap();
    Agreement::of(&ideal, &real.timeline).is_same() && real.jobs.iter().all(|job| job.died.is_none())
}

/// Returns the children of a process.
fn children(parent: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| is_child(*pid, parent)).map(Pid::from_raw).collect()
}

fn is_child(pid: i32, parent: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>());
    fields.is_some_and(|fields| fields[1] == parent.to_string())
}

fn wait_for_children(parent: Pid, count: usize) -> Vec<Pid> {
    let start = Instant::now();
    loop {
        let found = children(parent);
        if found.len() >= count {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{found:?}");
        sleep(Duration::from_millis(1));
    }
}

fn wait_for_end(child: Child, mut meanwhile: impl FnMut()) {
    let start = Instant::now();
    while !child.has_ended() {
        meanwhile();
        assert!(start.elapsed() < PATIENCE, "the run hangs");
    }
    child.join();
}

#[test]
fn killed_job_is_reported_and_the_others_finish() {
    for (clock, signal) in [(Clock::Service, Signal::SIGKILL), (Clock::Wall, Signal::SIGTERM)] {
        let shared = Shared::new().unwrap();
        let dispatcher = Child::start(|| {
            let run = run_text("rr:5", "300,100,100", &Options { clock, ..SERVICE }).unwrap();
            for (id, job) in run.jobs.iter().enumerate() {
                let finished = job.died.is_none() && run.timeline.ends[id].is_some();
                shared.words()[id].store(1 + u64::from(finished), SeqCst);
            }
            shared.words()[3].store(run.metrics.jobs[0].end.map_or(7, |_| 0), SeqCst);
        });
        let jobs = wait_for_children(dispatcher.pid(), 3);
        sleep(Duration::from_millis(20));
        kill(*jobs.iter().min().unwrap(), signal).unwrap();
        wait_for_end(dispatcher, || sleep(Duration::from_millis(1)));
        let found: Vec<u64> = shared.words()[..4].iter().map(|word| word.load(SeqCst)).collect();
        assert_eq!(found, [1, 2, 2, 7], "{clock:?}");
    }
}

#[test]
fn jobs_stopped_and_continued_by_others_are_dispatched_as_the_ideal_does() {
    let dispatcher = Child::start(|| {
        assert!(is_as_ideal("rr:5", "A:0:30,io5,10 B:5:25 C:10:20,io5,5", &SERVICE));
    });
    let processes = wait_for_children(dispatcher.pid(), 4);
    let mut signals = [Signal::SIGSTOP, Signal::SIGCONT, Signal::SIGCONT].iter().cycle();
    wait_for_end(dispatcher, || {
        let signal = *signals.next().unwrap();
        for &pid in &processes {
            // A process that has ended is gone.
            let _ = kill(pid, signal);
        }
        sleep(Duration::from_millis(3));
    });
}

#[test]
fn wall_clock_run_beside_stops_and_continuations_ends() {
    let dispatcher = Child::start(|| {
        let run =
            run_text("srtn", "A:0:30,io5,10 B:5:25 C:10:20", &Options { clock: Clock::Wall, ..SERVICE });
        assert!(run.unwrap().jobs.iter().all(|job| job.died.is_none()));
    });
    let processes = wait_for_children(dispatcher.pid(), 4);
    let mut signals = [Signal::SIGCONT, Signal::SIGSTOP, Signal::SIGCONT].iter().cycle();
    wait_for_end(dispatcher, || {
        let signal = *signals.next().unwrap();
        for &pid in &processes {
            let _ = kill(pid, signal);
        }
        sleep(Duration::from_millis(3));
    });
}

#[test]
fn killed_device_is_an_error_that_names_it() {
    let shared = Shared::new().unwrap();
    let dispatcher = Child::start(|| {
        let error = run_text("fcfs", "A:0:10,io1000,1", &SERVICE).unwrap_err();
        assert!(error.to_string().contains("device"), "{error}");
        shared.words()[0].store(1, SeqCst);
    });
    // The device is started last.
    let device = *wait_for_children(dispatcher.pid(), 2).iter().max().unwrap();
    kill(device, Signal::SIGKILL).unwrap();
    wait_for_end(dispatcher, || sleep(Duration::from_millis(1)));
    assert_eq!(shared.words()[0].load(SeqCst), 1);
}

/// All orphans come to this process, and end, also the stopped ones.
#[test]
fn dispatcher_killed_200_times_leaves_no_process() {
    const KILLS: u64 = 200;
    Child::start(|| {
        set_child_subreaper(true).unwrap();
        for round in 0..KILLS {
            let dispatcher = Child::start(|| {
                let way = if round % 4 == 3 { Way::Priorities } else { Way::Signals };
                let _ = run_text("rr:1", "A:0:20,io2,9 B:0:30 C:2:30", &Options { way, ..SERVICE });
            });
            // From before the first fork until the jobs run: spread by a multiple of a prime.
            sleep(Duration::from_micros(round * 7_919 % 30_000));
            dispatcher.kill();
            assert_no_children(round);
        }
    })
    .join();
}

fn assert_no_children(round: u64) {
    let start = Instant::now();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return,
            Ok(WaitStatus::StillAlive) => sleep(Duration::from_micros(200)),
            _ => {}
        }
        let left = || children(nix::unistd::getpid());
        assert!(start.elapsed() < PATIENCE, "round {round}: {:?} are left", left());
    }
}

#[test]
fn one_core_dispatches_as_the_ideal_does() {
    let core = *Cores::of_this_process().allowed().last().unwrap();
    Child::start(|| {
        assert!(pin(core));
        for set in sets::all() {
            assert!(is_as_ideal(set.policy, set.jobs, &SERVICE), "{}", set.name);
        }
        let wall = run_text("rr:4", "24,3,3", &Options { clock: Clock::Wall, ..SERVICE }).unwrap();
        assert_eq!(wall.cpu, wall.dispatcher_cpu);
        assert!(wall.jobs.iter().all(|job| job.died.is_none()));
    })
    .join();
}

#[test]
fn ordinary_user_dispatches_by_signals_and_lacks_a_named_right_for_priorities() {
    Child::start(|| {
        if Uid::effective().is_root() {
            setgroups(&[]).unwrap();
            setgid(Gid::from_raw(65534)).unwrap();
            setuid(Uid::from_raw(65534)).unwrap();
        }
        assert!(is_as_ideal("rr:1", "A:0:6,io2,2 B:1:4", &SERVICE));
        let refused = run_text("fcfs", "1", &Options { way: Way::Priorities, ..SERVICE });
        if let Err(error) = refused {
            assert!(error.to_string().contains("CAP_SYS_NICE"), "{error}");
        }
    })
    .join();
}

#[test]
fn absurd_runs_are_refused_with_the_limit() {
    let many = vec!["1"; 10_000].join(",");
    let slow = Options { unit: Duration::from_secs(10), ..SERVICE };
    for (jobs, options, part) in [
        (many.as_str(), SERVICE, format!("at most {MAX_JOBS}")),
        ("100", slow, "at most 600 s".into()),
        ("1", Options { unit: Duration::from_micros(1), ..SERVICE }, "multiple of 10 us".into()),
        ("1", Options { unit: Duration::from_secs(11), ..SERVICE }, "multiple of 10 us".into()),
        ("1", Options { cpu: Some(100_000), ..SERVICE }, "core 100000 is not allowed".into()),
    ] {
        let error = run_text("fcfs", jobs, &options).unwrap_err().to_string();
        assert!(error.contains(&part), "{error}");
    }
}

#[test]
fn as_many_jobs_as_permitted_run() {
    let jobs = vec!["1"; MAX_JOBS].join(",");
    let run = run_text("fcfs", &jobs, &SERVICE).unwrap();
    assert!(run.timeline.ends.iter().all(Option::is_some));
}
