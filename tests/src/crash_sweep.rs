//! Crash sweeps: killing a process at every instruction of an operation, and checking its
//! survivors.
//!
//! A [`Scenario`] is an operation together with a fixture: shared memory, and further processes
//! where the operation needs some. For each `n` from 0 the sweep makes the fixture anew, forks a
//! child that runs the operation, and kills it with `SIGKILL` after `n` instructions. Then the
//! scenario checks that the survivors make progress. An operation that blocks is also killed in
//! each of its waits.
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

use std::cell::Cell;
use std::env;
use std::fmt;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::peer::Peer;
use crate::step::{self, Stepper};
use crate::suite;

/// The time in which survivors have to make progress after a kill.
pub const PROGRESS_TIMEOUT: Duration = Duration::from_millis(100);

/// The number of times that a slow position is tried, since other processes may keep the machine
/// busy.
const MAX_ATTEMPTS: u32 = 20;

/// The pause before the second attempt; later pauses are multiples of it.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The environment variable for the stride: `all` tries every position, and a number `n` every
/// `n`-th.
const STRIDE: &str = "IPCRAFT_SWEEP";

/// The environment variable for a single position, as in `instruction:123`, `syscall:5` or
/// `wait:2`.
const POSITION: &str = "IPCRAFT_SWEEP_POSITION";

/// The stride unless the environment sets another: a prime, so that it meets no period of the code.
const DEFAULT_STRIDE: u64 = 23;

/// The consecutive positions at which the operation has to end first before the sweep ends.
///
/// Where other processes take part, the number of instructions varies.
const ENDS: u32 = 3;

/// The watchdog aborts a sweep that takes longer than this.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(600);

/// The factor on the stride of a [long](Scenario::is_long) operation: a prime.
const LONG_STRIDE: u64 = 997;

/// The failures that a message lists.
const MAX_LISTED_FAILURES: usize = 8;

/// An operation to kill a process in, and its fixture.
pub trait Scenario {
    /// What the operation works on, made anew for each position.
    type Fixture;

    /// The stride to use where `asked` was asked for: smaller for a short operation, larger for a
    /// long one.
    fn stride(&self, asked: u64) -> u64 {
        asked
    }

    /// Whether the sweep tries only a few positions and those at system calls.
    ///
    /// For an operation of many instructions that never blocks, and whose steps no other process
    /// sees.
    fn is_long(&self) -> bool {
        false
    }

    /// Whether the sweep also tries the positions at system calls. For an operation that never
    /// blocks.
    fn stops_at_calls(&self) -> bool {
        self.is_long()
    }

    /// The time in which survivors have to make progress: [`PROGRESS_TIMEOUT`], or more if they
    /// poll for a death.
    fn progress_timeout(&self) -> Duration {
        PROGRESS_TIMEOUT
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

/// What the survivors of a kill saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the operation did not begin, or it ended.
    Unnoticed,
    /// The death of the owner, reported as documented.
    Notified,
    /// A message that the dead process may have received already, as documented.
    Redelivered,
    /// A survivor blocks forever.
    Stuck,
    /// A message that no process sent.
    Corrupted,
    /// A message whose send succeeded did not arrive.
    Lost,
    /// A message arrived more often than documented.
    Duplicated,
}

impl Outcome {
    /// Whether no correct mechanism has this outcome.
    fn is_failure(self) -> bool {
        use Outcome::{Corrupted, Duplicated, Lost, Stuck};
        matches!(self, Stuck | Corrupted | Lost | Duplicated)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Unnoticed => "unnoticed: to the survivors the operation did not begin, or it ended",
            Outcome::Notified => "notified: the survivors received an error that reports the death",
            Outcome::Redelivered => "redelivered: a message arrived again, as documented",
            Outcome::Stuck => "stuck: a survivor blocks and does not return",
            Outcome::Corrupted => "corrupted: a survivor received a message that no process sent",
            Outcome::Lost => "lost: a message whose send succeeded was not received",
            Outcome::Duplicated => "duplicated: a message arrived more often than documented",
        })
    }
}

/// The position of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// After this number of instructions.
    Instruction(u64),
    /// After this number of entries into and returns from system calls.
    SystemCall(u64),
    /// In the wait with this number, counted from 1.
    Wait(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Instruction(count) => write!(f, "after {count} instructions"),
            Position::SystemCall(count) => write!(f, "at entry or return {count} of its system calls"),
            Position::Wait(count) => write!(f, "in wait {count}"),
        }
    }
}

impl Position {
    /// The value of [`POSITION`] that stands for it.
    fn argument(self) -> String {
        match self {
            Position::Instruction(count) => format!("instruction:{count}"),
            Position::SystemCall(count) => format!("syscall:{count}"),
            Position::Wait(count) => format!("wait:{count}"),
        }
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Position, String> {
        let usage = || format!("{POSITION}={text}: use instruction:N, syscall:N or wait:N");
        let (kind, count) = text.split_once(':').ok_or_else(usage)?;
        let count = count.parse().map_err(|_| usage())?;
        match kind {
            "instruction" => Ok(Position::Instruction(count)),
            "syscall" => Ok(Position::SystemCall(count)),
            "wait" => Ok(Position::Wait(count)),
            _ => Err(usage()),
        }
    }
}

/// How many positions had which outcome.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The positions that were tried.
    pub positions: u64,
    /// The distance between them in instructions.
    pub stride: u64,
    /// The instructions of the operation.
    pub instructions: u64,
    /// The positions with [`Outcome::Notified`].
    pub notified: u64,
    /// The positions with [`Outcome::Redelivered`].
    pub redelivered: u64,
    /// The positions with [`Outcome::Stuck`].
    pub stuck: u64,
    /// The positions with [`Outcome::Corrupted`].
    pub corrupted: u64,
    /// The positions with [`Outcome::Lost`].
    pub lost: u64,
    /// The positions with [`Outcome::Duplicated`].
    pub duplicated: u64,
    /// The longest time from a kill to the end of the check.
    pub slowest: Duration,
    /// The positions with an outcome that a correct mechanism does not have.
    pub failures: Vec<(Position, Outcome)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { positions, instructions, stride, notified, redelivered, .. } = self;
        write!(f, "{positions} positions in {instructions} instructions (stride {stride}): ")?;
        write!(f, "{notified} notified, {redelivered} redelivered, {} stuck, ", self.stuck)?;
        write!(f, "{} corrupted, {} lost, {} duplicated; ", self.corrupted, self.lost, self.duplicated)?;
        write!(f, "slowest {:.1} ms", self.slowest.as_secs_f64() * 1e3)
    }
}

impl Report {
    fn add(&mut self, position: Position, outcome: Outcome) {
        if outcome.is_failure() {
            self.failures.push((position, outcome));
        }
        let counter = match outcome {
            Outcome::Unnoticed => return,
            Outcome::Notified => &mut self.notified,
            Outcome::Redelivered => &mut self.redelivered,
            Outcome::Stuck => &mut self.stuck,
            Outcome::Corrupted => &mut self.corrupted,
            Outcome::Lost => &mut self.lost,
            Outcome::Duplicated => &mut self.duplicated,
        };
        *counter += 1;
    }

    /// Describes each failure, and how to repeat it.
    fn describe_failures(&self, name: &str) -> String {
        let listed = self.failures.iter().take(MAX_LISTED_FAILURES);
        let mut text: String = listed
            .map(|(position, outcome)| {
                format!("{name}: killed {position}, {outcome}\n{}\n", repeat(name, *position))
            })
            .collect();
        if self.failures.len() > MAX_LISTED_FAILURES {
            text += &format!("and {} further positions\n", self.failures.len() - MAX_LISTED_FAILURES);
        }
        text
    }
}

/// The line with the command that repeats a position.
fn repeat(name: &str, position: Position) -> String {
    let program = env::current_exe().unwrap_or_default();
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    let test = stem.rsplit_once('-').map_or(&*stem, |(test, _hash)| test);
    let profile = if cfg!(debug_assertions) { "" } else { " --release" };
    let position = position.argument();
    format!(
        "  repeat: {POSITION}={position} cargo test{profile} -p ipcraft-tests --test {test} -- --exact {name}"
    )
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
    assert!(report.positions > 1 || is_single, "{name}: the operation has no instructions");
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
    let (factor, ends_wanted) = if scenario.is_long() { (LONG_STRIDE, 1) } else { (1, ENDS) };
    let stride = scenario.stride(stride()) * factor;
    let mut report = Report { stride, ..Report::default() };
    let mut ends = 0;
    for round in 0.. {
        let ended = try_until_prompt(name, scenario, Position::Instruction(round * stride), &mut report);
        ends = if ended { ends + 1 } else { 0 };
        if ends == ends_wanted {
            break;
        }
    }
    for count in 1.. {
        let special =
            if scenario.stops_at_calls() { Position::SystemCall(count) } else { Position::Wait(count) };
        if try_until_prompt(name, scenario, special, &mut report) {
            break;
        }
    }
    report
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
        Position::Wait(_) => stepper.step_sleeper_until(u64::MAX, asleep),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_of_each_position_parses_to_the_same_position() {
        for position in [Position::Instruction(0), Position::SystemCall(5), Position::Wait(2)] {
            assert_eq!(position.argument().parse(), Ok(position));
        }
        for wrong in ["", "7", "instruction", "instruction:", "instruction:x", "sleep:1"] {
            assert!(wrong.parse::<Position>().unwrap_err().contains("use instruction:N"), "{wrong}");
        }
    }

    #[test]
    fn description_of_failures_names_operation_position_and_command() {
        let mut report = Report::default();
        (0..10).for_each(|count| report.add(Position::Instruction(count), Outcome::Lost));
        report.add(Position::Wait(1), Outcome::Notified);
        let text = report.describe_failures("spsc_send");
        assert!(text.starts_with("spsc_send: killed after 0 instructions, lost: "), "{text}");
        assert!(text.contains("IPCRAFT_SWEEP_POSITION=instruction:7 cargo test"), "{text}");
        assert!(text.contains("-- --exact spsc_send\n"), "{text}");
        assert!(text.ends_with("and 2 further positions\n"), "{text}");
        assert_eq!((report.lost, report.notified), (10, 1));
    }
}
