//! Whole runs of the program.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// A run with its own directory for temporary files.
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

    /// Waits until the first competitor has been started.
    fn started(self) -> Run {
        let deadline = Instant::now() + BOUND;
        while peers_of(self.pid()) == 0 {
            assert!(Instant::now() < deadline, "no competitor was started");
            thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits for the end, and checks that only the results are left.
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

/// Removes the objects of a run whose test failed.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for path in in_memory(self.pid()) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Longer than any step takes on the slowest machine.
const BOUND: Duration = Duration::from_secs(60);

/// Returns the shared-memory objects of a run.
fn in_memory(pid: Pid) -> Vec<PathBuf> {
    let prefix = format!("ipcraft-peers-{pid}-");
    let entries = fs::read_dir("/dev/shm").unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect()
}

/// Returns the number of living processes that this one started.
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
fn quick_run_measures_every_competitor_of_every_scenario() {
    let results = Run::start(&["--timeout", "120"]).results();
    assert_eq!(results["complete"], true);
    let rows = results["rows"].as_array().unwrap();
    assert!(rows.len() >= if has_two_cores() { 13 } else { 3 });
    for row in rows {
        for line in row["lines"].as_array().unwrap() {
            let name = format!("{} {}", row["id"], line["competitor"]);
            assert!(line["error"].is_null(), "{name}: {}", line["error"]);
            assert!(line["ns_per_message"].as_f64().unwrap() > 0.0, "{name}");
            assert!(line["p50_ns"].as_f64() <= line["p99_ns"].as_f64(), "{name}");
            assert!(line["ratio"].as_f64().unwrap() > 0.0, "{name}");
        }
        assert_eq!(row["lines"][0]["ratio"], 1.0);
    }
}

#[test]
fn run_with_faulty_competitors_reports_the_reason_of_each() {
    let results = Run::start(&["--timeout", "2", "faulty"]).results();
    let lines = lines(&results, "faulty");
    let error_of = |id: &str| lines.iter().find(|line| line["competitor"] == id).unwrap()["error"].as_str();
    assert_eq!(error_of("pipe"), None);
    assert!(lines[0]["p50_ns"].as_f64().unwrap() > 0.0);
    for (id, reason) in [
        ("silent", "no reply within 2 s"),
        ("exiting", "its process ended: exit status: 7"),
        ("panicking", "it panicked: on purpose"),
        ("corrupting", "expected"),
        ("unresponsive", "no reply within 2 s"),
    ] {
        assert!(error_of(id).is_some_and(|error| error.contains(reason)), "{id}: {:?}", error_of(id));
    }
}

#[test]
fn run_after_sigint_exits_with_130_and_leaves_nothing() {
    let mut run = Run::start(&["--timeout", "600", "faulty"]).started();
    kill(run.pid(), Signal::SIGINT).unwrap();
    assert_eq!(run.end().code(), Some(130));
}

#[test]
fn run_killed_ends_its_processes() {
    let mut run = Run::start(&["--timeout", "600", "faulty"]).started();
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let deadline = Instant::now() + BOUND;
    while peers_of(run.pid()) > 0 {
        assert!(Instant::now() < deadline, "processes outlive their run");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn run_with_unknown_name_fails() {
    let output = Command::new(env!("CARGO_BIN_EXE_ipcraft-peers")).arg("unknown").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--list"));
}
