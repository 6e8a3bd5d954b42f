//! `ipcraft lab`: the subjects of a textbook in real processes, to see and to try.

mod claims;
mod cost;
mod exclusion;
mod exercise;
mod explore;
mod inversion;
mod machine;
mod peterson;
mod play;
mod race;
mod realtime;
mod schedule;
mod threads;
mod wakeup;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::args;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use comfy_table::{Table, presets};
use ipcraft_bench::{Cores, Environment};
use ipcraft_lab::algorithm::{self, Waiting};
use ipcraft_lab::explore::Schedule;
use ipcraft_lab::{Algorithm, Error, Skipped};
use ipcraft_report::output;
use ipcraft_report::{ResultFile, STANDARD_OUTPUT};
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub(crate) struct Lab {
    #[command(subcommand)]
    topic: Option<Topic>,

    /// Also write results to FILE as JSON; - is standard output, and nothing else is printed there
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Topic {
    /// What this machine permits, and which experiments are left out without it
    Machine,
    /// Lost updates: two processes add to one counter
    Race,
    /// The four conditions of mutual exclusion, measured
    Exclusion {
        /// Algorithms [default: all; see ipcraft lab]
        #[arg(value_name = "ALGORITHM", value_parser = ids(|_| true), hide_possible_values = true)]
        algorithms: Vec<String>,
        #[command(flatten)]
        bound: Bound,
    },
    /// Peterson's algorithm by memory ordering, and the store buffer behind it
    Peterson {
        #[command(flatten)]
        bound: Bound,
    },
    /// Sleeping and waking: the lost wake-up, and what prevents it
    Wakeup,
    /// Priority inversion: an urgent process waits for one that does not get to run
    Inversion,
    /// User-level threads (coroutines) against kernel-level threads
    Threads,
    /// What processes, threads and coroutines cost: time, memory, and how many there can be
    Cost {
        /// Also write a page of charts to FILE
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// The sentences of two articles, each tried on this machine
    Claims {
        /// Print a page instead of a table, in this language
        #[arg(long, value_name = "LANGUAGE")]
        markdown: Option<claims::Language>,
    },
    /// Every order of the instructions of two processes
    Explore {
        /// An algorithm, or race
        #[arg(value_name = "ALGORITHM", value_parser = explored(), hide_possible_values = true)]
        algorithm: String,
    },
    /// One order of instructions, step by step
    Run {
        #[arg(value_name = "ALGORITHM", value_parser = steppable(), hide_possible_values = true)]
        algorithm: String,
        /// The order: letters A and B, each with an optional count, such as AAB or A2 B
        /// [default: the shortest that lets both in]
        #[arg(long, value_name = "ORDER")]
        schedule: Option<Schedule>,
    },
    /// CPU scheduling: a policy on a set of jobs
    Schedule(Box<schedule::Schedule>),
    /// Periodic tasks: whether they meet their deadlines, by analysis and by schedule
    Realtime(realtime::RealTime),
    /// Sheets of exercises, one for each seed, with their answers and a check
    Exercise(exercise::Exercise),
    /// Find a bad order yourself: a, b, u (undo), s (solution), q (quit)
    Play {
        #[arg(value_name = "ALGORITHM", value_parser = steppable(), hide_possible_values = true)]
        algorithm: String,
    },
}

/// How long an experiment takes.
#[derive(Debug, clap::Args)]
struct Bound {
    /// The most seconds of each measurement; a deadlock is only noticed after one second
    #[arg(long, value_name = "SECONDS", default_value = "1.5", value_parser = seconds)]
    seconds: Duration,
}

/// What an experiment found: for readers, and for programs.
struct Outcome {
    text: String,
    results: serde_json::Value,
    skipped: Vec<Skipped>,
    /// Whether the exit status is 1: an answer that was checked is wrong.
    failed: bool,
}

impl Outcome {
    fn new(text: String, results: &impl Serialize, skipped: Vec<Skipped>) -> io::Result<Outcome> {
        Ok(Outcome { text, results: serde_json::to_value(results)?, skipped, failed: false })
    }

    /// Leaves out the whole experiment if the machine does not permit it; other errors are errors.
    fn unless_refused(experiment: &str, outcome: Result<Outcome, Failure>) -> io::Result<Outcome> {
        match outcome {
            Err(Failure::Lab(error @ (Error::Refused | Error::SleepsInKernel))) => {
                let skipped = Skipped { experiment: experiment.into(), needs: error.to_string() };
                Outcome::new(String::new(), &serde_json::Value::Null, vec![skipped])
            }
            Err(Failure::Lab(error)) => Err(io::Error::other(error)),
            Err(Failure::Output(error)) => Err(error),
            Err(Failure::Usage(reason)) => Err(io::Error::other(reason)),
            Ok(outcome) => Ok(outcome),
        }
    }
}

/// Why an experiment has no outcome.
enum Failure {
    Lab(Error),
    Output(io::Error),
    /// The arguments do not fit together: exit status 2.
    Usage(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Lab(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// The results as they are written to JSON.
#[derive(Serialize)]
struct Document<'a> {
    ipcraft: &'static str,
    environment: Environment,
    experiment: &'a str,
    results: &'a serde_json::Value,
    skipped: &'a [Skipped],
}

impl Lab {
    /// Runs an experiment, writes the JSON file, and prints what was found.
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let Some(topic) = &self.topic else {
            output::print(&list())?;
            return Ok(ExitCode::SUCCESS);
        };
        // Checked first, so that an unusable path fails before the experiment.
        let file = self.json.as_deref().map(ResultFile::at).transpose()?;
        let outcome = match topic.outcome() {
            Err(Failure::Usage(reason)) => return args::print(&args::usage(reason)),
            outcome => Outcome::unless_refused(topic.name(), outcome)?,
        };
        if let Some(file) = file {
            file.save(&json(topic.name(), &outcome)?)?;
        }
        let mut text = outcome.text;
        for skipped in &outcome.skipped {
            text += &format!("skipped: {}: {}\n", skipped.experiment, skipped.needs);
        }
        if self.json.as_deref().is_some_and(|path| path.as_os_str() == STANDARD_OUTPUT) {
            output::print_aside(&text)?;
        } else {
            output::print(&text)?;
        }
        Ok(if outcome.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Topic {
    fn name(&self) -> &'static str {
        match self {
            Topic::Machine => "machine",
            Topic::Race => "race",
            Topic::Exclusion { .. } => "exclusion",
            Topic::Peterson { .. } => "peterson",
            Topic::Claims { .. } => "claims",
            Topic::Wakeup => "wakeup",
            Topic::Inversion => "inversion",
            Topic::Threads => "threads",
            Topic::Cost { .. } => "cost",
            Topic::Explore { .. } => "explore",
            Topic::Run { .. } => "run",
            Topic::Play { .. } => "play",
            Topic::Schedule(_) => "schedule",
            Topic::Realtime(_) => "realtime",
            Topic::Exercise(_) => "exercise",
        }
    }

    fn outcome(&self) -> Result<Outcome, Failure> {
        match self {
            Topic::Machine => machine::outcome(),
            Topic::Race => race::outcome(),
            Topic::Exclusion { algorithms, bound } => {
                exclusion::outcome(&selected(algorithms), bound.seconds)
            }
            Topic::Peterson { bound } => peterson::outcome(bound.seconds),
            Topic::Claims { markdown } => claims::outcome(*markdown),
            Topic::Wakeup => wakeup::outcome(),
            Topic::Inversion => inversion::outcome(),
            Topic::Threads => threads::outcome(),
            Topic::Cost { html } => cost::outcome(html.as_deref()),
            Topic::Explore { algorithm } if algorithm == explore::RACE => explore::race(),
            Topic::Explore { algorithm } => explore::outcome(found(algorithm)),
            Topic::Run { algorithm, schedule } => explore::replayed(found(algorithm), schedule.as_ref()),
            Topic::Schedule(schedule) => schedule::outcome(schedule),
            Topic::Realtime(realtime) => realtime::outcome(realtime),
            Topic::Exercise(exercise) => exercise::outcome(exercise),
            Topic::Play { algorithm } => play::play(found(algorithm)),
        }
    }
}

fn json(experiment: &str, outcome: &Outcome) -> io::Result<Vec<u8>> {
    let document = Document {
        ipcraft: env!("CARGO_PKG_VERSION"),
        environment: Environment::at_start(&Cores::of_this_process()),
        experiment,
        results: &outcome.results,
        skipped: &outcome.skipped,
    };
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

/// Returns the algorithm with an id that the parser has accepted.
fn found(id: &str) -> &'static Algorithm {
    algorithm::find(id).expect("the parser accepts known ids only")
}

fn selected(ids: &[String]) -> Vec<&'static Algorithm> {
    let wanted = |algorithm: &&Algorithm| ids.is_empty() || ids.iter().any(|id| id == algorithm.id);
    algorithm::all().iter().filter(wanted).collect()
}

fn ids(wanted: fn(&Algorithm) -> bool) -> PossibleValuesParser {
    PossibleValuesParser::new(algorithm::all().iter().filter(|known| wanted(known)).map(|known| known.id))
}

fn steppable() -> PossibleValuesParser {
    ids(|algorithm| algorithm.waiting() != Waiting::Kernel)
}

fn explored() -> PossibleValuesParser {
    let steppable = algorithm::all().iter().filter(|algorithm| algorithm.waiting() != Waiting::Kernel);
    PossibleValuesParser::new(steppable.map(|algorithm| algorithm.id).chain([explore::RACE]))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok().filter(|number| (0.01..=3600.0).contains(number));
    number.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds from 0.01 to 3600".into())
}

/// Returns the list of commands, with about how long each takes, and of algorithms.
fn list() -> String {
    let mut commands = table(&["command", "seconds", "what it shows"]);
    for (command, seconds, shown) in [
        ("ipcraft lab machine", "1", "what this machine permits, and what is left out without it"),
        ("ipcraft lab race", "3", "lost updates by the width of an addition, on one core and on two"),
        ("ipcraft lab exclusion [ALGORITHM…]", "120", "the four conditions, measured for each algorithm"),
        ("ipcraft lab peterson", "60", "Peterson by memory ordering: violations per million entries"),
        ("ipcraft lab wakeup", "20", "the lost wake-up, constructed and by chance, and what prevents it"),
        ("ipcraft lab inversion", "7", "priority inversion: an urgent process waits for one that cannot run"),
        (
            "ipcraft lab threads",
            "4",
            "user-level against kernel-level threads: blocking, shares, turns, switches",
        ),
        (
            "ipcraft lab cost [--html FILE]",
            "40",
            "what processes, threads and coroutines cost, and how many there can be",
        ),
        (
            "ipcraft lab claims [--markdown en|zh]",
            "50",
            "the sentences of two articles, each tried on this machine",
        ),
        ("ipcraft lab explore ALGORITHM", "3", "every order of the instructions, and the shortest bad one"),
        ("ipcraft lab run ALGORITHM [--schedule ORDER]", "3", "one order, step by step"),
        ("ipcraft lab play ALGORITHM", "-", "find the bad order yourself"),
        ("ipcraft lab schedule [--policy POLICY]", "1", "jobs scheduled by a policy; --list shows policies"),
        ("ipcraft lab realtime [--tasks TASKS]", "1", "periodic tasks: analysis, schedule, missed deadlines"),
        ("ipcraft lab exercise schedule --seed N", "1", "a sheet of exercises, its answers, and a check"),
    ] {
        commands.add_row([command, seconds, shown]);
    }
    let mut algorithms = table(&["algorithm", "description"]);
    for algorithm in algorithm::all() {
        algorithms.add_row([algorithm.id, algorithm.summary]);
    }
    format!("{}\n\n{}\n", commands.trim_fmt(), algorithms.trim_fmt())
}

/// Returns an empty table without borders.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    table
}
