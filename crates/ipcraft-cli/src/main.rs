//! The `ipcraft` command: benchmarks IPC mechanisms between two real processes on this machine.
#![forbid(unsafe_code)]

mod args;
mod list;
mod measure;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use ipcraft_report::{ending, output};

use args::{Arguments, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::try_parse() {
        Ok(Arguments { command: Command::Bench(bench) }) if bench.list => list::print(),
        Ok(Arguments { command: Command::Bench(bench) }) => measure::measure(&bench),
        Err(usage) => args::print(&usage),
    };
    outcome.unwrap_or_else(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            ending::by_broken_pipe();
        }
        output::complain(&error);
        ExitCode::FAILURE
    })
}
