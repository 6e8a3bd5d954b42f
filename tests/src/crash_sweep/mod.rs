//! Crash sweeps: killing a process at every instruction of an operation, and checking its
//! survivors.
//!
//! A [`Scenario`] is an operation together with a fixture: shared memory, and further processes
//! where the operation needs some. For each `n` from 0 the sweep makes the fixture anew, forks a
//! child that runs the operation, and kills it with `SIGKILL` after `n` instructions. Then the
//! scenario checks that the survivors make progress. An operation that blocks is also killed in
//! each of its waits.
//!
//! # Which positions
//!
//! A sweep tries every `n`-th instruction, by default with a large `n`. The first position depends
//! on the day, so that a sweep that runs every day tries all positions in turn. `IPCRAFT_SWEEP`
//! sets `n` or `all`, and `IPCRAFT_SWEEP_OFFSET` the first position. A scenario multiplies `n` for
//! a long operation, since reaching a position takes as many steps.
//!
//! # Reading a failure
//!
//! The message names the operation, the [position](Position) of the kill, what the survivors saw,
//! and the command that repeats this position alone:
//!
//! ```text
//! spsc_send: killed after 123 instructions, lost: a message whose send succeeded was not received
//!   repeat: IPCRAFT_SWEEP_POSITION=instruction:123 cargo test -p ipcraft-tests --test channel_crash_sweep -- --exact spsc_send
//! ```
//!
//! The same build has the same instructions, so a position repeats until the code changes. Where
//! other processes take part, the instructions of a wait differ between runs.

mod position;
mod report;

use std::cell::Cell;
use std::env;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use position::Position;
use position::{POSITION, repeat};
pub use report::{Outcome, Report};

use crate::peer::Peer;
use crate::step::{self, Stepper};
use crate::suite;
use crate::time::patience;

/// Returns the time in which survivors have to make progress after a kill.
pub fn progress_timeout() -> Duration {
    Duration::from_millis(100) * patience()
}

/// The number of times that a slow position is tried, since other processes may keep the machine
/// busy.
const MAX_ATTEMPTS: u32 = 20;

/// The pause before the second attempt; later pauses are multiples of it.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The environment variable for the stride: `all` tries every position, and a number `n` every
/// `n`-th.
const STRIDE: &str = "IPCRAFT_SWEEP";

/// The environment variable for the first position, unless the day chooses it.
const OFFSET: &str = "IPCRAFT_SWEEP_OFFSET";

/// The stride unless the environment sets another: a prime, so that it meets no period of the code.
const DEFAULT_STRIDE: u64 = 97;

/// The largest stride at system calls, whose positions are few.
const MAX_CALL_STRIDE: u64 = 5;

/// The consecutive positions at which the operation has to end first before a sweep over every
/// instruction ends.
///
/// Where other processes take part, the number of instructions varies.
const ENDS: u32 = 3;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// The watchdog aborts a sweep that takes longer than this.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(600);

/// An operation to kill a process in, and its fixture.
pub trait Scenario {
    /// What the operation works on, made anew for each position.
    type Fixture;

    /// The stride to use where `asked` was asked for: smaller for a short operation, larger for a
    /// long one.
    fn stride(&self, asked: u64) -> u64 {
        asked
    }

    /// Whether the sweep tries only the positions at system calls.
    ///
    /// For an operation of many instructions that never blocks, and of which other processes see
    /// nothing but its system calls.
    fn is_long(&self) -> bool {
        false
    }

    /// Whether the sweep also tries the positions at system calls. For an operation that never
    /// blocks.
    fn stops_at_calls(&self) -> bool {
        self.is_long()
    }

    /// Whether the sweep ends with the first failure. For an operation that is known to fail.
    fn ends_with_failure(&self) -> bool {
        false
    }

    /// The time in which survivors have to make progress: [`progress_timeout`], or more if they
    /// poll for a death.
    fn progress_timeout(&self) -> Duration {
        progress_timeout()
    }

    /// Makes the fixture.
    fn fixture(&self) -> Self::Fixture;

    /// Runs the operation, in the child. The child calls it twice and is killed in the second call.
    fn operate(&self, fixture: &Self::Fixture);

    /// Prepares the second call, in this process, so that it finds what the first call found.
    fn rearm(&self, _fixture: &Self::Fixture) {}

    /// Lets the blocked operation continue, in this process.
    fn wake(&self, _fixture: &Self::Fixture) {
        panic!("the operation blocks, and its scenario does not wake it");
    }

    /// Runs in this process while the child is stopped at the position of the kill.
    fn before_kill(&self, _fixture: &Self::Fixture, _child: Pid) {}

    /// Checks, in this process and after the kill, that survivors make progress, and returns what
    /// they saw.
    ///
    /// Panics if something is wrong that more time cannot mend.
    fn check(&self, fixture: Self::Fixture) -> Outcome;
}

/// Sweeps over the positions of the operation, and prints the report.
///
/// # Panics
///
/// If survivors exceed their [time](Scenario::progress_timeout) in each attempt at a position, or a
/// check panics.
pub fn sweep<S: Scenario>(name: &str, scenario: &S) -> Report {
    let report = run(name, scenario);
    println!("\n{name}: {report}");
    report
}

/// Sweeps, and expects no outcome that is a failure.
///
/// # Panics
///
/// As [`sweep`], and if a position failed.
pub fn sweep_clean<S: Scenario>(name: &str, scenario: &S) -> Report {
    let report = sweep(name, scenario);
    let failed = report.failures.len();
    assert!(failed == 0, "{failed} positions failed:\n{}", report.describe_failures(name));
    let is_single = env::var_os(POSITION).is_some();
    assert!(report.positions > 0 || is_single, "{name}: the operation has no instructions");
    report
}

/// A test that [sweeps](sweep_clean) over a scenario.
pub fn clean<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    sweep_test(name, move || {
        sweep_clean(name, &scenario);
    })
}

/// A test that runs a sweep in a process of its own.
///
/// The sweep forks several times for each position, and what fixtures leave mapped would slow down
/// the forks of later sweeps.
pub fn sweep_test(name: &'static str, sweep: impl FnOnce() + Send + 'static) -> Trial {
    suite::skippable_within(SWEEP_TIMEOUT, name, move || {
        if step::overhead() == Err(step::REFUSED) {
            return suite::Outcome::Skipped("this system does not allow ptrace(2)".into());
        }
        Peer::start(sweep).join();
        suite::Outcome::Passed
    })
}

fn run(name: &str, scenario: &impl Scenario) -> Report {
    if let Ok(position) = env::var(POSITION) {
        return run_single(name, scenario, position.parse().unwrap_or_else(|usage| panic!("{usage}")));
    }
    let mut report = Report::default();
    if !scenario.is_long() {
        try_instructions(name, scenario, &mut report);
    }
    if scenario.stops_at_calls() {
        let stride = stride().min(MAX_CALL_STRIDE);
        let counts = (1 + offset() % stride..).step_by(stride as usize);
        try_special(name, scenario, counts.map(Position::SystemCall), &mut report);
    } else {
        try_special(name, scenario, (1..).map(Position::Wait), &mut report);
    }
    report
}

/// Tries every `stride`-th position from the offset to the end of the operation.
fn try_instructions(name: &str, scenario: &impl Scenario, report: &mut Report) {
    report.stride = scenario.stride(stride());
    report.offset = offset() % report.stride;
    let ends_wanted = if report.stride == 1 { ENDS } else { 1 };
    let (mut position, mut ends) = (report.offset, 0);
    while ends < ends_wanted && !is_complete(scenario, report) {
        if !try_until_prompt(name, scenario, Position::Instruction(position), report) {
            ends = 0;
        } else if report.positions == 0 && report.offset > report.instructions {
            // The operation is shorter than the offset.
            report.offset %= report.instructions.max(1);
            position = report.offset;
            continue;
        } else {
            ends += 1;
        }
        position += report.stride;
    }
}

/// Tries positions of another kind, to the end of the operation.
fn try_special(
    name: &str,
    scenario: &impl Scenario,
    positions: impl Iterator<Item = Position>,
    report: &mut Report,
) {
    for position in positions {
        if is_complete(scenario, report) || try_until_prompt(name, scenario, position, report) {
            break;
        }
    }
}

fn is_complete(scenario: &impl Scenario, report: &Report) -> bool {
    scenario.ends_with_failure() && !report.failures.is_empty()
}

/// Tries the one position that the environment asks for.
fn run_single(name: &str, scenario: &impl Scenario, position: Position) -> Report {
    let mut report = Report { stride: 1, ..Report::default() };
    if try_until_prompt(name, scenario, position, &mut report) {
        println!("{name}: the operation ended before the kill {position}");
    }
    report
}

fn stride() -> u64 {
    match env::var(STRIDE).as_deref() {
        Ok("all") => 1,
        Ok(number) => number.parse().expect("IPCRAFT_SWEEP is `all` or a number"),
        Err(_) => DEFAULT_STRIDE,
    }
}

/// The first position of a sweep, less multiples of the stride.
///
/// By default the number of the day: a sweep that runs every day tries all positions within as many
/// days as its stride.
fn offset() -> u64 {
    match env::var(OFFSET) {
        Ok(number) => number.parse().expect("IPCRAFT_SWEEP_OFFSET is a number"),
        Err(_) => UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs() / SECONDS_PER_DAY),
    }
}

/// Tries a position, again while the survivors are slow; returns whether the operation ended before
/// it.
fn try_until_prompt(name: &str, scenario: &impl Scenario, position: Position, report: &mut Report) -> bool {
    let timeout = scenario.progress_timeout();
    for attempt in 1..=MAX_ATTEMPTS {
        let tried = try_position(name, scenario, position);
        report.instructions = report.instructions.max(tried.instructions);
        if tried.ended && !matches!(position, Position::Instruction(_)) {
            return true;
        }
        if tried.took <= timeout || tried.outcome == Outcome::Stuck {
            report.positions += u64::from(!tried.ended);
            report.slowest = report.slowest.max(tried.took);
            report.add(position, tried.outcome);
            return tried.ended;
        }
        thread::sleep(RETRY_PAUSE * attempt);
    }
    panic!(
        "{name}: killed {position}, the survivors took more than {timeout:?} in each of {MAX_ATTEMPTS} attempts\n{}",
        repeat(name, position)
    );
}

/// The result of one kill.
struct Tried {
    outcome: Outcome,
    /// Whether the operation ended before the position.
    ended: bool,
    instructions: u64,
    /// The time from the kill to the end of the check.
    took: Duration,
}

fn try_position<S: Scenario>(name: &str, scenario: &S, position: Position) -> Tried {
    let _context = Context { name, position };
    let fixture = scenario.fixture();
    let warm_up = || scenario.operate(&fixture);
    let mut stepper = Stepper::start_sleeper(warm_up, |_| scenario.wake(&fixture)).expect("ptrace(2)");
    scenario.rearm(&fixture);

    let waits = Cell::new(0);
    let asleep = |child| {
        waits.set(waits.get() + 1);
        if position == Position::Wait(waits.get()) {
            scenario.before_kill(&fixture, child);
            let _ = kill(child, Signal::SIGKILL);
        } else {
            scenario.wake(&fixture);
        }
    };
    let stopped = match position {
        Position::Instruction(count) => stepper.step_sleeper_until(count, asleep),
        Position::Wait(_) => stepper.run_sleeper(asleep).map(|()| false),
        Position::SystemCall(count) => stepper.run_until_call(count),
    };
    let ended = match stopped {
        Ok(alive) => {
            scenario.before_kill(&fixture, stepper.pid());
            !alive
        }
        Err(Errno::ESRCH) if matches!(position, Position::Wait(_)) => false,
        Err(errno) => panic!("ptrace(2): {errno}"),
    };
    let instructions = stepper.position();
    let killed = Instant::now();
    stepper.kill();
    let outcome = scenario.check(fixture);
    Tried { outcome, ended, instructions, took: killed.elapsed() }
}

/// Adds the position to the message of a check that panics.
struct Context<'a> {
    name: &'a str,
    position: Position,
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let Context { name, position } = *self;
            eprintln!("{name}: the check above failed after a kill {position}\n{}", repeat(name, position));
        }
    }
}
