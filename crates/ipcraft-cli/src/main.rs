//! The `ipcraft` command: measures every IPC mechanism between two real processes on this machine, and says which is how fast.
#![forbid(unsafe_code)]

mod advice;
mod args;
mod conditions;
mod list;
mod locks;
mod measure;
mod table;
mod units;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

/// The conventional exit status of a program that an interrupt ended: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let Command::Bench(bench) = Arguments::parse().command;
    if bench.list {
        print!("{}", list::mechanisms_and_floors());
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
