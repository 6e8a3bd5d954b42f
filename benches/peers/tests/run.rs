//! Whole runs of the program.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ipcraft-peers");

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A run with its own directory for temporary files.
struct Run {
    child: Child,
    temporary: TempDir,
}

impl Run {
    fn start(arguments: &[&str]) -> Run {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["--quick", "--json"]).arg(temporary.path().join("results.json")).args(arguments);
        command.env("TMPDIR", temporary.path()).stdout(Stdio::null()).process_group(0);
        let child = command.spawn().unwrap();
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

    /// Waits for the end with this exit status, and reads the results.
    fn results(mut self, code: i32) -> Value {
        let status = self.end();
        assert_eq!(status.code(), Some(code), "{status}");
        self.saved()
    }

    fn saved(&self) -> Value {
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

fn rows(results: &Value) -> &[Value] {
    results["results"].as_array().unwrap()
}

fn has_two_cores() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

#[test]
fn quick_run_measures_every_competitor_of_every_scenario() {
    let results = Run::start(&["--timeout", "120"]).results(0);
    assert_eq!(results["complete"], true);
    assert_eq!(results["schema"], 1);
    assert_eq!(results["errors"], Value::Array(Vec::new()));
    let rows = rows(&results);
    assert!(rows.len() >= if has_two_cores() { 100 } else { 20 });
    let described: Vec<_> =
        results["mechanisms"].as_array().unwrap().iter().map(|mechanism| &mechanism["id"]).collect();
    for row in rows {
        let name = format!("{} {} {}", row["mechanism"], row["workload"], row["variant"]);
        assert!(described.contains(&&row["mechanism"]), "{name}");
        if row["timeout_ns"].is_null() {
            assert!(row["time_ns"]["value"].as_f64().unwrap() > 0.0, "{name}");
            assert!(row["p50_ns"].as_f64() <= row["p99_ns"].as_f64(), "{name}");
        } else {
            assert_eq!(row["workload"], "peer_death", "{name}");
            assert_ne!(row["implementation"], "ipcraft", "{name}");
        }
        let compared = row["implementation"] != "ipcraft" && row["workload"] != "peer_death";
        assert_eq!(row["ratio_to_library"].is_object(), compared, "{name}");
    }
}

#[test]
fn run_with_faulty_competitors_fails_and_reports_the_reason_of_each() {
    let results = Run::start(&["--timeout", "2", "faulty"]).results(1);
    let pipe = &rows(&results)[0];
    assert_eq!(pipe["mechanism"], "pipe");
    assert!(pipe["p50_ns"].as_f64().unwrap() > 0.0);
    let errors: Vec<_> = results["errors"].as_array().unwrap().iter().collect();
    assert_eq!(errors.len(), 5);
    for (id, reason) in [
        ("silent", "no reply within 2 s"),
        ("exiting", "its process ended: exit status: 7"),
        ("panicking", "it panicked: on purpose"),
        ("corrupting", "expected"),
        ("unresponsive", "no reply within 2 s"),
    ] {
        let messages = errors.iter().map(|error| error["message"].as_str().unwrap());
        let mut found = messages.filter(|message| message.starts_with(&format!("faulty, {id}: ")));
        assert!(found.any(|message| message.contains(reason)), "{id}: {errors:?}");
    }
}

#[test]
fn run_ended_by_a_signal_dies_by_it_with_partial_results() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut run = Run::start(&["--timeout", "600", "faulty"]).started();
        // As a terminal does.
        killpg(run.pid(), signal).unwrap();
        assert_eq!(run.end().signal(), Some(signal as i32));
        assert_eq!(run.saved()["complete"], false);
        assert_eq!(run.saved()["errors"], Value::Array(Vec::new()));
    }
}

#[test]
fn run_killed_keeps_older_results() {
    let mut run = Run::start(&["--timeout", "600", "faulty"]).started();
    let file = run.temporary.path().join("results.json");
    fs::write(&file, "older").unwrap();
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "older");
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
    let output = Command::new(PROGRAM).arg("unknown").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--list"));
}

#[test]
fn run_whose_tables_cannot_be_printed_saves_results_and_fails() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("o.json");
    let mut command = Command::new(PROGRAM);
    command.args(["--quick", "lock_contended", "--json"]).arg(&file).stdout(full());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
    let saved: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(saved["complete"], true);
}

#[test]
fn run_with_unusable_path_fails_before_the_measurement() {
    for option in ["--json", "--html"] {
        let output = Command::new(PROGRAM).args([option, "/nonexistent/o"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("cannot write /nonexistent/o: "), "{text}");
    }
}

#[test]
fn printing_to_full_output_fails() {
    for option in ["--list", "--help", "--version"] {
        let output = Command::new(PROGRAM).arg(option).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{option}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("cannot write to standard output"), "{option}: {text}");
    }
}

#[test]
fn printing_without_reader_dies_by_sigpipe() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let status = Command::new(PROGRAM).arg("--list").stdout(writer).status().unwrap();
    assert_eq!(status.signal(), Some(Signal::SIGPIPE as i32));
}

#[test]
fn complaining_to_unusable_standard_error_does_not_panic() {
    for arguments in [["--unknown"], ["unknown"]] {
        let status = Command::new(PROGRAM).args(arguments).stderr(full()).status().unwrap();
        assert!([Some(1), Some(2)].contains(&status.code()), "{status}");
    }
}
