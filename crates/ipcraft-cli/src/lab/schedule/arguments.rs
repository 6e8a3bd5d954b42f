//! The arguments of `ipcraft lab schedule`.

use std::path::PathBuf;
use std::time::Duration;

use ipcraft_lab::schedule::dispatch::{Clock, Options, Way};
use ipcraft_lab::schedule::job::{JobError, parse, set_each, set_owner, set_priority, set_tickets};
use ipcraft_lab::schedule::linux::Kind;
use ipcraft_lab::schedule::policy::{Spec, parse_list};
use ipcraft_lab::schedule::sets::{self, Set};
use ipcraft_lab::schedule::{Job, job};

use super::super::Failure;
use super::real::parse_unit;

const POLICY: &str = "rr:1";
const SET: &str = "silberschatz-rr";

#[derive(Debug, clap::Args)]
pub(crate) struct Schedule {
    /// The policy, such as fcfs, rr:4 or linux:other; see --list [default: of the set, or rr:1]
    #[arg(long, value_name = "POLICY", conflicts_with = "compare")]
    policy: Option<String>,

    /// Several policies in one table, such as fcfs,sjf,rr:1; the best of each column is marked
    #[arg(long, value_name = "POLICY,…")]
    compare: Option<String>,

    /// Jobs: lengths such as 24,3,3 or 8@0,4@1, or NAME:ARRIVAL:BURSTS such as 'A:0:3 B:2:6,io2,1'
    #[arg(long, value_name = "JOBS", conflicts_with = "set")]
    jobs: Option<String>,

    /// A set of jobs with a published schedule; --list shows all [default: silberschatz-rr]
    #[arg(long, value_name = "NAME")]
    set: Option<String>,

    /// The priority of each job, such as 3,1,4; the nice value for linux:other
    #[arg(long, value_name = "NUMBER,…", alias = "nice", allow_hyphen_values = true)]
    priorities: Option<String>,

    /// The owner of each job, such as ann,ann,bob
    #[arg(long, value_name = "NAME,…")]
    owners: Option<String>,

    /// The tickets of each job, such as 3,1
    #[arg(long, value_name = "NUMBER,…")]
    tickets: Option<String>,

    /// Compute the exact schedule only, and run no process
    #[arg(long)]
    pub(super) ideal: bool,

    /// How a real run switches between the processes
    #[arg(long, value_name = "WAY", default_value = "signals")]
    by: By,

    /// What counts as time in a real run
    #[arg(long, value_name = "CLOCK", default_value = "wall")]
    clock: ClockName,

    /// How long a unit is in a real run
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = parse_unit)]
    unit: Duration,

    /// The core of the real jobs [default: the last one]
    #[arg(long, value_name = "N")]
    cpu: Option<usize>,

    /// Explain each decision in one line
    #[arg(long)]
    pub(super) why: bool,

    /// Also draw the schedule to FILE as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,

    /// Also write the schedule to FILE as a trace that Perfetto opens
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,

    /// Run round robin with quanta from 0.2 to 100 ms: what a short and a long quantum cost
    #[arg(long, conflicts_with_all = ["policy", "compare", "jobs", "set", "ideal", "cost"])]
    pub(super) quantum_sweep: bool,

    /// Measure a switch by each way
    #[arg(long, conflicts_with_all = ["policy", "compare", "jobs", "set", "ideal"])]
    pub(super) cost: bool,

    /// List the policies and the sets of jobs, and exit
    #[arg(long)]
    pub(super) list: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    /// SIGSTOP and SIGCONT; needs no right
    Signals,
    /// SCHED_FIFO; needs the right to use it
    Priorities,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in super::super) enum ClockName {
    /// The wall clock
    Wall,
    /// CPU time of the jobs: other load on the machine changes no decision
    Service,
}

impl From<ClockName> for Clock {
    fn from(name: ClockName) -> Clock {
        match name {
            ClockName::Wall => Clock::Wall,
            ClockName::Service => Clock::Service,
        }
    }
}

impl Schedule {
    /// Returns how real runs are done.
    pub(super) fn options(&self) -> Options {
        Options {
            way: match self.by {
                By::Signals => Way::Signals,
                By::Priorities => Way::Priorities,
            },
            clock: self.clock.into(),
            unit: self.unit,
            cpu: self.cpu,
            explained: false,
        }
    }

    /// Returns the jobs with all their properties.
    pub(super) fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let mut jobs = match (&self.jobs, self.set()?) {
            (Some(text), _) => parse(text).map_err(usage)?,
            (None, set) => set.jobs(),
        };
        let lists = [
            (&self.priorities, "priorities", set_priority as fn(&mut Job, &str) -> _),
            (&self.owners, "owners", set_owner),
            (&self.tickets, "tickets", set_tickets),
        ];
        for (list, name, set) in lists {
            if let Some(list) = list {
                set_each(&mut jobs, name, list, set).map_err(usage)?;
            }
        }
        job::check(&jobs).map_err(usage)?;
        Ok(jobs)
    }

    /// Returns the policies. Each has what it needs of the jobs.
    pub(super) fn policies(&self, jobs: &[Job]) -> Result<Vec<Chosen>, Failure> {
        let list = match (&self.compare, &self.policy, &self.jobs) {
            (Some(list), _, _) => parse_list(list),
            (None, Some(policy), _) => vec![policy.clone()],
            (None, None, Some(_)) => vec![POLICY.into()],
            (None, None, None) => vec![self.set()?.policy.into()],
        };
        let chosen: Vec<Chosen> = list.iter().map(|text| policy(text, jobs)).collect::<Result<_, _>>()?;
        match chosen.iter().find(|chosen| self.ideal && matches!(chosen, Chosen::Linux(_))) {
            Some(_) => Err(Failure::Usage("linux: runs processes: leave --ideal out".into())),
            None => Ok(chosen),
        }
    }

    fn set(&self) -> Result<&'static Set, Failure> {
        let name = self.set.as_deref().unwrap_or(SET);
        sets::find(name).ok_or_else(|| {
            let names: Vec<&str> = sets::all().iter().map(|set| set.name).collect();
            Failure::Usage(format!("{name:?} is no set of jobs: choose {}", names.join(", ")))
        })
    }
}

/// A policy of the dispatcher, or of the kernel.
pub(super) enum Chosen {
    Textbook(Spec),
    Linux(Kind),
}

fn policy(text: &str, jobs: &[Job]) -> Result<Chosen, Failure> {
    if text.starts_with("linux:") {
        return text.parse().map(Chosen::Linux).map_err(Failure::Usage);
    }
    let spec: Spec = text.parse().map_err(|error| Failure::Usage(format!("{error}")))?;
    spec.check(jobs).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Chosen::Textbook(spec))
}

#[allow(clippy::needless_pass_by_value, reason = "map_err passes the error")]
fn usage(error: JobError) -> Failure {
    Failure::Usage(error.to_string())
}
