//! Compares ipcraft's channels with other crates, with kernel mechanisms and with the machine's
//! limits.

mod comparison;
mod competitor;
mod competitors;
mod harness;
mod launch;
mod mechanisms;
mod message;
mod results;
mod run;
mod samples;
mod scenarios;
mod scratch;
mod table;
mod watch;
mod work;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ipcraft_bench::Results;
use ipcraft_report::ending::{self, Ending};
use ipcraft_report::output::Page;
use ipcraft_report::{Labelled, ResultFile, STANDARD_OUTPUT, header, html, output, summary};

use comparison::Preset;
use harness::Assignment;
use results::Run;
use run::Plan;

/// Benchmarks ipcraft and other crates, and prints a comparison
#[derive(Debug, Parser)]
#[command(name = "ipcraft-peers", version)]
struct Arguments {
    /// Parts of the names of scenarios or competitors [default: all; see --list]
    filters: Vec<String>,

    /// Run one launch with short slices, to check that everything works
    #[arg(long)]
    quick: bool,

    /// Number of launches of fresh processes
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    launches: u32,

    /// Seconds without a reply after which a competitor has failed
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,

    /// Also write results to FILE as JSON; - is standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Also write a report to FILE as HTML; - is standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Also print one table for each scenario
    #[arg(long)]
    details: bool,

    /// List scenarios and competitors and exit
    #[arg(long)]
    list: bool,

    /// The assignment of a competitor's process
    #[arg(long, hide = true)]
    peer: Option<String>,
}

impl Arguments {
    fn owns_standard_output(&self) -> bool {
        [&self.json, &self.html].into_iter().flatten().any(|path| path == Path::new(STANDARD_OUTPUT))
    }

    fn plan(&self) -> Plan {
        let preset = if self.quick {
            Preset { launches: 1, rounds: 2, slice: Duration::from_millis(4), deaths: 1 }
        } else {
            Preset { launches: self.launches, rounds: 8, slice: Duration::from_millis(20), deaths: 2 }
        };
        Plan { filters: self.filters.clone(), preset, timeout: Duration::from_secs(self.timeout.into()) }
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::try_parse() {
        Ok(arguments) => start(&arguments),
        Err(usage) => print_usage(&usage),
    };
    outcome.unwrap_or_else(|error| {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            ending::by_broken_pipe();
        }
        output::complain(&error);
        ExitCode::FAILURE
    })
}

/// Prints help, the version, or a usage error, and returns the exit status. Help that could not be
/// printed is a failure.
fn print_usage(usage: &clap::Error) -> message::Result<ExitCode> {
    if usage.use_stderr() {
        // There is no other place to report that this failed.
        let _ = write!(io::stderr(), "{}", usage.render());
    } else {
        output::print(&usage.render().to_string())?;
    }
    Ok(u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn start(arguments: &Arguments) -> message::Result<ExitCode> {
    if let Some(assignment) = &arguments.peer {
        let assignment: Assignment = serde_json::from_str(assignment)?;
        let competitor = scenarios::find(&assignment.scenario, &assignment.competitor);
        harness::run(&assignment, competitor.ok_or("no such competitor")?.run)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.list {
        output::print(&scenarios::list())?;
        return Ok(ExitCode::SUCCESS);
    }
    measure(arguments)
}

/// Measures, saves the results, and prints them. Ends the program by the signal that ended the run.
fn measure(arguments: &Arguments) -> message::Result<ExitCode> {
    // Checked first, so that an unusable path fails before the measurement.
    let json = arguments.json.as_deref().map(ResultFile::at).transpose()?;
    let html = arguments.html.as_deref().map(ResultFile::at).transpose()?;
    let ending = Ending::catch()?;
    let run = run::run(&arguments.plan(), ending.stop(), &mut show);
    erase_progress();
    // From here on, nothing is left that a signal could leave behind.
    ending.allow();
    if run.tables.is_empty() {
        return Err("no scenario or competitor has such a name; see --list".into());
    }
    // The files first, since the output may have no reader. The tables are the only copy of the
    // results if a file cannot be written.
    let saved = json.map_or(Ok(()), |file| save_json(file, &run.results));
    let reported = html.map_or(Ok(()), |file| save_html(file, &run.results));
    let printed = print(arguments, &run);
    saved.and(reported).and(printed).inspect_err(|error| {
        // After a signal, a failure is reported, and the status is that of the signal.
        if !run.results.complete {
            output::complain(error);
            ending.raise_caught();
        }
    })?;
    ending.raise_caught();
    Ok(if run.results.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn save_json(file: ResultFile, results: &Results) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(results)?;
    text.push(b'\n');
    file.save(&text)
}

fn save_html(file: ResultFile, results: &Results) -> io::Result<()> {
    let run = Labelled { label: "peers".into(), results: results.clone() };
    file.save(html::page(&[run]).as_bytes())
}

/// Prints the summary, and the tables if requested. A file on standard output keeps it to itself.
fn print(arguments: &Arguments, run: &Run) -> io::Result<()> {
    let aside = arguments.owns_standard_output();
    let page = if aside { Page::of_stderr() } else { Page::of_stdout() };
    let mut text = String::new();
    if arguments.details {
        text += &format!("{}{}\n", header(&run.results), table::text(run, page.style));
    }
    text += &summary(&run.results, page.width, page.style);
    text += &table::deaths(run, page.width);
    text += &table::failures(&run.results);
    if aside { output::print_aside(&text) } else { output::print(&text) }
}

/// Prints the progress on one line, if standard error is a terminal.
fn show(label: &str) {
    if io::stderr().is_terminal() {
        // There is no other place to report that this failed.
        let _ = write!(io::stderr(), "\r\x1b[K{label} ");
    }
}

fn erase_progress() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}
