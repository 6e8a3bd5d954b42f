//! Running a list of tests that a table makes, with the options and the summary of `cargo test`.

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::leak::Snapshot;
use crate::scratch;
use crate::watchdog::{PATIENCE, Watchdog};

/// A test called `name`, with a watchdog round it; it fails by panicking.
pub fn test(name: impl Into<String>, body: impl FnOnce() + Send + 'static) -> Trial {
    skippable(name, || {
        body();
        Outcome::Passed
    })
}

/// A [`test()`] under the function's own path, without the name of the test binary.
pub fn of<F: FnOnce() + Send + 'static>(body: F) -> Trial {
    let path = std::any::type_name::<F>();
    test(path.split_once("::").map_or(path, |(_, rest)| rest), body)
}

/// A last test: nothing of this process is left that was not there at the time of the snapshot.
pub fn nothing_is_left_behind(before: Snapshot) -> Trial {
    test("nothing_is_left_behind", move || assert_eq!(before.leaked(), Vec::<String>::new()))
}

/// What became of a test that the system may not allow.
#[derive(Debug)]
pub enum Outcome {
    /// It ran and its assertions held.
    Passed,
    /// It could not run, and why.
    Skipped(String),
}

/// A [`test()`] that can find out that this system does not let it run, which then shows in the output.
pub fn skippable(name: impl Into<String>, body: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    skippable_within(PATIENCE, name, body)
}

/// A [`skippable`] test for which the watchdog has this patience.
pub fn skippable_within(
    patience: Duration,
    name: impl Into<String>,
    body: impl FnOnce() -> Outcome + Send + 'static,
) -> Trial {
    let name = name.into();
    Trial::ignorable_test(name.clone(), move || {
        let _watchdog = Watchdog::start(&name, patience);
        Ok(match body() {
            Outcome::Passed => Completion::Completed,
            Outcome::Skipped(why) => Completion::ignored_with(format!("skipped: {why}")),
        })
    })
}

/// Runs the tests that the command line asks for, one after another in this thread: they count descriptors, handle
/// signals and fork.
pub fn run(tests: Vec<Trial>) -> ExitCode {
    scratch::sweep();
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, tests).exit_code()
}
