//! ipcraft's channels, the crates that do such things, the plain kernel mechanisms and what the machine itself sets, in one run.

mod contest;
mod contestants;
mod control;
mod launch;
mod message;
mod results;
mod row_list;
mod rows;
mod run;
mod scratch;
mod stage;
mod table;
mod tally;
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

use contest::Effort;
use results::Results;
use run::Plan;

/// The conventional exit status of a program that an interrupt ended: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// Measures ipcraft's channels beside other crates that do such things.
#[derive(Debug, Parser)]
#[command(name = "ipcraft-peers", version)]
struct Arguments {
    /// Parts of names of rows or contestants to measure [default: all; see --list]
    filters: Vec<String>,

    /// One launch with short slices: to see that it works
    #[arg(long)]
    quick: bool,

    /// Fresh starts of all processes
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    launches: u32,

    /// Seconds without an answer after which a contestant has failed
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    patience: u32,

    /// Write the results to FILE as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// List rows and contestants and leave
    #[arg(long)]
    list: bool,

    /// What a process of a contestant is told
    #[arg(long, hide = true)]
    peer: Option<String>,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let effort = if self.quick {
            Effort { launches: 1, rounds: 2, slice: Duration::from_millis(4) }
        } else {
            Effort { launches: self.launches, rounds: 8, slice: Duration::from_millis(20) }
        };
        Plan { filters: self.filters.clone(), effort, patience: Duration::from_secs(self.patience.into()) }
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
        stage::play(&serde_json::from_str(assignment)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.list {
        print!("{}", row_list::text());
        return Ok(ExitCode::SUCCESS);
    }
    // Before the minutes of measuring, not after them.
    let json = arguments.json.as_deref().map(File::create).transpose()?;
    let results = run::run(&arguments.plan(), &*stop_on_interrupt()?, &mut show);
    if results.rows.is_empty() {
        return Err("nothing bears such a name; see --list".into());
    }
    print(&results)?;
    if let Some(file) = json {
        write_json(file, &results)?;
    }
    Ok(if results.complete { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
}

/// The first interrupt ends the run in order; the second one ends the program.
fn stop_on_interrupt() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

/// One line that is written over, where somebody sees it.
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
        // Somebody who pipes it into `head` has seen enough.
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
