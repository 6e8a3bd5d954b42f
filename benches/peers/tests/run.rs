//! Whole runs, as somebody starts them.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// A run, with a directory of its own for everything that it makes there.
struct Run {
    child: Child,
    temporary: TempDir,
}

impl Run {
    fn start(arguments: &[&str]) -> Run {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft-peers"));
        command.args(["--quick", "--json"]).arg(temporary.path().join("results.json")).args(arguments);
        let child = command.env("TMPDIR", temporary.path()).stdout(Stdio::null()).spawn().unwrap();
        Run { child, temporary }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Waits until the first contestant has been started.
    fn under_way(self) -> Run {
        let deadline = Instant::now() + BOUND;
        while peers_of(self.pid()) == 0 {
            assert!(Instant::now() < deadline, "nobody was started");
            thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits for its end and sees that it left its results and nothing else.
    fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let left: Vec<_> =
            fs::read_dir(self.temporary.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["results.json"]);
        assert_eq!(in_memory(self.pid()), Vec::<PathBuf>::new());
        assert_eq!(peers_of(self.pid()), 0);
        status
    }

    fn results(mut self) -> Value {
        let status = self.end();
        assert!(status.success(), "{status}");
        let text = fs::read_to_string(self.temporary.path().join("results.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// Should a test fail half way, nobody else would remove what its run has made.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for path in in_memory(self.pid()) {
            let _ = fs::remove_file(path);
        }
    }
}

/// More than anything here takes on the slowest machine.
const BOUND: Duration = Duration::from_secs(60);

/// What a run has in shared memory.
fn in_memory(pid: Pid) -> Vec<PathBuf> {
    let prefix = format!("ipcraft-peers-{pid}-");
    let entries = fs::read_dir("/dev/shm").unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

/// How many processes were started by this one and live.
fn peers_of(parent: Pid) -> usize {
    let assigned = format!("\"parent\":{parent},");
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).contains(&assigned))
    });
    lines.filter(|is_peer| *is_peer).count()
}

fn lines<'a>(results: &'a Value, row: &str) -> &'a [Value] {
    let rows = results["rows"].as_array().unwrap();
    rows.iter().find(|known| known["id"] == row).unwrap()["lines"].as_array().unwrap()
}

fn has_two_cores() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

#[test]
fn every_contestant_of_every_row_is_measured() {
    let results = Run::start(&["--patience", "120"]).results();
    assert_eq!(results["complete"], true);
    let rows = results["rows"].as_array().unwrap();
    assert!(rows.len() >= if has_two_cores() { 13 } else { 3 });
    for row in rows {
        for line in row["lines"].as_array().unwrap() {
            let who = format!("{} {}", row["id"], line["contestant"]);
            assert!(line["error"].is_null(), "{who}: {}", line["error"]);
            assert!(line["ns_per_message"].as_f64().unwrap() > 0.0, "{who}");
            assert!(line["p50_ns"].as_f64() <= line["p99_ns"].as_f64(), "{who}");
            assert!(line["ratio"].as_f64().unwrap() > 0.0, "{who}");
        }
        assert_eq!(row["lines"][0]["ratio"], 1.0);
    }
}

#[test]
fn a_contestant_that_fails_is_shown_with_the_reason_and_disturbs_nobody() {
    let results = Run::start(&["--patience", "2", "misbehaviour"]).results();
    let lines = lines(&results, "misbehaviour");
    let error_of = |who: &str| lines.iter().find(|line| line["contestant"] == who).unwrap()["error"].as_str();
    assert_eq!(error_of("pipe"), None);
    assert!(lines[0]["p50_ns"].as_f64().unwrap() > 0.0);
    for (who, reason) in [
        ("silent", "no answer within 2 s"),
        ("dying", "its process ended: exit status: 7"),
        ("panicking", "it panicked: on purpose"),
        ("lying", "expected"),
        ("deaf", "no answer within 2 s"),
    ] {
        assert!(error_of(who).is_some_and(|error| error.contains(reason)), "{who}: {:?}", error_of(who));
    }
}

#[test]
fn an_interrupt_ends_a_run_soon_and_leaves_nothing() {
    let mut run = Run::start(&["--patience", "600", "misbehaviour"]).under_way();
    kill(run.pid(), Signal::SIGINT).unwrap();
    assert_eq!(run.end().code(), Some(130));
}

#[test]
fn the_processes_of_a_run_die_with_it() {
    let mut run = Run::start(&["--patience", "600", "misbehaviour"]).under_way();
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let deadline = Instant::now() + BOUND;
    while peers_of(run.pid()) > 0 {
        assert!(Instant::now() < deadline, "processes outlive their run");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_unknown_name_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_ipcraft-peers")).arg("nobody").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--list"));
}
