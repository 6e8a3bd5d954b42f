//! The command as a shell sees it: statuses, signals, unusable outputs, and the JSON file.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use std::{io, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One scenario: less than three seconds.
const SHORT: &str = "bench --quick --only pipe --workload round_trip --placement same_core";
/// Every message size, so that a signal arrives before the end.
const LONG: &str = "bench --full --only pipe";

const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

fn ipcraft(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft"));
    command.args(line.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs a shell command in which `$I` is the program.
fn shell(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).env("I", env!("CARGO_BIN_EXE_ipcraft")).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A directory with an older result file.
struct Results {
    directory: tempfile::TempDir,
    file: PathBuf,
}

const OLD: &str = "{\"old\": true}";

impl Results {
    fn older() -> Results {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("o.json");
        fs::write(&file, OLD).unwrap();
        Results { directory, file }
    }

    fn content(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    fn assert_new(&self, complete: bool) {
        assert_results(&self.content(), complete);
        self.assert_alone();
    }

    fn assert_alone(&self) {
        let names: Vec<_> =
            fs::read_dir(self.directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["o.json"]);
    }
}

fn assert_results(json: &str, complete: bool) {
    let results: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(results["complete"], complete);
}

/// Starts a long run, waits for its children, and sends signals.
fn signalled(command: &mut Command, signals: &[Signal]) -> ExitStatus {
    let mut child = command.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    while children(pid).is_empty() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was measuring");
        thread::sleep(Duration::from_millis(10));
    }
    for signal in signals {
        kill(pid, *signal).unwrap();
    }
    let status = child.wait().unwrap();
    assert_eq!(children(pid), "");
    status
}

fn children(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default()
}

#[test]
fn run_ended_by_any_signal_dies_by_it_with_partial_results() {
    for signal in ENDING {
        let results = Results::older();
        let status = signalled(ipcraft(LONG).arg("--json").arg(&results.file), &[signal]);
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
        results.assert_new(false);
    }
}

#[test]
fn run_ended_by_two_signals_saves_results_too() {
    let results = Results::older();
    let two = [Signal::SIGINT, Signal::SIGTERM];
    let status = signalled(ipcraft(LONG).arg("--json").arg(&results.file), &two);
    assert!(two.map(|signal| Some(signal as i32)).contains(&status.signal()), "{status}");
    results.assert_new(false);
}

#[test]
fn run_killed_keeps_older_results() {
    let results = Results::older();
    let status = signalled(ipcraft(LONG).arg("--json").arg(&results.file), &[Signal::SIGKILL]);
    assert_eq!(status.signal(), Some(9));
    assert_eq!(results.content(), OLD);
    results.assert_alone();
}

#[test]
fn run_ignores_signals_that_its_parent_ignores() {
    let results = Results::older();
    let run = format!("trap '' HUP; exec $I {SHORT} --json {}", results.file.display());
    let mut command = Command::new("sh");
    command.args(["-c", &run]).env("I", env!("CARGO_BIN_EXE_ipcraft")).stdout(Stdio::null());
    assert!(signalled(&mut command, &[Signal::SIGHUP]).success());
    results.assert_new(true);
}

#[test]
fn run_whose_tables_cannot_be_printed_saves_results_and_fails() {
    let results = Results::older();
    let output = ipcraft(SHORT)
        .arg("--json")
        .arg(&results.file)
        .stdout(full())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("ipcraft: cannot write to standard output: "), "{output:?}");
    results.assert_new(true);
}

#[test]
fn run_without_space_for_results_keeps_older_ones_and_names_the_path() {
    let results = Results::older();
    let path = results.file.display();
    let output = shell(&format!("trap '' XFSZ; ulimit -f 1; $I {SHORT} --json {path}"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains(&format!("cannot write {path}: ")), "{output:?}");
    assert!(text(&output.stdout).contains("round trip"), "the tables are the only copy");
    assert_eq!(results.content(), OLD);
    results.assert_alone();
}

#[test]
fn run_with_unusable_path_fails_before_the_measurement() {
    for path in ["/nonexistent/o.json", "/", "/proc/o.json"] {
        let output = ipcraft(LONG).args(["--json", path]).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(&format!("ipcraft: cannot write {path}: ")), "{output:?}");
    }
}

#[test]
fn run_writes_results_into_devices_pipes_and_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (fifo, copy, both) = (path("fifo"), path("copy"), path("both"));
    let output = shell(&format!(
        "mkfifo {fifo} && cat {fifo} > {copy} & sleep 0.2; $I {SHORT} --json {fifo}; wait $!; \
         $I {SHORT} --json /dev/stdout > {both}; $I {SHORT} --json /dev/null; $I {SHORT} --json /dev/fd/3 3>&1 | cat"
    ));
    assert!(output.status.success(), "{output:?}");
    assert_results(&fs::read_to_string(copy).unwrap(), true);
    assert!(Path::new("/dev/null").metadata().is_ok_and(|null| !null.is_file()));
    for stream in [fs::read_to_string(both).unwrap(), text(&output.stdout).into()] {
        assert!(stream.contains("\"complete\": true") && stream.contains("round trip"), "{stream}");
    }
}

/// Everything that prints without measuring.
const PRINTING: [&str; 6] = ["--help", "--version", "bench --help", "bench --list", "help bench", "bench -h"];

#[test]
fn printing_to_full_output_fails() {
    for line in PRINTING {
        let output = ipcraft(line).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(text(&output.stderr).starts_with("ipcraft: cannot write to standard output: "), "{line}");
    }
}

#[test]
fn printing_without_reader_dies_by_sigpipe() {
    for line in PRINTING.into_iter().chain([SHORT]) {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = ipcraft(line).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.signal(), Some(Signal::SIGPIPE as i32), "{line}");
        assert_eq!(text(&output.stderr), "", "{line}");
    }
}

#[test]
fn complaining_to_unusable_standard_error_does_not_panic() {
    for line in ["bench --json /nonexistent/o.json", "bench --list", "--help"] {
        assert_eq!(ipcraft(line).stdout(full()).stderr(full()).status().unwrap().code(), Some(1), "{line}");
    }
    for line in ["", "bench --only pipes", "bench --only posix_queue --size 1M", "unknown"] {
        assert_eq!(ipcraft(line).stderr(full()).status().unwrap().code(), Some(2), "{line}");
    }
    let closed = shell("$I bench --json /nonexistent/o.json >&- 2>&-; a=$?; $I unknown 2>&-; echo $a $?");
    assert_eq!(text(&closed.stdout), "1 2\n");
}

/// Runs the program on a terminal, and returns what arrives there.
fn on_terminal(command: &mut Command) -> String {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let slave: OwnedFd = terminal.slave;
    let mut child =
        command.stdout(slave.try_clone().unwrap()).stderr(slave).process_group(0).spawn().unwrap();
    // The command holds copies, and the terminal reports the end when all are closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    let mut master = File::from(terminal.master);
    while let Ok(length @ 1..) = master.read(&mut buffer) {
        text.write_all(&buffer[..length]).unwrap();
    }
    let text = String::from_utf8(text).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {text}");
    text
}

#[test]
fn summary_is_styled_on_capable_terminals_only() {
    // The row of the limit.
    const DIM: &str = "\x1b[2m";
    let run = |variables: &[(&str, &str)]| {
        let mut command = ipcraft(SHORT);
        command.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
        on_terminal(&mut command)
    };
    assert!(run(&[]).contains(DIM));
    assert!(run(&[("NO_COLOR", "")]).contains(DIM));
    let plain = run(&[("NO_COLOR", "1")]);
    assert!(plain.contains("round trip") && !plain.contains("\x1b[1m") && !plain.contains(DIM), "{plain}");
    // Not even the progress bar moves the cursor.
    let dumb = run(&[("TERM", "dumb")]);
    assert!(dumb.contains("round trip") && !dumb.contains('\x1b'), "{dumb}");
    let piped = ipcraft(SHORT).env("TERM", "xterm").stdout(Stdio::piped()).output().unwrap().stdout;
    assert!(!text(&piped).contains('\x1b'));
}

#[test]
fn help_is_styled_on_capable_terminals_only() {
    let run = |variables: &[(&str, &str)]| {
        let mut command = ipcraft("--help");
        command.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
        on_terminal(&mut command)
    };
    assert!(run(&[]).contains('\x1b'));
    assert!(!run(&[("NO_COLOR", "1")]).contains('\x1b'));
    assert!(!run(&[("TERM", "dumb")]).contains('\x1b'));
}

/// A run with results, and doctored copies of it.
struct Compared {
    directory: tempfile::TempDir,
}

impl Compared {
    fn measured() -> Compared {
        let directory = tempfile::tempdir().unwrap();
        let old = directory.path().join("old.json");
        assert!(ipcraft(SHORT).arg("--json").arg(old).status().unwrap().success());
        Compared { directory }
    }

    /// Writes a copy in which something is changed.
    fn copy(&self, name: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let old = fs::read_to_string(self.directory.path().join("old.json")).unwrap();
        let mut results = serde_json::from_str(&old).unwrap();
        change(&mut results);
        fs::write(self.directory.path().join(name), results.to_string()).unwrap();
    }

    fn run(&self, line: &str) -> Output {
        let mut command = ipcraft(line);
        command.current_dir(self.directory.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().unwrap()
    }

    fn report(&self, line: &str, bounds: &[&str]) -> (Option<i32>, String) {
        let mut command = ipcraft(line);
        command.current_dir(self.directory.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        bounds.iter().for_each(|bound| {
            command.args(["--fail-if", bound]);
        });
        let output = command.output().unwrap();
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }
}

/// Multiplies the times of all rows.
fn slow_down(results: &mut serde_json::Value, factor: f64) {
    for row in results["results"].as_array_mut().unwrap() {
        let p50 = row["p50_ns"].as_f64().map(|ns| ns * factor);
        row["p50_ns"] = p50.into();
        if let Some(value) = row["time_ns"]["value"].as_f64() {
            let time = value * factor;
            row["time_ns"] = serde_json::json!({"value": time, "low": time * 0.99, "high": time * 1.01});
        }
    }
}

const PIPE: &str = "pipe/round_trip/64/p50 > 10%";

#[test]
fn report_compares_runs_and_fails_only_on_a_requested_regression() {
    let runs = Compared::measured();
    let (status, same) = runs.report("report old.json old.json", &["*/*/*/time > 0%"]);
    assert_eq!(status, Some(0), "{same}");
    assert!(same.contains("1 of 1 rows do not differ"), "{same}");
    // Beyond any interval that this machine may have had.
    runs.copy("slow.json", |results| slow_down(results, 1000.0));
    let (status, slower) = runs.report("report old.json slow.json", &[]);
    assert_eq!(status, Some(0), "{slower}");
    assert!(slower.contains("\nslower ") && slower.contains("pipe/round_trip/64/same_core"), "{slower}");
    let (status, failed) = runs.report("report old.json slow.json", &[PIPE]);
    assert_eq!(status, Some(1), "{failed}");
    assert!(failed.contains("ipcraft: regression: pipe/round_trip/64/same_core at "), "{failed}");
    assert_eq!(runs.report("report slow.json old.json", &[PIPE]).0, Some(0));
    assert_eq!(runs.report("report old.json slow.json", &["fifo/*/*/p50 > 1%"]).0, Some(2));
    assert_eq!(runs.report("report old.json slow.json", &["pipe/p50 > 1%"]).0, Some(2));
    assert_eq!(runs.report("report old.json", &[PIPE]).0, Some(2));
}

#[test]
fn bench_with_baseline_compares_and_fails_on_a_regression() {
    let runs = Compared::measured();
    runs.copy("fast.json", |results| slow_down(results, 0.001));
    runs.copy("slow.json", |results| slow_down(results, 1000.0));
    let (status, worse) = runs.report(&format!("{SHORT} --baseline fast.json"), &[PIPE]);
    assert_eq!(status, Some(1), "{worse}");
    assert!(worse.contains("OLD fast, NEW this run") && worse.contains("ipcraft: regression: "), "{worse}");
    let (status, better) = runs.report(&format!("{SHORT} --baseline slow.json --label now"), &[PIPE]);
    assert_eq!(status, Some(0), "{better}");
    assert!(better.contains("OLD slow, NEW now") && better.contains("\nfaster "), "{better}");
    let started = std::time::Instant::now();
    let (status, unknown) = runs.report(&format!("{LONG} --baseline slow.json"), &["pips/*/*/p50 > 1%"]);
    assert_eq!(status, Some(2), "{unknown}");
    assert!(started.elapsed() < Duration::from_secs(20), "it measured first");
}

#[test]
fn other_kernel_is_stated_and_other_machine_refused_for_bounds() {
    let runs = Compared::measured();
    runs.copy("kernel.json", |results| results["environment"]["kernel"] = "Linux 0.99".into());
    let (status, kernel) = runs.report("report kernel.json old.json", &[PIPE]);
    assert_eq!(status, Some(0), "{kernel}");
    assert!(kernel.contains("note: other kernel: Linux 0.99 -> Linux "), "{kernel}");
    runs.copy("machine.json", |results| results["environment"]["cpu"] = "Abacus".into());
    let (status, machine) = runs.report("report machine.json old.json", &[]);
    assert_eq!(status, Some(0), "{machine}");
    assert!(machine.contains("WARNING: other CPU: Abacus -> "), "{machine}");
    let (status, refused) = runs.report("report machine.json old.json", &[PIPE]);
    assert_eq!(status, Some(1), "{refused}");
    assert!(refused.contains("--force"), "{refused}");
    assert_eq!(runs.report("report machine.json old.json --force", &[PIPE]).0, Some(0));
    let (status, bench) = runs.report(&format!("{LONG} --baseline machine.json"), &["pipe/*/*/p50 > 1%"]);
    assert_eq!((status, bench.contains("--force")), (Some(1), true), "{bench}");
}

#[test]
fn other_schema_and_other_files_are_refused() {
    let runs = Compared::measured();
    runs.copy("schema.json", |results| results["schema"] = 4711.into());
    fs::write(runs.directory.path().join("other.json"), "{}").unwrap();
    for line in ["report old.json schema.json".to_owned(), format!("{LONG} --baseline schema.json")] {
        let (status, refused) = runs.report(&line, &[]);
        assert_eq!(status, Some(1), "{refused}");
        assert!(
            refused.contains("schema.json: has schema 4711, and this ipcraft reads schema "),
            "{refused}"
        );
    }
    for (file, reason) in [("other.json", "contains neither"), ("none.json", "No such file")] {
        let (status, refused) = runs.report(&format!("report {file}"), &[]);
        assert_eq!(status, Some(1));
        assert!(refused.contains(&format!("ipcraft: {file}: ")) && refused.contains(reason), "{refused}");
    }
}

#[test]
fn html_report_is_written_and_read_back() {
    let runs = Compared::measured();
    let output = runs.run("report old.json old.json --label before --label after -o page.html");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    let (status, compared) = runs.report("report page.html", &[]);
    assert_eq!(status, Some(0), "{compared}");
    assert!(compared.contains("OLD before, NEW after"), "{compared}");
    assert_eq!(runs.report("report old.json --label a --label b", &[]).0, Some(2));
    let output = runs.run(&format!("{SHORT} --html bench.html --label mine"));
    assert!(output.status.success(), "{output:?}");
    let shown = runs.run("report bench.html");
    assert!(text(&shown.stdout).contains("\nmine: "), "{shown:?}");
}

#[test]
fn json_on_standard_output_is_alone_there() {
    let output = ipcraft(SHORT).args(["--json", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_results(text(&output.stdout), true);
    assert!(text(&output.stderr).contains("round trip"), "{output:?}");
    assert_eq!(ipcraft(SHORT).args(["--json", "-"]).stdout(full()).status().unwrap().code(), Some(1));
}

#[test]
fn details_come_before_a_summary_in_ascii_without_locale() {
    let runs = Compared::measured();
    let run = |locale: &str| {
        let mut command = ipcraft("report old.json --details");
        command.current_dir(runs.directory.path()).stdout(Stdio::piped());
        command.env_clear().env("LC_ALL", locale).output().unwrap().stdout
    };
    assert!(run("C").is_ascii());
    let unicode = run("C.UTF-8");
    assert!(text(&unicode).contains('±') && text(&unicode).contains("vs libc"), "{}", text(&unicode));
    let bench = ipcraft(SHORT).arg("--details").stdout(Stdio::piped()).output().unwrap().stdout;
    let bench = text(&bench);
    assert!(bench.find("ROUND TRIP") < bench.find("round trip, p50"), "{bench}");
}

#[test]
fn all_cores_are_mapped_before_the_summary() {
    let mut command = ipcraft(SHORT);
    command.args(["--cores", "all", "--json", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let cores = results["environment"]["cores_allowed"].as_u64().unwrap();
    assert!(cores < 2 || text(&output.stderr).starts_with("cacheline_"), "{}", text(&output.stderr));
}
