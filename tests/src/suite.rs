//! Which kind of test to write, and the runner of the serial ones.
//!
//! # Parallel tests
//!
//! Write an ordinary `#[test]` unless one of the reasons below applies. libtest runs it in parallel
//! with the others of its binary.
//!
//! # Serial tests
//!
//! A test must run alone if it
//!
//! * forks ([`Peer::start`](crate::peer::Peer::start)), since the child would inherit descriptors
//!   of other tests;
//! * counts descriptors, or waits for the end of a file that another test's child could hold open;
//! * changes the process: signal handlers and masks, resource limits, the working directory,
//!   namespaces.
//!
//! Such a test has `#[serial_test]` above it, and lives in a binary with `harness = false` in
//! `tests/Cargo.toml`:
//!
//! ```no_run
//! use ipcraft_tests::suite::{self, serial_test};
//!
//! #[serial_test] // in this file, or in any module of the binary
//! fn wait_with_changed_value_returns_immediately() {
//!     // …
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     // A binary that needs a namespace of its own enters it here.
//!     suite::main()
//! }
//! ```
//!
//! The attribute registers the test, so there is no list to maintain. [`main()`] runs the tests of
//! the binary one after another in the main thread, each under a [watchdog](crate::watchdog). Its
//! last test, `nothing_is_left_behind`, fails if a test leaked a descriptor, a child process or a
//! named object.
//!
//! * A test's name is the function's name without its module. So it states operation, condition and
//!   outcome by itself, and `cargo test -p ipcraft-tests --test futex -- wait_with` selects it. Two
//!   tests of one binary cannot have the same name.
//! * A test that the system may not permit returns an [`Outcome`], and [`Outcome::Skipped`] shows
//!   in the output.
//! * `#[serial_test(timeout = time::LONG_TIMEOUT)]` replaces the watchdog's [usual
//!   time](crate::time::TEST_TIMEOUT).
//! * Tests that a table makes are built with [`test()`] or [`skippable`] and passed to
//!   [`main_with`].
//! * Timeouts come from [`crate::time`].

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

pub use inventory;
pub use ipcraft_tests_macros::serial_test;
use libtest_mimic::{Arguments, Completion, Trial};

use crate::leak::Snapshot;
use crate::scratch;
use crate::time::TEST_TIMEOUT;
use crate::watchdog::Watchdog;

/// A function under [`serial_test`].
#[derive(Debug)]
pub struct SerialTest {
    /// The function's name.
    pub name: &'static str,
    /// The path of the module that the function is in.
    pub module: &'static str,
    /// The line of the attribute.
    pub line: u32,
    /// The time after which the watchdog aborts the test.
    pub timeout: Duration,
    /// Runs the test, which fails by panicking.
    pub run: fn() -> Outcome,
}

inventory::collect!(SerialTest);

/// The result of a test that the system may not permit.
#[derive(Debug)]
pub enum Outcome {
    /// The test ran and its assertions held.
    Passed,
    /// The test could not run, for this reason.
    Skipped(String),
}

impl From<()> for Outcome {
    fn from((): ()) -> Outcome {
        Outcome::Passed
    }
}

/// Runs the serial tests of this binary that the command line selects.
pub fn main() -> ExitCode {
    main_with(Vec::new())
}

/// Runs the serial tests of this binary and those of a table.
///
/// # Panics
///
/// If two tests have the same name.
pub fn main_with(tests: Vec<Trial>) -> ExitCode {
    let before = Snapshot::take();
    let mut all: Vec<Trial> = registered().into_iter().map(SerialTest::trial).collect();
    all.extend(tests);
    all.push(nothing_is_left_behind(before));
    run(all)
}

/// The registered tests, in the order of their modules and lines.
fn registered() -> Vec<&'static SerialTest> {
    let mut tests: Vec<&SerialTest> = inventory::iter::<SerialTest>().collect();
    tests.sort_by_key(|test| (test.module, test.line));
    let mut names = BTreeMap::new();
    for test in &tests {
        if let Some(other) = names.insert(test.name, test.module) {
            panic!("two tests have the name {}, in {other} and in {}", test.name, test.module);
        }
    }
    tests
}

impl SerialTest {
    fn trial(&'static self) -> Trial {
        skippable_within(self.timeout, self.name, self.run)
    }
}

/// A test called `name`, under a watchdog; it fails by panicking.
pub fn test(name: impl Into<String>, body: impl FnOnce() + Send + 'static) -> Trial {
    skippable(name, || {
        body();
        Outcome::Passed
    })
}

/// A last test, which fails if this process has descriptors, children or named objects that
/// `before` does not have.
fn nothing_is_left_behind(before: Snapshot) -> Trial {
    test("nothing_is_left_behind", move || assert_eq!(before.leaked(), Vec::<String>::new()))
}

/// A [`test()`] that the system may not permit.
pub fn skippable(name: impl Into<String>, body: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    skippable_within(TEST_TIMEOUT, name, body)
}

/// A [`skippable`] test that the watchdog aborts after `timeout`.
pub fn skippable_within(
    timeout: Duration,
    name: impl Into<String>,
    body: impl FnOnce() -> Outcome + Send + 'static,
) -> Trial {
    let name = name.into();
    Trial::ignorable_test(name.clone(), move || {
        let _watchdog = Watchdog::start(&name, timeout);
        Ok(match body() {
            Outcome::Passed => Completion::Completed,
            Outcome::Skipped(reason) => Completion::ignored_with(format!("skipped: {reason}")),
        })
    })
}

/// Runs the tests that the command line selects, one after another in this thread.
pub(crate) fn run(tests: Vec<Trial>) -> ExitCode {
    scratch::sweep();
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, tests).exit_code()
}
