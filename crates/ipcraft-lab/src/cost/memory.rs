//! The memory of one unit: the slope over the number of units.

use std::time::Duration;

use ipcraft_bench::{Placement, median};
use ipcraft_step::Shared;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::capacity::Units;
use super::{Limit, Unit, limit, proc_file};
use crate::Error;
use crate::worker::{self, Team};

/// The kernel's own figure belongs to the whole system, on which others are busy.
const REPETITIONS: usize = 3;
const MAX_TIME: Duration = Duration::from_secs(60);

/// The bytes that one unit takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The unit.
    pub unit: Unit,
    /// The numbers of units between which the slope was taken.
    pub units: (usize, usize),
    /// Address space (VmSize).
    pub reserved: f64,
    /// Memory in use, with shared pages in proportion (Pss of smaps_rollup).
    pub touched: f64,
    /// Page tables (VmPTE).
    pub page_tables: f64,
    /// Stacks in the kernel (KernelStack of /proc/meminfo, which belongs to the whole system).
    pub kernel_stacks: f64,
}

/// The figures in the order in which a child reports them.
const FIGURES: usize = 4;

/// Measures the memory of a unit. Fails with the limit that permits too few of them.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes a minute.
pub fn memory(unit: Unit) -> Result<Result<Memory, Limit>, Error> {
    let mut slopes: [Vec<f64>; FIGURES] = Default::default();
    let (few, many) = numbers(unit);
    for _ in 0..REPETITIONS {
        let figures = match figures(unit)? {
            Ok(figures) => figures,
            Err(limit) => return Ok(Err(limit)),
        };
        for (position, slope) in slopes.iter_mut().enumerate() {
            let growth = figures[FIGURES + position] as f64 - figures[position] as f64;
            slope.push(growth / (many - few) as f64);
        }
    }
    let middle = |position: usize| median(slopes[position].iter().copied()).unwrap_or(0.0).max(0.0);
    Ok(Ok(Memory {
        unit,
        units: (few, many),
        reserved: middle(0),
        touched: middle(1),
        page_tables: middle(2),
        kernel_stacks: middle(3),
    }))
}

/// The numbers of units: enough for the resolution of a page, and no burden to the machine.
fn numbers(unit: Unit) -> (usize, usize) {
    match unit {
        Unit::Future => (1000, 10_000),
        Unit::Coroutine => (100, 1000),
        Unit::Thread => (50, 400),
        Unit::Process => (10, 60),
    }
}

/// Returns the figures at both numbers.
fn figures(unit: Unit) -> Result<Result<Vec<u64>, Limit>, Error> {
    let shared = Shared::new()?;
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let (few, many) = numbers(unit);
    let team = Team::start(&shared, cpus, &[0], &|_, desk| {
        let mut units = Units::new(unit);
        for (half, count) in [few, many].into_iter().enumerate() {
            if let Err(errno) = units.grow(count) {
                limit::behind(unit, errno).report(desk);
                units.leave();
                return;
            }
            units.await_all();
            let now = now(&units.pids());
            (0..FIGURES).for_each(|position| desk.report(1 + half * FIGURES + position, now[position]));
        }
        desk.report(0, 1);
        units.leave();
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    if let Some(limit) = Limit::reported(team.desk(0)) {
        return Ok(Err(limit));
    }
    if team.desk(0).figure(0) != 1 {
        return Err(Error::Failed(nix::Error::ECHILD));
    }
    Ok(Ok((1..=2 * FIGURES).map(|position| team.desk(0).figure(position)).collect()))
}

/// Returns the figures of this process and its children, and of the system.
fn now(children: &[Pid]) -> [u64; FIGURES] {
    let sum = |file: &str, name: &str| -> u64 {
        let own = proc_file::field(&format!("/proc/self/{file}"), name);
        let of_children = children.iter().map(|pid| proc_file::field(&format!("/proc/{pid}/{file}"), name));
        of_children.chain([own]).flatten().sum()
    };
    [
        sum("status", "VmSize"),
        sum("smaps_rollup", "Pss"),
        sum("status", "VmPTE"),
        proc_file::field("/proc/meminfo", "KernelStack").unwrap_or(0),
    ]
}
