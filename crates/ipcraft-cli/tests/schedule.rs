//! `ipcraft lab schedule`, `realtime` and `exercise` as a shell sees them.

use std::fs;
use std::os::fd::AsRawFd;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn ipcraft(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft"));
    command.arg("lab").args(arguments).stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

fn output(arguments: &[&str]) -> Output {
    ipcraft(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Returns what a command printed that must succeed.
fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

fn json(arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--json", "-"]).collect();
    let output = output(&all);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

#[test]
fn schedule_prints_the_chart_and_averages_of_the_book() {
    let found = printed(&["schedule", "--ideal", "--policy", "rr:4", "--jobs", "24,3,3"]);
    for line in [
        "P1  ########............########################################",
        "P2  ........######",
        "P3  ..............######",
    ] {
        assert!(found.lines().any(|found| found == line), "{found}");
    }
    let average = found.lines().find(|line| line.starts_with(" average")).unwrap();
    let figures: Vec<&str> = average.split_whitespace().skip(1).collect();
    assert_eq!(figures, ["3.67", "15.67", "5.67"]);
    assert!(found.contains("8 dispatches, 3 switches"), "{found}");
    assert!(found.contains("turnaround - CPU time - time blocked in I/O"), "{found}");
}

#[test]
fn bad_arguments_exit_with_two_and_name_the_choices() {
    for (arguments, part) in [
        (&["schedule", "--policy", "fifo"][..], "choose fcfs, sjf, srtn, rr:QUANTUM"),
        (&["schedule", "--policy", "rr"], "write rr:4"),
        (&["schedule", "--compare", "fcfs,fifo"], "\"fifo\" is no policy"),
        (&["schedule", "--compare", ""], "choose fcfs"),
        (&["schedule", "--policy", "rm"], "no job has a period"),
        (&["schedule", "--policy", "fair"], "all jobs have one owner"),
        (&["schedule", "--set", "other"], "choose silberschatz-fcfs"),
        (&["schedule", "--jobs", ""], "no job"),
        (&["schedule", "--jobs", "0"], "length 0"),
        (&["schedule", "--jobs", "A:0:3 A:0:4"], "two jobs are named \"A\""),
        (&["schedule", "--jobs", "99999999999999999999"], "at most 1000000000 units"),
        (&["schedule", "--jobs", "3,3", "--priorities", "1"], "1 priorities for 2 jobs"),
        (&["schedule", "--jobs", "3,3", "--tickets", "1,0"], "tickets"),
        (&["schedule", "--ideal", "--jobs", "1000000000", "--policy", "rr:0.0001"], "longer quantum"),
        (&["schedule", "--unit", "10"], "such as 10ms"),
        (&["schedule", "--unit", "1us"], "choose a multiple"),
        (&["schedule", "--cpu", "9999"], "core 9999 is not allowed"),
        (&["schedule", "--quantum-sweep", "--set", "stallings"], "cannot be used with"),
        (&["schedule", "--policy", "linux:cfs"], "choose linux:other"),
        (&["schedule", "--policy", "linux:other", "--ideal"], "leave --ideal out"),
        (&["schedule", "--policy", "linux:other", "--jobs", "3,3", "--nice", "0,20"], "nice value 20"),
        (&["schedule", "--by", "magic"], "signals, priorities"),
        (&["schedule", "--clock", "sun"], "wall, service"),
        (&["schedule", "--policy", "fcfs", "--compare", "rr:1"], "cannot be used with"),
        (&["realtime", "--tasks", "6/5"], "must fit"),
        (&["realtime", "--tasks", "x"], "COMPUTE/PERIOD"),
        (&["realtime", "--policy", "fcfs"], "choose rm, edf"),
        (&["exercise", "other"], "schedule"),
        (&["exercise", "schedule", "--seed", "x"], "invalid value"),
        (&["exercise", "schedule", "--check", "/none/file"], "/none/file"),
    ] {
        let output = output(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// By the service clock a real run decides as the ideal one does, whatever else the machine does.
#[test]
fn real_run_by_the_service_clock_has_the_order_of_the_ideal() {
    let arguments =
        ["schedule", "--clock", "service", "--unit", "2ms", "--policy", "rr:1", "--jobs", "3,1,2@1"];
    let found = printed(&arguments);
    assert!(found.contains("P1 ideal  ") && found.contains("   real   "), "{found}");
    assert!(found.contains("same order as the ideal schedule in all 6 decisions"), "{found}");
    let found = json(&arguments);
    let schedule = &found["results"]["schedules"][0];
    assert_eq!(schedule["agreement"]["first_difference"], Value::Null);
    assert_eq!(schedule["real"]["jobs"].as_array().unwrap().len(), 3);
}

/// What is too large for processes is computed, and the real run is named as skipped.
#[test]
fn real_run_of_too_many_jobs_is_skipped_and_named() {
    let jobs = vec!["1"; 1_000].join(",");
    let found = printed(&["schedule", "--policy", "fcfs", "--jobs", &jobs]);
    assert!(found.contains("skipped: real run of fcfs: 1000 jobs"), "{found}");
}

/// The shares follow the weights of nice 0 and 5, which are 3.06 : 1.
#[test]
fn linux_policy_shows_the_shares_beside_the_model() {
    let found = json(&["schedule", "--policy", "linux:other", "--jobs", "20,20", "--nice", "0,5"]);
    let under = &found["results"]["linux"][0];
    assert_eq!(under["policy"], "linux:other");
    let share = |id: usize| under["real"]["shares"][id].as_f64().unwrap();
    assert!(share(0) > share(1), "{found}");
    let model = under["real"]["model_shares"][0].as_f64().unwrap();
    assert!((model - 0.7535).abs() < 0.0005, "{model}");
}

#[test]
fn linux_policy_is_compared_or_named_as_skipped() {
    let output = output(&["schedule", "--compare", "rr:1,linux:fifo", "--jobs", "3,3", "--unit", "2ms"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found = text(&output.stdout);
    let is_compared = found.lines().any(|line| line.starts_with(" linux:fifo "));
    assert!(is_compared || found.contains("skipped: linux:fifo: "), "{found}");
    // A policy without another to compare it with is drawn.
    let shown = if is_compared { " rr:1 " } else { "rr:1: " };
    assert!(found.lines().any(|line| line.starts_with(shown)), "{found}");
}

#[test]
fn quantum_sweep_has_fewer_switches_and_later_answers_with_a_longer_quantum() {
    let found = json(&["schedule", "--quantum-sweep"]);
    let points = found["results"].as_array().unwrap();
    let of = |point: &Value, name: &str| point[name].as_f64().unwrap();
    let (short, long) = (&points[0], &points[points.len() - 1]);
    assert!(of(short, "switches") > of(long, "switches") * 10.0, "{points:?}");
    assert!(of(short, "response_ms") < of(long, "response_ms"), "{points:?}");
    assert!(points.iter().all(|point| (0.0..=1.0).contains(&of(point, "efficiency"))), "{points:?}");
}

#[test]
fn cost_measures_each_way_or_names_what_it_needs() {
    let found = json(&["schedule", "--cost"]);
    let measured = found["results"].as_array().unwrap();
    let skipped = found["skipped"].as_array().unwrap();
    assert_eq!(measured.len() + skipped.len(), 4, "{found}");
    assert!(skipped.iter().all(|skipped| skipped["needs"].as_str().unwrap().contains("needs")), "{found}");
    assert!(measured.iter().all(|cost| cost["switch_ns"].as_u64().unwrap() > 0), "{found}");
}

#[test]
fn ten_thousand_jobs_are_scheduled_and_the_output_stays_short() {
    let jobs = vec!["1"; 10_000].join(",");
    let found = printed(&["schedule", "--ideal", "--policy", "rr:1", "--jobs", &jobs]);
    assert!(found.contains("10000 jobs") && found.contains("and 9960 more jobs"), "{found}");
    assert!(found.lines().count() < 120, "{}", found.lines().count());
    let one_more = format!("{jobs},1");
    assert_eq!(output(&["schedule", "--jobs", &one_more]).status.code(), Some(2));
}

#[test]
fn compare_marks_the_best_of_each_column() {
    let policies = "fcfs,sjf,srtn,rr:1,multilevel:1,2,4,8";
    let found = printed(&["schedule", "--ideal", "--compare", policies, "--set", "stallings"]);
    let row = |policy: &str| {
        let start = format!(" {policy} ");
        let line = found.lines().find(|line| line.starts_with(&start) && line.contains('.')).unwrap();
        line.to_owned()
    };
    assert!(row("srtn").contains("7.20 *"), "{found}");
    assert!(row("rr:1").contains("10.80 ") && !row("rr:1").contains("10.80 *"), "{found}");
    assert!(row("multilevel:1,2,4,8").contains("10.40"), "{found}");
    let found = json(&["schedule", "--ideal", "--compare", policies, "--set", "stallings"]);
    assert_eq!(found["results"]["schedules"].as_array().unwrap().len(), 5);
}

#[test]
fn why_has_one_line_for_each_decision() {
    let found = printed(&["schedule", "--ideal", "--why", "--policy", "srtn", "--set", "stallings"]);
    let lines: Vec<&str> = found.lines().filter(|line| line.starts_with("t=")).collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[2], "t=4: C (4 left) before B (5 left)");
}

#[test]
fn json_has_jobs_segments_and_metrics() {
    let found = json(&["schedule", "--ideal", "--policy", "fcfs", "--jobs", "A:1:2,io2,1"]);
    assert_eq!(found["experiment"], "schedule");
    let results = &found["results"];
    assert_eq!(results["jobs"][0]["name"], "A");
    let ideal = &results["schedules"][0]["ideal"];
    assert_eq!(ideal["timeline"]["segments"][1]["what"], "blocked");
    assert_eq!(ideal["metrics"]["turnaround"], 5.0);
    assert_eq!(ideal["timeline"]["ends"][0], 6.0);
}

/// Checks the tags of a document: each that is opened is closed, in order. Returns their number.
fn balanced(xml: &str) -> usize {
    let mut open = Vec::new();
    let mut count = 0;
    for tag in xml.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        count += 1;
    }
    assert!(open.is_empty(), "{open:?}");
    count
}

#[test]
fn svg_is_well_formed_and_draws_every_segment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gantt.svg");
    let file = path.to_str().unwrap();
    let jobs = "A<&\">:0:3 B:2:6,io2,1";
    printed(&["schedule", "--ideal", "--compare", "fcfs,rr:1", "--jobs", jobs, "--svg", file]);
    let svg = fs::read_to_string(&path).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && balanced(&svg) > 30);
    assert!(svg.contains("A&lt;&amp;&quot;&gt; runs 0 to 3"), "{svg}");
    assert_eq!(svg.matches("blocked 9 to 11").count(), 2, "{svg}");
    let references = svg.matches("http").count();
    assert_eq!(references, 1, "nothing is loaded from elsewhere: {svg}");
    let found = json(&["schedule", "--ideal", "--compare", "fcfs,rr:1", "--jobs", jobs]);
    let schedules = found["results"]["schedules"].as_array().unwrap();
    let segments = |schedule: &Value| schedule["ideal"]["timeline"]["segments"].as_array().unwrap().len();
    assert_eq!(svg.matches("<title>").count(), schedules.iter().map(segments).sum::<usize>());
}

#[test]
fn trace_has_named_threads_and_complete_events() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.json");
    let file = path.to_str().unwrap();
    printed(&["schedule", "--ideal", "--policy", "rr:4", "--jobs", "24,3,3", "--trace", file]);
    let trace: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let named: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| event["args"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["P1", "P2", "P3"]);
    let runs: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    let total: f64 = runs.iter().map(|event| event["dur"].as_f64().unwrap()).sum();
    assert_eq!((runs.len(), total), (4, 300_000.0));
    assert!(runs.iter().all(|event| event["ts"].is_number() && event["tid"].is_number()));
}

#[test]
fn unusable_file_fails_before_the_schedule() {
    for option in ["--svg", "--trace", "--json"] {
        let output = output(&["schedule", "--ideal", option, "/none/file"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("cannot write /none/file"), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

/// A terminal of 50 columns: every line of the chart fits.
#[test]
fn chart_fits_a_narrow_terminal() {
    let size = nix::pty::Winsize { ws_row: 24, ws_col: 50, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = nix::pty::openpty(Some(&size), None).unwrap();
    let mut command = ipcraft(&["schedule", "--ideal", "--policy", "rr:4", "--jobs", "240,30,30"]);
    let child = command.stdout(terminal.slave.try_clone().unwrap()).env("TERM", "dumb").spawn().unwrap();
    drop((terminal.slave, command));
    let path = format!("/proc/self/fd/{}", terminal.master.as_raw_fd());
    assert!(std::path::Path::new(&path).exists());
    let mut found = Vec::new();
    // The end of a terminal whose other side is closed is an error: EIO.
    let _ = std::io::Read::read_to_end(&mut fs::File::from(terminal.master), &mut found);
    assert!(child.wait_with_output().unwrap().status.success());
    let found = text(&found).replace('\r', "");
    let chart: Vec<&str> = found.lines().skip(3).take(4).collect();
    assert!(chart[1].starts_with("P1  "), "{found}");
    assert!(chart.iter().all(|line| line.chars().count() <= 50), "{found}");
    assert!(chart[1].chars().count() > 40, "the width is used: {found}");
}

#[test]
fn realtime_prints_bounds_responses_and_misses() {
    let found = printed(&["realtime", "--tasks", "2/5,4/7"]);
    for part in ["0.9714", "0.8284", "misses its deadline", "1 preemption\n", "! deadline missed"] {
        assert!(found.contains(part), "{part}: {found}");
    }
    let found = json(&["realtime", "--tasks", "10/30,15/40,5/50", "--policy", "rm"]);
    let analysis = &found["results"]["analysis"];
    assert_eq!(analysis["responses"], serde_json::json!([10.0, 25.0, 30.0]));
    assert_eq!((&analysis["edf"], &analysis["hyperperiod"]), (&true.into(), &600.0.into()));
}

#[test]
fn exercise_is_checked_and_names_wrong_answers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("answers.json");
    let file = path.to_str().unwrap();
    let exercise = |rest: &[&str]| {
        let all: Vec<&str> = ["exercise", "schedule", "--seed", "7"].iter().chain(rest).copied().collect();
        output(&all)
    };
    let sheet = exercise(&["--json", file]);
    assert!(sheet.status.success() && text(&sheet.stdout).contains("____"));
    let empty = exercise(&["--check", file]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(text(&empty.stdout).ends_with("0 of 115 answers are right\n"), "{}", text(&empty.stdout));

    let key = exercise(&["--answers", "--json", file]);
    assert!(key.status.success() && !text(&key.stdout).contains("____"));
    let right = exercise(&["--check", file]);
    assert_eq!((right.status.code(), text(&right.stdout)), (Some(0), "115 of 115 answers are right\n"));

    let mut answers: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    answers["results"]["answers"]["srtn"]["B"]["waiting"] = 99.into();
    // Without the frame that --json writes.
    fs::write(&path, answers["results"].to_string()).unwrap();
    let wrong = exercise(&["--check", file]);
    assert_eq!(wrong.status.code(), Some(1));
    let expected = "wrong: srtn B waiting: 99\n114 of 115 answers are right\n";
    assert_eq!(text(&wrong.stdout), expected);

    let other = output(&["exercise", "schedule", "--seed", "8", "--check", file]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("answers to seed 7"), "{}", text(&other.stderr));
}
