//! The `ipcraft` command: benchmarks IPC mechanisms between two real processes on this machine.
#![forbid(unsafe_code)]

mod args;
mod environment;
mod list;
mod locks;
mod measure;
mod recommendation;
mod table;
mod units;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

/// The conventional exit status of a program that SIGINT ended: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let Command::Bench(bench) = Arguments::parse().command;
    if bench.list {
        print!("{}", list::mechanisms_and_limits());
        return ExitCode::SUCCESS;
    }
    match measure::measure(&bench) {
        Ok(results) if !results.complete => ExitCode::from(INTERRUPTED),
        Ok(results) if results.errors.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ipcraft: {error}");
            ExitCode::FAILURE
        }
    }
}
