//! Whether tasks meet their deadlines, without running them.

use serde::Serialize;

use super::Task;
use crate::schedule::time::Time;

/// The answers of theory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The sum of compute / period.
    pub utilisation: f64,
    /// Up to this utilisation n tasks always meet their deadlines by rate monotonic.
    pub liu_layland: f64,
    /// The product of (compute / period + 1): up to 2 they always meet them by rate monotonic.
    pub hyperbolic: f64,
    /// The longest response of each task by rate monotonic; `None` if it misses its deadline.
    pub responses: Vec<Option<Time>>,
    /// Whether earliest deadline first meets all deadlines: utilisation at most 1. `None` if that
    /// does not decide, because a deadline is shorter than its period.
    pub edf: Option<bool>,
    /// The time after which everything repeats; `None` if it is too long to be written.
    pub hyperperiod: Option<Time>,
}

impl Analysis {
    /// Analyses tasks.
    pub fn of(tasks: &[Task]) -> Analysis {
        Analysis {
            utilisation: utilisation(tasks),
            liu_layland: liu_layland(tasks.len()),
            hyperbolic: hyperbolic_product(tasks),
            responses: response_times(tasks),
            edf: edf(tasks),
            hyperperiod: hyperperiod(tasks),
        }
    }

    /// Returns whether rate monotonic meets all deadlines.
    pub fn rm(&self) -> bool {
        self.responses.iter().all(Option::is_some)
    }
}

fn load(task: &Task) -> f64 {
    task.compute.as_units() / task.period.as_units()
}

fn utilisation(tasks: &[Task]) -> f64 {
    tasks.iter().map(load).sum()
}

/// Returns the bound of Liu and Layland for n tasks: n(2^(1/n) - 1).
pub fn liu_layland(n: usize) -> f64 {
    let n = n as f64;
    n * (2_f64.powf(1.0 / n) - 1.0)
}

/// Returns the product of (compute / period + 1).
pub fn hyperbolic_product(tasks: &[Task]) -> f64 {
    tasks.iter().map(|task| load(task) + 1.0).product()
}

/// Returns the longest response of each task by rate monotonic priorities: the least fixed point
/// of R = C + the sum of ceil(R / T) · C over all tasks of higher priority.
pub fn response_times(tasks: &[Task]) -> Vec<Option<Time>> {
    (0..tasks.len()).map(|index| response_time(tasks, index)).collect()
}

fn response_time(tasks: &[Task], index: usize) -> Option<Time> {
    let task = &tasks[index];
    let is_higher = |other: &usize| (tasks[*other].period, *other) < (task.period, index);
    let higher: Vec<&Task> = (0..tasks.len()).filter(is_higher).map(|other| &tasks[other]).collect();
    let mut response = task.compute;
    while response <= task.deadline {
        let releases = |other: &Task| response.ticks().div_ceil(other.period.ticks());
        let interference =
            |other: &&Task| Time::from_ticks(releases(other).saturating_mul(other.compute.ticks()));
        let next = task.compute + higher.iter().map(interference).sum();
        if next == response {
            return Some(response);
        }
        response = next;
    }
    None
}

/// Decides U ≤ 1 exactly where the hyperperiod can be written.
fn edf(tasks: &[Task]) -> Option<bool> {
    let fits = match common_multiple(tasks) {
        Some(whole) => {
            let demand =
                |task: &Task| whole / u128::from(task.period.ticks()) * u128::from(task.compute.ticks());
            tasks.iter().map(demand).sum::<u128>() <= whole
        }
        None => utilisation(tasks) <= 1.0,
    };
    let is_implicit = tasks.iter().all(|task| task.deadline == task.period);
    // A utilisation above 1 misses deadlines in any case.
    (is_implicit || !fits).then_some(fits)
}

/// Returns the least common multiple of the periods in ticks. `None` if it is beyond 2⁶⁴.
fn common_multiple(tasks: &[Task]) -> Option<u128> {
    tasks.iter().try_fold(1_u128, |multiple, task| {
        let period = u128::from(task.period.ticks());
        let next = multiple / greatest_divisor(multiple, period) * period;
        (next <= u128::from(u64::MAX)).then_some(next)
    })
}

fn hyperperiod(tasks: &[Task]) -> Option<Time> {
    common_multiple(tasks).and_then(|ticks| u64::try_from(ticks).ok()).map(Time::from_ticks)
}

fn greatest_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}
