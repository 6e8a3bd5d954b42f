//! The `ipcraft` command: which IPC objects exist, and how fast the mechanisms are on this machine.
#![forbid(unsafe_code)]

mod args;
mod bench_args;
mod compared;
mod inspect;
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
        Ok(Arguments { command: Command::Ls(list) }) => list.run(),
        Ok(Arguments { command: Command::Show(show) }) => show.run(),
        Ok(Arguments { command: Command::Who(query) }) => query.run(),
        Ok(Arguments { command: Command::Rm(remove) }) => remove.run(),
        Ok(Arguments { command: Command::Limits(limits) }) => limits.run(),
        Ok(Arguments { command: Command::Locks(locks) }) => locks.run(),
        Ok(Arguments { command: Command::Send(send) }) => send.run(),
        Ok(Arguments { command: Command::Recv(recv) }) => recv.run(),
        Ok(Arguments { command: Command::Peek(peek) }) => peek.run(),
        Ok(Arguments { command: Command::Completions(completions) }) => completions.run(),
        Ok(Arguments { command: Command::Man(man) }) => man.run(),
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
