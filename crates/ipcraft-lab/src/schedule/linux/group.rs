//! A control group with a weight for each job.

use std::path::PathBuf;

use nix::unistd::Pid;
use serde::Serialize;

use super::{Job, RunError};
use crate::control_group::{ControlGroup, PROCESSES, write};

/// The tickets for which both versions have a weight.
const TICKETS: std::ops::RangeInclusive<u64> = 1..=100;
/// The weights of both versions: a ticket is the kernel's default.
const WEIGHTS: [GroupWeight; 2] = [
    GroupWeight { file: "cpu.shares", per_ticket: 1024 },
    GroupWeight { file: "cpu.weight", per_ticket: 100 },
];
const NEEDS: &str =
    "needs a writable control group with the cpu controller: root, or systemd-run --user --scope";

/// What the tickets of a job become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GroupWeight {
    /// The file of the weight, which depends on the version.
    pub file: &'static str,
    /// The weight of one ticket.
    pub per_ticket: u64,
}

/// One group for each job, below a group of this run. They are removed when this is dropped.
#[derive(Debug)]
pub(super) struct JobGroups {
    groups: Vec<PathBuf>,
    pub(super) weight: GroupWeight,
    _parent: ControlGroup,
}

impl JobGroups {
    pub(super) fn create(jobs: &[Job]) -> Result<JobGroups, RunError> {
        if let Some(job) = jobs.iter().find(|job| !TICKETS.contains(&job.tickets)) {
            let (least, most) = (TICKETS.start(), TICKETS.end());
            let text = format!("job {}: tickets {}: from {least} to {most}", job.name, job.tickets);
            return Err(RunError::Jobs(text));
        }
        JobGroups::try_create(jobs).map_err(refused)
    }

    fn try_create(jobs: &[Job]) -> Result<JobGroups, String> {
        let parent = ControlGroup::create("cpu")?;
        let known = WEIGHTS.into_iter().find(|weight| parent.path().join(weight.file).exists());
        let weight = known.ok_or_else(|| format!("{}: no file for its weight", parent.path().display()))?;
        let mut groups = Vec::with_capacity(jobs.len());
        for (id, job) in jobs.iter().enumerate() {
            let group = parent.subgroup(&format!("job-{id}"))?;
            write(&group, weight.file, &(job.tickets * weight.per_ticket).to_string())?;
            groups.push(group);
        }
        Ok(JobGroups { groups, weight, _parent: parent })
    }

    /// Puts the process of a job into its group.
    pub(super) fn add(&self, job: usize, pid: Pid) -> Result<(), RunError> {
        write(&self.groups[job], PROCESSES, &pid.to_string()).map_err(refused)
    }
}

fn refused(error: String) -> RunError {
    RunError::Refused(format!("control group: {error}: {NEEDS}"))
}
