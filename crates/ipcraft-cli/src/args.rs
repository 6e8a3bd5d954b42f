//! The command line.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::builder::StyledStr;
use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

use crate::bench_args::Bench;
use crate::inspect::exchange::{Peek, Recv, Send};
use crate::inspect::holding::Who;
use crate::inspect::limits::Limits;
use crate::inspect::listing::List;
use crate::inspect::locks::Locks;
use crate::inspect::removal::Remove;
use crate::inspect::shell::{Completions, Man};
use crate::inspect::showing::Show;
use crate::lab::Lab;
use crate::report::Report;
use ipcraft_report::output;

/// Lists, measures and explains the ways in which processes of this machine communicate
#[derive(Debug, Parser)]
#[command(name = "ipcraft", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, and it lives as long as the program")]
pub(crate) enum Command {
    /// Benchmark IPC mechanisms and print a summary
    #[command(after_help = STATUSES)]
    Bench(Bench),
    /// Show results again, compare runs, or make an HTML report
    #[command(after_help = STATUSES)]
    Report(Report),
    /// Run the subjects of a textbook in real processes; without a topic, list the topics
    Lab(Lab),
    Ls(List),
    Show(Show),
    Who(Who),
    Rm(Remove),
    Limits(Limits),
    Locks(Locks),
    Send(Send),
    Recv(Recv),
    Peek(Peek),
    Completions(Completions),
    Man(Man),
}

const STATUSES: &str = "Exit status: 0 done; 1 done with failures or a regression, or a file is unusable; \
                        2 usage; 130, 143: ended by SIGINT, SIGTERM";

/// Returns a usage error.
pub(crate) fn usage(reason: impl Display) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, reason)
}

/// Prints help, the version, or a usage error, and returns the exit status. Help that could not be
/// printed is a failure.
pub(crate) fn print(usage: &clap::Error) -> io::Result<ExitCode> {
    let text = usage.render();
    if usage.use_stderr() {
        // There is no other place to report that this failed.
        let _ = io::stderr().write_all(styled_for(&io::stderr(), &text).as_bytes());
    } else {
        output::print(&styled_for(&io::stdout(), &text))?;
    }
    Ok(u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Returns a text of clap's, with its styles if this output may be sent them.
fn styled_for(output: &impl IsTerminal, text: &StyledStr) -> String {
    if output::is_styled(output) { text.ansi().to_string() } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_definition_is_consistent() {
        Arguments::command().debug_assert();
    }
}
