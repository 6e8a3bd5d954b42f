//! The command line.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, StyledStr};
use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use ipcraft_bench::{Mechanism, Placement, Plan, Preset, Workload, mechanisms};

use crate::output;
use ipcraft_report::units;

/// The largest message size that can be requested, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// Benchmarks IPC mechanisms between two real processes on this machine
#[derive(Debug, Parser)]
#[command(name = "ipcraft", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Benchmark IPC mechanisms and print a comparison
    Bench(Bench),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Measure one message size; takes less than 20 seconds
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// Measure sizes from 1 B to 1 MiB, and messages at a fixed rate; takes minutes
    #[arg(long)]
    full: bool,

    /// Mechanisms to measure [default: all; see --list]
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = mechanism_ids(), hide_possible_values = true)]
    only: Vec<String>,

    /// Message sizes in bytes, 1 to 1048576; suffixes K (1024) and M (1048576)
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',', value_parser = size)]
    size: Vec<usize>,

    /// Workloads to measure [default: all; rate only with --full]
    #[arg(long, value_name = "WORKLOAD,…", value_delimiter = ',', value_parser = names(Workload::ALL.iter().map(|w| w.name())))]
    workload: Vec<String>,

    /// Placement of the two processes [default: both]
    #[arg(long, value_name = "PLACEMENT,…", value_delimiter = ',', value_parser = names(Placement::ALL.iter().map(|p| p.name())))]
    placement: Vec<String>,

    /// Also write results to FILE as JSON; an older file stays until they are complete
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// List mechanisms and exit
    #[arg(long)]
    pub(crate) list: bool,
}

impl Bench {
    /// Returns what to measure, or a usage error if nothing remains to be measured.
    pub(crate) fn plan(&self) -> Result<Plan, clap::Error> {
        let mut plan = Plan::new(self.preset());
        if !self.only.is_empty() {
            plan.mechanisms = self.mechanisms();
            plan.budget = self.budget(plan.mechanisms.len());
        }
        if !self.size.is_empty() {
            plan.sizes = Some(self.size.clone());
        }
        if !self.workload.is_empty() {
            plan.workloads = selected(Workload::ALL, &self.workload, Workload::name);
        }
        if !self.placement.is_empty() {
            plan.placements = selected(Placement::ALL, &self.placement, Placement::name);
        }
        self.check_sizes(&plan)?;
        Ok(plan)
    }

    fn preset(&self) -> Preset {
        match (self.quick, self.full) {
            (true, _) => Preset::Quick,
            (_, true) => Preset::Full,
            _ => Preset::Default,
        }
    }

    /// Returns the requested mechanisms, each once, in the order of the catalog.
    fn mechanisms(&self) -> Vec<&'static Mechanism> {
        let wanted = |mechanism: &&&'static Mechanism| self.only.iter().any(|id| id == mechanism.id);
        mechanisms().iter().filter(wanted).copied().collect()
    }

    /// Returns the time for some mechanisms. The limits are always measured and take as long as
    /// one.
    fn budget(&self, count: usize) -> std::time::Duration {
        let all = mechanisms().len();
        self.preset().budget().mul_f64(((count + 1) as f64 / (all + 1) as f64).min(1.0))
    }

    fn check_sizes(&self, plan: &Plan) -> Result<(), clap::Error> {
        let Some(sizes) = &plan.sizes else { return Ok(()) };
        let carries = |mechanism: &&Mechanism| sizes.iter().any(|size| (mechanism.sizes)().contains(size));
        if !plan.mechanisms.iter().any(carries) {
            let ranges: Vec<_> = plan.mechanisms.iter().map(|mechanism| carried_sizes(mechanism)).collect();
            let text = format!("no selected mechanism carries these message sizes: {}", ranges.join(", "));
            return Err(Arguments::command().error(ErrorKind::ValueValidation, text));
        }
        Ok(())
    }
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

fn carried_sizes(mechanism: &Mechanism) -> String {
    format!("{} carries {}", mechanism.id, units::size_range(&(mechanism.sizes)()))
}

fn selected<T: Copy>(all: &[T], wanted: &[String], name: fn(T) -> &'static str) -> Vec<T> {
    all.iter().copied().filter(|item| wanted.iter().any(|w| w == name(*item))).collect()
}

fn names(names: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(names)
}

fn mechanism_ids() -> PossibleValuesParser {
    names(mechanisms().iter().map(|mechanism| mechanism.id))
}

/// Parses a size such as `64`, `4K` or `1M`.
fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix(['M', 'm']).map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| (1..=MAX_SIZE).contains(bytes))
        .ok_or_else(|| format!("expected a number of bytes from 1 to {MAX_SIZE}, such as 64, 4K or 1M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Bench, clap::Error> {
        let words = ["ipcraft", "bench"].into_iter().chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| {
            let Command::Bench(bench) = arguments.command;
            bench
        })
    }

    #[test]
    fn clap_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn plan_splits_lists_and_keeps_catalog_order() {
        let plan = parse("--only udp,pipe,pipe --size 1,4K --workload rate --placement same_core")
            .unwrap()
            .plan()
            .unwrap();
        assert_eq!(plan.mechanisms.iter().map(|m| m.id).collect::<Vec<_>>(), ["pipe", "udp"]);
        assert_eq!(plan.sizes, Some(vec![1, 4096]));
        assert_eq!(plan.workloads, [Workload::Rate]);
        assert_eq!(plan.placements, [Placement::SameCore]);
    }

    #[test]
    fn parse_of_unknown_values_lists_the_choices() {
        let text = |line: &str| parse(line).unwrap_err().to_string();
        assert!(text("--only pipes").contains("socketpair_seqpacket"), "{}", text("--only pipes"));
        assert!(text("--workload trip").contains("round_trip"));
        assert!(text("--placement everywhere").contains("two_cores"));
        for bad in ["0", "-1", "x", "2M", "1G", "", "99999999999999999999", "18014398509481984K"] {
            assert!(text(&format!("--size={bad}")).contains("from 1 to 1048576"), "{bad}");
        }
        assert!(parse("--quick --full").is_err());
    }

    #[test]
    fn parse_errors_exit_with_two() {
        assert_eq!(parse("--only pipes").unwrap_err().exit_code(), 2);
        assert_eq!(parse("--size 0").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn plan_for_one_mechanism_takes_part_of_the_time() {
        let all = parse("").unwrap().plan().unwrap().budget;
        assert!(parse("--only pipe").unwrap().plan().unwrap().budget < all / 2);
    }
}
