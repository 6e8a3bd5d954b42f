//! `ipcraft lab` where the system permits less: another user, one core, no ptrace(2), no control
//! over the scheduler, a tracer that is there already. Each command succeeds and names what it has
//! left out.

use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use ipcraft_tests::old_kernel::{Rule, with_rules};
use ipcraft_tests::suite;
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, geteuid};

/// Commands, as short as they can be. `cost` and `claims` take most of a minute, and are not run.
const LINES: &[&str] = &[
    "",
    "machine",
    "race",
    "exclusion --seconds 0.05",
    "peterson --seconds 0.05",
    "wakeup",
    "inversion",
    "threads",
    "schedule",
    "realtime",
    "exercise schedule --seed 1",
    "explore race",
    "explore tsl",
    "run lock-variable",
    "play lock-variable",
];

/// The commands that step processes.
const STEPPING: &[&str] = &["explore race", "explore tsl", "run lock-variable", "play lock-variable"];

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn assert_success(line: &str, output: &Output) {
    let (found, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "lab {line}: {}: {found}{errors}", output.status);
    assert!(!found.is_empty(), "lab {line}");
    assert!(!errors.contains("panicked"), "lab {line}: {errors}");
}

#[test]
fn every_command_succeeds_on_one_core_as_another_user() {
    let user = if geteuid().is_root() { "setpriv --reuid=65534 --regid=65534 --clear-groups" } else { "" };
    for line in LINES {
        let command = format!("taskset -c 0 {user} {} lab {line}", env!("CARGO_BIN_EXE_ipcraft"));
        let output = Command::new("sh").args(["-c", &command]).stdin(Stdio::null()).output().unwrap();
        if [Some(126), Some(127)].contains(&output.status.code()) {
            eprintln!("skipped: {}", text(&output.stderr));
            return;
        }
        assert_success(line, &output);
        if ["race", "peterson --seconds 0.05", "exclusion --seconds 0.05"].contains(line) {
            assert!(text(&output.stdout).contains("a second core"), "{line}: {}", text(&output.stdout));
        }
    }
}

/// Runs a command whose system calls are restricted. Returns `None` without seccomp(2).
fn restricted(rules: &[Rule], line: &str) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let outcome = with_rules(rules, || {
        let status = Command::new(env!("CARGO_BIN_EXE_ipcraft"))
            .arg("lab")
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .stdout(File::create(path("out")).unwrap())
            .stderr(File::create(path("err")).unwrap())
            .status()
            .unwrap();
        let code = std::os::unix::process::ExitStatusExt::into_raw(status);
        fs::write(path("status"), code.to_string()).unwrap();
    });
    if let suite::Outcome::Skipped(reason) = outcome {
        eprintln!("skipped: {reason}");
        return None;
    }
    let code = fs::read_to_string(path("status")).unwrap().parse().unwrap();
    Some(Output {
        status: std::os::unix::process::ExitStatusExt::from_raw(code),
        stdout: fs::read(path("out")).unwrap(),
        stderr: fs::read(path("err")).unwrap(),
    })
}

#[test]
fn stepping_without_ptrace_is_skipped_and_other_commands_run() {
    let rules = [Rule::Fails(libc::SYS_ptrace, Errno::EPERM)];
    for line in STEPPING.iter().chain(&["machine", "race", "threads"]) {
        let Some(output) = restricted(&rules, line) else { return };
        assert_success(line, &output);
        let found = text(&output.stdout);
        if STEPPING.contains(line) {
            assert!(found.contains("skipped: ") && found.contains("ptrace"), "{line}: {found}");
        }
        if *line == "machine" {
            assert!(found.contains("ptrace(2): EPERM"), "{found}");
        }
    }
}

#[test]
fn commands_without_control_over_the_scheduler_succeed_and_name_the_errno() {
    let calls = [
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setattr,
        libc::SYS_sched_setscheduler,
        libc::SYS_sched_setparam,
        libc::SYS_setpriority,
        libc::SYS_perf_event_open,
        libc::SYS_personality,
    ];
    let rules = calls.map(|call| Rule::Fails(call, Errno::EPERM));
    let placed = ["race", "exclusion tsl peterson --seconds 0.05", "peterson --seconds 0.05"];
    let others = ["machine", "inversion", "threads", "schedule"];
    for line in placed.iter().chain(&others).chain(STEPPING) {
        let Some(output) = restricted(&rules, line) else { return };
        assert_success(line, &output);
        let found = text(&output.stdout);
        match *line {
            "machine" => {
                for refused in
                    ["sched_setaffinity(2): EPERM", "SCHED_BATCH: EPERM", "perf_event_open(2): EPERM"]
                {
                    assert!(found.contains(refused), "{refused}: {found}");
                }
            }
            "race" => assert!(found.contains("skipped: SCHED_FIFO"), "{found}"),
            _ => {}
        }
        if placed.contains(line) {
            assert!(found.contains("skipped: placement on cores: "), "{found}");
        }
    }
}

/// Runs a command under a tracer that also traces every process which the command starts, as
/// `strace -f` does. Returns `None` if the system does not allow ptrace(2).
#[expect(clippy::zombie_processes, reason = "waited for by its tracer")]
fn traced(line: &str) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let script = format!("kill -STOP $$; exec {} lab {line}", env!("CARGO_BIN_EXE_ipcraft"));
    let child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(File::create(path("out")).unwrap())
        .stderr(File::create(path("err")).unwrap())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(child.id() as i32);
    waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    let options = Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_EXITKILL;
    if let Err(errno) = ptrace::seize(pid, options) {
        eprintln!("skipped: ptrace(2): {errno}");
        nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
        waitpid(pid, None).unwrap();
        return None;
    }
    nix::sys::signal::kill(pid, Signal::SIGCONT).unwrap();
    let code = follow(pid);
    Some(Output {
        status: std::os::unix::process::ExitStatusExt::from_raw(code << 8),
        stdout: fs::read(path("out")).unwrap(),
        stderr: fs::read(path("err")).unwrap(),
    })
}

/// Continues every traced process until the first one has exited. Returns its exit code.
fn follow(first: Pid) -> i32 {
    // Only the processes of this thread: another test has its own.
    let any = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    loop {
        match waitpid(None, Some(any)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == first => return code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == first => panic!("killed by {signal}"),
            // PTRACE_EVENT_STOP of a stopped process: it stays stopped, and reports the end of it.
            Ok(WaitStatus::PtraceEvent(pid, signal, libc::PTRACE_EVENT_STOP)) if is_stop(signal) => {
                let _ = listen(pid);
            }
            Ok(WaitStatus::Stopped(pid, signal)) => drop(ptrace::cont(pid, signal)),
            Ok(WaitStatus::PtraceEvent(pid, ..)) => drop(ptrace::cont(pid, None)),
            Ok(_) => {}
            Err(errno) => panic!("waitpid(2): {errno}"),
        }
    }
}

fn is_stop(signal: Signal) -> bool {
    [Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU].contains(&signal)
}

#[allow(unsafe_code)]
fn listen(pid: Pid) -> nix::Result<()> {
    // SAFETY: because the operation takes no pointer.
    Errno::result(unsafe { libc::ptrace(libc::PTRACE_LISTEN, pid.as_raw(), 0_usize, 0_usize) }).map(drop)
}

#[test]
fn stepping_under_another_tracer_is_skipped_and_other_commands_run() {
    for line in
        STEPPING.iter().chain(&["machine", "race", "schedule", "exclusion alternation --seconds 0.05"])
    {
        let Some(output) = traced(line) else { return };
        assert_success(line, &output);
        let found = text(&output.stdout);
        if STEPPING.contains(line) {
            assert!(found.contains("skipped: ") && found.contains("ptrace"), "{line}: {found}");
        }
        if line.starts_with("exclusion") {
            // The stopped process has stayed stopped: the other one entered in its own turn only.
            assert!(found.contains("violated: 1  violated: 1"), "{found}");
        }
    }
}
