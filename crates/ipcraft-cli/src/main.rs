//! The `ipcraft` command: benchmarks IPC mechanisms between two real processes on this machine.
#![forbid(unsafe_code)]

mod args;
mod bench_args;
mod compared;
mod lab;
mod list;
mod measure;
mod report;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use ipcraft_report::{ending, output};

use args::{Arguments, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::try_parse() {
        Ok(Arguments { command: Command::Bench(bench) }) if bench.list => list::print(),
        Ok(Arguments { command: Command::Bench(bench) }) => measure::measure(&bench),
        Ok(Arguments { command: Command::Report(report) }) => report.run(),
        Ok(Arguments { command: Command::Lab(lab) }) => lab.run(),
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
