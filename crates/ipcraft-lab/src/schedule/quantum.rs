//! What the length of the quantum costs: round robin with many quanta.

use std::time::Duration;

use serde::Serialize;

use super::dispatch::{self, Options, Run, RunError, Way};
use super::job::Job;
use super::policy::Spec;
use super::time::Time;
use super::timeline::Segment;

/// The jobs of each run.
const JOBS: usize = 3;
/// The CPU time of each job, in units of 1 ms. Long enough for one quantum of the longest kind.
const LENGTH: Time = Time::units(100);
const UNIT: Duration = Duration::from_millis(1);
/// The quanta of the sweep, in ticks of 0.1 us.
const QUANTA: [u64; 9] = [2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

/// Round robin with one quantum.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// The quantum in milliseconds.
    pub quantum_ms: f64,
    /// Changes of the running job.
    pub switches: usize,
    /// The median cost of a switch in nanoseconds.
    pub switch_ns: u64,
    /// The share of the time that is not lost to switches: running / (running + gaps between jobs).
    pub efficiency: f64,
    /// What theory expects with the switch of this point: Q / (Q + S).
    pub expected: f64,
    /// The share of the wall-clock time that the jobs got, also beside other processes.
    pub cpu_use: f64,
    /// When the last job first ran, in milliseconds.
    pub response_ms: f64,
    /// What theory expects: (n - 1) (Q + S).
    pub expected_response_ms: f64,
}

/// Runs round robin with quanta from 0.2 to 100 ms, on three jobs of 100 ms.
///
/// # Errors
/// Fails if the jobs cannot be run.
pub fn sweep(way: Way, cpu: Option<usize>) -> Result<Vec<Point>, RunError> {
    QUANTA.iter().map(|&ticks| point(Time::from_ticks(ticks), way, cpu)).collect()
}

fn point(quantum: Time, way: Way, cpu: Option<usize>) -> Result<Point, RunError> {
    let run = round_robin(quantum, way, cpu)?;
    let runs: Vec<&Segment> = run.timeline.running().collect();
    let running: f64 = runs.iter().map(|segment| (segment.to - segment.from).as_units()).sum();
    let changes = runs.windows(2).filter(|pair| pair[0].job != pair[1].job);
    let switching: f64 = changes.map(|pair| (pair[1].from - pair[0].to).as_units()).sum();
    let switch_ns = run.switch_ns.unwrap_or(0);
    let (quantum_ms, switch_ms) = (quantum.as_units(), switch_ns as f64 / 1e6);
    let responses = run.metrics.jobs.iter().filter_map(|job| job.response);
    Ok(Point {
        quantum_ms,
        switches: run.metrics.switches,
        switch_ns,
        efficiency: running / (running + switching),
        expected: quantum_ms / (quantum_ms + switch_ms),
        cpu_use: run.metrics.cpu_use,
        response_ms: responses.max().unwrap_or_default().as_units(),
        expected_response_ms: (JOBS - 1) as f64 * (quantum_ms + switch_ms),
    })
}

pub(super) fn round_robin(quantum: Time, way: Way, cpu: Option<usize>) -> Result<Run, RunError> {
    let jobs: Vec<Job> =
        (1..=JOBS).map(|number| Job::new(format!("P{number}"), Time::ZERO, LENGTH)).collect();
    let options = Options { way, unit: UNIT, cpu, ..Options::default() };
    dispatch::run(&jobs, &mut *Spec::RoundRobin { quantum }.policy(), &options)
}
