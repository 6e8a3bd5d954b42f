//! `ipcraft lab schedule --quantum-sweep` and `--cost`.

use std::io;

use ipcraft_lab::Skipped;
use ipcraft_lab::schedule::dispatch::{Options, RunError};
use ipcraft_lab::schedule::quantum::{self, Point};
use ipcraft_lab::schedule::switching::{self, Cost, Switch};

use super::super::{Failure, Outcome, table};
use super::real::micros;

/// The columns of the bar of an efficiency.
const BAR: usize = 30;

/// Runs round robin with quanta from short to long.
pub(super) fn sweep(options: &Options) -> Result<Outcome, Failure> {
    match quantum::sweep(options.way, options.cpu) {
        Ok(points) => Ok(Outcome::new(sweep_text(&points), &points, Vec::new())?),
        Err(error) => skipped("quantum sweep", error),
    }
}

fn sweep_text(points: &[Point]) -> String {
    let mut rows =
        table(&["quantum", "switches", "S", "efficiency", "Q/(Q+S)", "0 % to 100 %", "last response"]);
    for point in points {
        rows.add_row([
            format!("{} ms", point.quantum_ms),
            point.switches.to_string(),
            micros(point.switch_ns),
            format!("{:.1} %", point.efficiency * 100.0),
            format!("{:.1} %", point.expected * 100.0),
            bar(point.efficiency, point.expected),
            format!("{:.1} ms", point.response_ms),
        ]);
    }
    format!("{}\n{LEGEND}", rows.trim_fmt())
}

const LEGEND: &str = "\
Round robin, 3 jobs of 100 ms. S: median time of a switch. Efficiency: share of the time not lost
to switches, # in the bar; | is Q/(Q+S), what theory expects. Last response: when the last job
first ran. A short quantum loses time to switches. A long one lets the last job wait.
";

/// Draws a share, and a mark at what is expected.
fn bar(share: f64, expected: f64) -> String {
    let column = |value: f64| (value * BAR as f64).round() as usize;
    let mark = column(expected).saturating_sub(1);
    let cell = |at: usize| match at {
        _ if at == mark => '|',
        _ if at < column(share) => '#',
        _ => '.',
    };
    (0..BAR).map(cell).collect()
}

/// Measures a switch by each way.
pub(super) fn cost(cpu: Option<usize>) -> Result<Outcome, Failure> {
    let mut costs: Vec<Cost> = Vec::new();
    let mut skipped = Vec::new();
    for way in Switch::ALL {
        match switching::cost(way, cpu) {
            Ok(cost) => costs.push(cost),
            Err(error @ RunError::Refused(_)) => {
                let experiment = format!("switching by {}", name(way));
                skipped.push(Skipped { experiment, needs: error.to_string() });
            }
            Err(error) => return failed(error),
        }
    }
    let mut rows = table(&["a switch by", "dispatcher", "switches", "median switch"]);
    for cost in &costs {
        let dispatcher = cost.dispatcher_cpu.map_or("-".to_owned(), |cpu| format!("core {cpu}"));
        let switches = cost.switches.to_string();
        rows.add_row([name(cost.way).to_owned(), dispatcher, switches, micros(cost.switch_ns)]);
    }
    let text = format!("{}\n{COST}", rows.trim_fmt());
    Ok(Outcome::new(text, &costs, skipped)?)
}

fn name(way: Switch) -> &'static str {
    match way {
        Switch::Signals => "SIGSTOP and SIGCONT",
        Switch::Priorities => "SCHED_FIFO priorities",
        Switch::Freezing => "freezing of control groups",
        Switch::Futex => "futex, from process to process",
    }
}

const COST: &str = "\
From the last work of a job to the first of the next. A dispatcher on another core has to wake up,
stop one job, and wake another. The last row hands over without one; ipcraft lab cost has more.
";

fn skipped(experiment: &str, error: RunError) -> Result<Outcome, Failure> {
    match error {
        RunError::Refused(needs) => {
            let skipped = Skipped { experiment: experiment.into(), needs };
            Ok(Outcome::new(String::new(), &serde_json::Value::Null, vec![skipped])?)
        }
        error => failed(error),
    }
}

fn failed(error: RunError) -> Result<Outcome, Failure> {
    match error {
        RunError::Core(..) => Err(Failure::Usage(error.to_string())),
        error => Err(Failure::Output(io::Error::other(error))),
    }
}
