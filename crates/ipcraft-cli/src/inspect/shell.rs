//! `ipcraft completions` and `ipcraft man`

use std::io;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use ipcraft_report::output;

use crate::args::Arguments;

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft completions bash > ~/.local/share/bash-completion/completions/ipcraft
  ipcraft completions zsh > ~/.zfunc/_ipcraft
  ipcraft completions fish > ~/.config/fish/completions/ipcraft.fish";

impl Completions {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "ipcraft", &mut text);
        output::print(&String::from_utf8_lossy(&text))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the manual page, or that of a command
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ipcraft man | man -l -\n  ipcraft man ls > ipcraft-ls.1")]
pub(crate) struct Man {
    /// The command, such as ls
    command: Option<String>,
}

impl Man {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let mut all = Arguments::command();
        all.build();
        let chosen = match &self.command {
            None => all.clone(),
            Some(name) => match all.find_subcommand(name) {
                Some(found) => found.clone().display_name(format!("ipcraft-{name}")),
                None => {
                    return crate::args::print(&crate::args::usage(format!("no command is called '{name}'")));
                }
            },
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(chosen).render(&mut text)?;
        output::print(&String::from_utf8_lossy(&text))?;
        Ok(ExitCode::SUCCESS)
    }
}
