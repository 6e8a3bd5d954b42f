//! Killing a process at every instruction of an operation, and looking what its peers make of that.
//!
//! A [`Scenario`] is an operation in a world of its own: shared memory, and other processes where it takes some. For
//! each `k` from 0 the world is made anew, a child runs the operation and is killed with `SIGKILL` after `k`
//! instructions, and the scenario checks that those who are left proceed. Where the operation sleeps, a kill in its sleep
//! is a position too.

use std::cell::Cell;
use std::env;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::peer::Peer;
use crate::step::{self, Stepper};
use crate::suite;

/// How soon a peer has to proceed after a kill.
pub const PROMPT: Duration = Duration::from_millis(100);

/// A position that looks slow is tried so often, since the machine may have been busy with something else.
const TRIES: u32 = 20;

/// What a busy machine is given before the second try, and more before the next.
const PAUSE: Duration = Duration::from_millis(20);

/// In this environment variable, `all` asks for every position; a number for every so-many-th.
const STRIDE: &str = "IPCRAFT_SWEEP";

/// Every so-many-th position where nothing else is asked for: a prime, so that no rhythm of the code hides anything.
const USUAL_STRIDE: u64 = 23;

/// How often in a row the operation has to end before its position: where others take part, it does not always have
/// equally many instructions.
const ENDS: u32 = 3;

/// Long enough to try every position on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many times fewer positions are tried of an operation that is long: a prime again.
const LONG: u64 = 997;

/// An operation to be killed in, and its world.
pub trait Scenario {
    /// What the operation is done in. Made anew for each position.
    type World;

    /// Every so-many-th position is tried where every `asked`-th is asked for: less for an operation of few instructions,
    /// more for one of very many.
    fn stride(&self, asked: u64) -> u64 {
        asked
    }

    /// Whether the operation is so long that only some of its positions are tried, and those at its system calls besides:
    /// for one that does not sleep, and of which others see nothing in between.
    fn is_long(&self) -> bool {
        false
    }

    /// Whether positions at its system calls are tried besides: for an operation that does not sleep.
    fn stops_at_calls(&self) -> bool {
        self.is_long()
    }

    /// How soon the survivors have to proceed after a kill: [`PROMPT`], unless they notice it only when they look.
    fn prompt(&self) -> Duration {
        PROMPT
    }

    /// Makes the world.
    fn world(&self) -> Self::World;

    /// The operation, in the child. It is called twice, and killed in the second call.
    fn operate(&self, world: &Self::World);

    /// In this process, before the second call of the operation, which is to find the world as the first one did.
    fn again(&self, _world: &Self::World) {}

    /// In this process, each time the operation is found asleep: makes it go on.
    fn wake(&self, _world: &Self::World) {
        panic!("the operation sleeps, and nothing was said of that");
    }

    /// In this process, with the child stopped at the position at which it is about to be killed.
    fn before_kill(&self, _world: &Self::World, _child: Pid) {}

    /// In this process, after the kill: checks that those who are left proceed, and says what they were told.
    ///
    /// Panics if something is wrong that time does not heal.
    fn check(&self, world: Self::World) -> Outcome;
}

/// What the survivors of a kill were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: to them the operation has not begun, or has ended.
    Unnoticed,
    /// That the owner died.
    Told,
    /// What the one who died had been told already, as it is documented.
    ToldAgain,
    /// Nothing, and they wait for ever.
    Stuck,
    /// Something that nobody had said.
    Torn,
    /// Not what the one who died had said with success.
    Lost,
    /// More often than is documented.
    Doubled,
}

/// How many positions came out how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// How many were tried.
    pub positions: u64,
    /// Every so-many-th was.
    pub stride: u64,
    /// How many instructions the operation has.
    pub instructions: u64,
    /// At how many the survivors were told that the owner died.
    pub told: u64,
    /// At how many they were told what the one who died had been told already, as it is documented.
    pub told_again: u64,
    /// At how many they waited for ever.
    pub stuck: u64,
    /// At how many they were told what nobody had said.
    pub torn: u64,
    /// At how many they were not told what was said with success.
    pub lost: u64,
    /// At how many they were told something too often.
    pub doubled: u64,
    /// The longest that a survivor took, from the kill to the end of the check.
    pub slowest: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} positions (stride {}): {} told that the owner died, ",
            self.positions, self.instructions, self.stride, self.told
        )?;
        if self.told_again > 0 {
            write!(f, "{} told again, ", self.told_again)?;
        }
        write!(
            f,
            "{} stuck, {} torn, {} lost, {} doubled; ",
            self.stuck, self.torn, self.lost, self.doubled
        )?;
        write!(f, "slowest {:.1} ms", self.slowest.as_secs_f64() * 1e3)
    }
}

impl Report {
    fn add(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Unnoticed => return,
            Outcome::Told => &mut self.told,
            Outcome::ToldAgain => &mut self.told_again,
            Outcome::Stuck => &mut self.stuck,
            Outcome::Torn => &mut self.torn,
            Outcome::Lost => &mut self.lost,
            Outcome::Doubled => &mut self.doubled,
        };
        *counter += 1;
    }
}

/// Sweeps over the positions of the operation: all of them or, unless that is asked for, every so-many-th.
///
/// # Panics
///
/// If survivors were slower than is [prompt](Scenario::prompt) each time that a position was tried, or a check panics.
pub fn sweep<S: Scenario>(name: &str, scenario: &S) -> Report {
    let report = run(scenario);
    println!("\n{name}: {report}");
    report
}

/// Sweeps, and expects that nobody is stuck, and that nothing is torn, lost or doubled.
///
/// # Panics
///
/// As [`sweep`], and if it is otherwise.
pub fn sweep_clean<S: Scenario>(name: &str, scenario: &S) -> Report {
    let report = sweep(name, scenario);
    assert_eq!(report.stuck, 0, "{name}: somebody waits for ever");
    assert_eq!((report.torn, report.lost, report.doubled), (0, 0, 0), "{name}: torn, lost, doubled");
    assert!(report.positions > 1, "{name}: the operation has no instructions");
    report
}

/// A test that [sweeps](sweep_clean) over a scenario.
pub fn clean<S: Scenario + Send + 'static>(name: &'static str, scenario: S) -> Trial {
    swept(name, move || {
        sweep_clean(name, &scenario);
    })
}

/// The sweep runs in a process of its own, so that what the worlds of one leave mapped makes no other slower: it forks
/// several times for each position.
pub fn swept(name: &'static str, sweep: impl FnOnce() + Send + 'static) -> Trial {
    suite::skippable_within(PATIENCE, name, move || {
        if step::overhead() == Err(step::REFUSED) {
            return suite::Outcome::Skipped("this system does not allow ptrace(2)".into());
        }
        Peer::start(sweep).join();
        suite::Outcome::Passed
    })
}

fn run(scenario: &impl Scenario) -> Report {
    let (factor, enough) = if scenario.is_long() { (LONG, 1) } else { (1, ENDS) };
    let stride = scenario.stride(stride()) * factor;
    let mut report = Report { stride, ..Report::default() };
    let mut ends = 0;
    for round in 0.. {
        let ended = patiently(scenario, Position::After(round * stride), &mut report);
        ends = if ended { ends + 1 } else { 0 };
        if ends == enough {
            break;
        }
    }
    for count in 1.. {
        let special =
            if scenario.stops_at_calls() { Position::AtCall(count) } else { Position::InSleep(count) };
        if patiently(scenario, special, &mut report) {
            break;
        }
    }
    report
}

fn stride() -> u64 {
    match env::var(STRIDE).as_deref() {
        Ok("all") => 1,
        Ok(number) => number.parse().expect("IPCRAFT_SWEEP is `all` or a number"),
        Err(_) => USUAL_STRIDE,
    }
}

/// Where the child is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// After so many instructions.
    After(u64),
    /// After it has entered or left a system call so many times.
    AtCall(u64),
    /// The so-many-th time it sleeps.
    InSleep(u64),
}

/// Tries a position, again while it looks slow; whether the operation ended before it.
fn patiently(scenario: &impl Scenario, position: Position, report: &mut Report) -> bool {
    let prompt = scenario.prompt();
    for attempt in 1.. {
        let tried = try_position(scenario, position);
        report.instructions = report.instructions.max(tried.instructions);
        if tried.ended && !matches!(position, Position::After(_)) {
            return true;
        }
        if tried.took > prompt && tried.outcome != Outcome::Stuck && attempt < TRIES {
            thread::sleep(PAUSE * attempt);
            continue;
        }
        assert!(
            tried.took <= prompt || tried.outcome == Outcome::Stuck,
            "{position:?}: the survivors took {:?}, each of {TRIES} times",
            tried.took
        );
        report.positions += u64::from(!tried.ended);
        report.slowest = report.slowest.max(tried.took);
        report.add(tried.outcome);
        return tried.ended;
    }
    unreachable!("the loop ends at the last attempt")
}

/// What one kill came to.
struct Tried {
    outcome: Outcome,
    ended: bool,
    instructions: u64,
    took: Duration,
}

fn try_position<S: Scenario>(scenario: &S, position: Position) -> Tried {
    let world = scenario.world();
    let warm = || scenario.operate(&world);
    let mut stepper = Stepper::start_sleeper(warm, |_| scenario.wake(&world)).expect("ptrace(2)");
    scenario.again(&world);

    let sleeps = Cell::new(0);
    let asleep = |child| {
        sleeps.set(sleeps.get() + 1);
        if position == Position::InSleep(sleeps.get()) {
            scenario.before_kill(&world, child);
            let _ = kill(child, Signal::SIGKILL);
        } else {
            scenario.wake(&world);
        }
    };
    let outcome = match position {
        Position::After(count) => stepper.step_sleeper_until(count, asleep),
        Position::InSleep(_) => stepper.step_sleeper_until(u64::MAX, asleep),
        Position::AtCall(stop) => stepper.run_until_call(stop),
    };
    let ended = match outcome {
        Ok(alive) => {
            scenario.before_kill(&world, stepper.pid());
            !alive
        }
        Err(Errno::ESRCH) if matches!(position, Position::InSleep(_)) => false,
        Err(errno) => panic!("{position:?}: {errno}"),
    };
    let instructions = stepper.position();
    let killed = Instant::now();
    stepper.kill();
    let outcome = scenario.check(world);
    Tried { outcome, ended, instructions, took: killed.elapsed() }
}
