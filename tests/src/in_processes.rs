//! Running independent tests in parallel, each in a process of its own.
//!
//! A test that forks cannot run beside others in one process: its children would inherit their
//! descriptors and locks. So the test binary starts itself once per test, several at a time. The
//! crash sweeps and the `EINTR` storm take most of the gate's time, and their operations are
//! independent.

use std::collections::BTreeMap;
use std::env;
use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::leak::Snapshot;
use crate::suite;

/// Set in the environment of a process that runs one test.
const SINGLE_TEST: &str = "IPCRAFT_SINGLE_TEST";

/// Runs the tests that the command line selects, each in a process of its own, and `per_core` times
/// as many at a time as there are cores: 1 for tests that compute, more for tests that block.
pub fn run(tests: Vec<Trial>, per_core: usize) -> ExitCode {
    if env::var_os(SINGLE_TEST).is_some() {
        return run_single(tests);
    }
    let mut arguments = Arguments::from_args();
    let cores = available_parallelism().map_or(1, NonZero::get);
    arguments.test_threads = arguments.test_threads.or(Some(cores * per_core));
    let names: Vec<String> = tests.iter().map(|test| test.name().to_owned()).collect();
    let reports = Arc::new(Mutex::new(BTreeMap::new()));
    let tests = names.iter().map(|name| in_process(name.clone(), Arc::clone(&reports))).collect();
    let code = libtest_mimic::run(&arguments, tests).exit_code();
    // Printed at the end, so that the order does not depend on which process ends first.
    let reports = lock(&reports);
    names.iter().filter_map(|name| reports.get(name)).for_each(|report| print!("{report}"));
    code
}

/// What each test printed, by the name of the test.
type Reports = Mutex<BTreeMap<String, String>>;

fn lock(reports: &Reports) -> MutexGuard<'_, BTreeMap<String, String>> {
    reports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the one test that the command line selects.
///
/// # Panics
///
/// If the test leaks a descriptor, a child process or a named object.
fn run_single(tests: Vec<Trial>) -> ExitCode {
    let before = Snapshot::take();
    let code = suite::run(tests);
    assert_eq!(before.leaked(), Vec::<String>::new());
    code
}

/// A test that runs the test of the same name in a new process, and keeps what that printed.
fn in_process(name: String, reports: Arc<Reports>) -> Trial {
    Trial::ignorable_test(name.clone(), move || {
        let program = env::current_exe().map_err(failed)?;
        let mut test = Command::new(program);
        test.args(["--exact", &name, "--nocapture"]).env(SINGLE_TEST, "1");
        let output = test.output().map_err(failed)?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{printed}{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        if let Some(reason) = reason_to_skip(&printed) {
            return Ok(Completion::ignored_with(reason));
        }
        lock(&reports).insert(name, report(&printed));
        Ok(Completion::Completed)
    })
}

fn failed(error: std::io::Error) -> Failed {
    error.to_string().into()
}

/// The reason in `test NAME ... ignored (REASON)`.
fn reason_to_skip(printed: &str) -> Option<String> {
    let (_, reason) = printed.split_once("... ignored (")?;
    reason.lines().next()?.strip_suffix(')').map(str::to_owned)
}

/// The lines that the test printed itself, between those of its runner.
fn report(printed: &str) -> String {
    let own = printed.lines().filter(|line| {
        !["", "ok"].contains(line) && !line.starts_with("running ") && !line.starts_with("test ")
    });
    own.map(|line| format!("{line}\n")).collect()
}

#[test]
fn output_of_a_process_is_cut_into_report_and_reason() {
    let passed =
        "running 1 test\ntest spsc_send ... \nspsc_send: 3 of 3 positions\nok\n\ntest result: ok. 1 passed\n";
    assert_eq!(report(passed), "spsc_send: 3 of 3 positions\n");
    assert_eq!(reason_to_skip(passed), None);
    let ignored = "running 1 test\ntest spsc_send ... ignored (skipped: not permitted)\n\ntest result: ok.\n";
    assert_eq!(reason_to_skip(ignored).as_deref(), Some("skipped: not permitted"));
}
