//! The arguments of `ipcraft bench`.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use ipcraft_bench::{Cores, Mechanism, Placement, Plan, Preset, Workload, limits, mechanisms};
use ipcraft_report::compare::Bound;
use ipcraft_report::{STANDARD_OUTPUT, units};

use crate::args::usage;

/// The largest message size that can be requested, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// What makes a comparison fail.
#[derive(Debug, clap::Args)]
pub(crate) struct Bounds {
    /// Exit with 1 if a figure is worse than the baseline's by more than N %, and the intervals
    /// of both are apart: MECHANISM/WORKLOAD/SIZE[/PLACEMENT]/METRIC > N%. Metrics: time, p50,
    /// p90, p99, p999, rate, cpu, setup; * stands for anything. Can be repeated
    #[arg(long, value_name = "EXPR")]
    pub(crate) fail_if: Vec<Bound>,

    /// Apply --fail-if to results of another machine, too
    #[arg(long)]
    pub(crate) force: bool,
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

    /// Cores to run on: client,server, or one for both; all: also map every pair of cores
    #[arg(long, value_name = "CORE,CORE|all", value_parser = cores)]
    cores: Option<Selected>,

    /// Print all rows and columns before the summary
    #[arg(long)]
    pub(crate) details: bool,

    /// Name of the run in comparisons and reports
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,

    /// Also write results to FILE as JSON; an older file stays until they are complete.
    /// With -, JSON alone is on standard output, and the summary on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Also write an HTML report to FILE; it contains the results and needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Compare with the results in FILE, JSON or an HTML report
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) bounds: Bounds,

    /// List mechanisms and exit
    #[arg(long)]
    pub(crate) list: bool,
}

impl Bench {
    /// Returns what to measure, or a usage error if nothing remains to be measured.
    pub(crate) fn plan(&self) -> Result<Plan, clap::Error> {
        if !self.bounds.fail_if.is_empty() && self.baseline.is_none() {
            return Err(usage("--fail-if needs --baseline FILE"));
        }
        if [&self.json, &self.html].iter().all(|path| is_standard_output(path.as_deref())) {
            return Err(usage("only one of --json and --html can be standard output"));
        }
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
        if let Some(Selected::These(cores)) = &self.cores {
            plan.cores = Some(Cores::requested(cores).map_err(usage)?);
        }
        self.check_sizes(&plan)?;
        self.check_bounds(&plan)?;
        Ok(plan)
    }

    /// Returns whether standard output belongs to the results alone.
    pub(crate) fn owns_standard_output(&self) -> bool {
        [&self.json, &self.html].iter().any(|path| is_standard_output(path.as_deref()))
    }

    /// Returns whether every pair of cores is to be measured.
    pub(crate) fn maps_cores(&self) -> bool {
        matches!(self.cores, Some(Selected::All))
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
            return Err(usage(text));
        }
        Ok(())
    }

    /// A bound that no row of this plan can meet is a mistake, known before the measurement.
    fn check_bounds(&self, plan: &Plan) -> Result<(), clap::Error> {
        let ids: Vec<&str> = plan.mechanisms.iter().chain(limits()).map(|mechanism| mechanism.id).collect();
        let mut workloads: Vec<&str> = plan.workloads.iter().map(|workload| workload.name()).collect();
        workloads.push(Workload::Call.name());
        let placements: Vec<&str> = plan.placements.iter().map(|placement| placement.name()).collect();
        let unmet = |bound: &&Bound| !bound.selects(&ids, &workloads, &placements);
        match self.bounds.fail_if.iter().find(unmet) {
            Some(bound) => Err(usage(format!("--fail-if '{bound}' applies to nothing that is measured"))),
            None => Ok(()),
        }
    }
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

/// The cores that were requested.
#[derive(Clone, Debug)]
enum Selected {
    /// Every pair, beside the usual two.
    All,
    /// These.
    These(Vec<usize>),
}

/// Parses `all`, or core numbers such as `2,3`.
fn cores(text: &str) -> Result<Selected, String> {
    if text == "all" {
        return Ok(Selected::All);
    }
    let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
    numbers.map(Selected::These).map_err(|_| "expected all, or numbers of cores such as 2,3".into())
}

fn is_standard_output(path: Option<&Path>) -> bool {
    path == Some(Path::new(STANDARD_OUTPUT))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn parse(line: &str) -> Result<Bench, clap::Error> {
        let words = ["ipcraft", "bench"].into_iter().chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| {
            let Command::Bench(bench) = arguments.command else { panic!("{line}") };
            bench
        })
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
    fn plan_refuses_bounds_that_nothing_can_meet() {
        let refused = |line: &str| parse(line).unwrap().plan().unwrap_err().to_string();
        for bound in
            ["pipes/*/*/p50>1%", "pipe/*/*/p50>1%", "udp/stream/*/p50>1%", "udp/*/*/same_core/p50>1%"]
        {
            let line = format!(
                "--only udp --workload rate --placement two_cores --baseline o.json --fail-if {bound}"
            );
            assert!(refused(&line).contains(bound), "{bound}");
        }
        assert!(refused("--fail-if */*/*/p50>1%").contains("needs --baseline"));
        assert!(parse("--baseline o.json --fail-if pipe_baseline/*/*/p50>1%").unwrap().plan().is_ok());
    }

    #[test]
    fn plan_refuses_cores_and_outputs_that_cannot_be() {
        let refused = |line: &str| parse(line).unwrap().plan().unwrap_err().exit_code();
        assert_eq!(refused("--cores 4095"), 2);
        assert_eq!(refused("--cores 0,0"), 2);
        assert_eq!(refused("--json - --html -"), 2);
        assert!(parse("--cores x").is_err());
        assert!(parse("--cores all").unwrap().maps_cores());
    }

    #[test]
    fn plan_for_one_mechanism_takes_part_of_the_time() {
        let all = parse("").unwrap().plan().unwrap().budget;
        assert!(parse("--only pipe").unwrap().plan().unwrap().budget < all / 2);
    }
}
