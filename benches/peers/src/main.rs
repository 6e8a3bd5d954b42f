//! Compares ipcraft's channels with other crates, with kernel mechanisms and with the machine's
//! limits.

mod comparison;
mod competitor;
mod competitors;
mod harness;
mod launch;
mod message;
mod results;
mod run;
mod samples;
mod scenarios;
mod scratch;
mod table;
mod work;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use comparison::Preset;
use harness::Assignment;
use results::Results;
use run::Plan;

/// The conventional exit status of a program that SIGINT ended: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// Benchmarks ipcraft's channels and other crates, and prints a comparison
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

    /// Also write results to FILE as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// List scenarios and competitors and exit
    #[arg(long)]
    list: bool,

    /// The assignment of a competitor's process
    #[arg(long, hide = true)]
    peer: Option<String>,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let preset = if self.quick {
            Preset { launches: 1, rounds: 2, slice: Duration::from_millis(4) }
        } else {
            Preset { launches: self.launches, rounds: 8, slice: Duration::from_millis(20) }
        };
        Plan { filters: self.filters.clone(), preset, timeout: Duration::from_secs(self.timeout.into()) }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ipcraft-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> message::Result<ExitCode> {
    if let Some(assignment) = &arguments.peer {
        let assignment: Assignment = serde_json::from_str(assignment)?;
        let competitor = scenarios::find(&assignment.scenario, &assignment.competitor);
        harness::run(&assignment, competitor.ok_or("no such competitor")?.run)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.list {
        print!("{}", scenarios::list());
        return Ok(ExitCode::SUCCESS);
    }
    // Fails before the measurement, not after it.
    let json = arguments.json.as_deref().map(File::create).transpose()?;
    let results = run::run(&arguments.plan(), &*stop_on_interrupt()?, &mut show);
    if results.rows.is_empty() {
        return Err("no scenario or competitor has such a name; see --list".into());
    }
    print(&results)?;
    if let Some(file) = json {
        write_json(file, &results)?;
    }
    Ok(if results.complete { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
}

/// The first signal ends the run orderly; the second one ends the program.
fn stop_on_interrupt() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

/// Prints the progress on one line, if standard error is a terminal.
fn show(label: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{label} ");
    }
}

fn print(results: &Results) -> io::Result<()> {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    match io::stdout().write_all(table::text(results).as_bytes()) {
        // The reader, such as `head`, needs no more output.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn write_json(file: File, results: &Results) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut file, results)?;
    writeln!(file)?;
    file.flush()
}
