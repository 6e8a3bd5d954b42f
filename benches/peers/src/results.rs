//! The results of a run in the format of the bench, and the same rows by scenario.

use std::env;

use ipcraft_bench::{Distance, Environment, Implementation, Results, Row, RowError, SCHEMA, Topology};

use crate::comparison::{Comparison, Entry, Measured};
use crate::competitor::Scenario;
use crate::mechanisms::{description, implementation, waiting};
use crate::watch::WATCHED;
use crate::work::Task;

/// One run.
#[derive(Debug)]
pub(crate) struct Run {
    /// What is saved.
    pub(crate) results: Results,
    /// The same rows, by scenario.
    pub(crate) tables: Vec<Table>,
}

/// One scenario.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) task: Task,
    pub(crate) size: usize,
    pub(crate) lines: Vec<Line>,
}

/// One competitor in one scenario.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) row: Row,
    /// Why the measurement ended early.
    pub(crate) error: Option<String>,
}

impl Run {
    pub(crate) fn of(comparisons: &[Comparison], environment: Environment, complete: bool) -> Run {
        let tables: Vec<_> = comparisons.iter().map(Table::of).collect();
        let lines = || tables.iter().flat_map(|table| &table.lines);
        let hand_overs = comparisons.iter().flat_map(|one| one.hand_overs.iter().copied()).collect();
        let mut mechanisms = Vec::new();
        for line in lines() {
            if !mechanisms.iter().any(|known: &ipcraft_bench::Description| known.id == line.row.mechanism) {
                mechanisms.extend(description(&line.row.mechanism));
            }
        }
        let results = Results {
            schema: SCHEMA,
            ipcraft: env!("CARGO_PKG_VERSION").into(),
            command: env::args().collect(),
            label: None,
            environment,
            topology: Topology { hand_overs, heat_maps: Vec::new() },
            mechanisms,
            results: lines().map(|line| line.row.clone()).collect(),
            errors: lines().filter_map(Line::row_error).collect(),
            complete,
        };
        Run { results, tables }
    }
}

impl Table {
    fn of(comparison: &Comparison) -> Table {
        let scenario = comparison.scenario;
        Table {
            title: scenario.title,
            task: scenario.task,
            size: scenario.size,
            lines: comparison.entries.iter().flat_map(|entry| Line::of(entry, scenario)).collect(),
        }
    }
}

impl Line {
    /// Returns a line for each distance, and one without figures if nothing was measured.
    fn of(entry: &Entry, scenario: &Scenario) -> Vec<Line> {
        let nothing = [Measured::nothing(None)];
        let measured = if entry.measured.is_empty() { &nothing } else { &entry.measured[..] };
        let line = |(index, measured): (usize, &Measured)| {
            let distance = if measured.distance.is_none() || entry.measured.len() < 2 {
                String::new()
            } else {
                format!(", {}", measured.distance.map_or("", Distance::name))
            };
            let label = entry.competitor.label() + &distance;
            Line {
                label,
                row: row(entry, measured, scenario),
                error: entry.error.clone().filter(|_| index == 0),
            }
        };
        measured.iter().enumerate().map(line).collect()
    }

    fn row_error(&self) -> Option<RowError> {
        let message = self.error.as_ref()?;
        Some(RowError {
            mechanism: self.row.mechanism.clone(),
            implementation: self.row.implementation,
            workload: self.row.workload,
            size: self.row.size,
            placement: self.row.placement,
            message: format!("{}: {message}", self.label),
        })
    }
}

fn row(entry: &Entry, measured: &Measured, scenario: &Scenario) -> Row {
    let Measured { distance, samples, ratios } = measured;
    let competitor = entry.competitor;
    let implementation = implementation(competitor.id);
    let time_ns = samples.times().time();
    let messages_per_s = time_ns.map(|time| 1e9 / time.value);
    let deaths = scenario.task.is_death();
    let rate = messages_per_s.filter(|_| !deaths);
    Row {
        mechanism: competitor.id.into(),
        implementation,
        workload: scenario.task.workload(),
        variant: variant(entry, scenario),
        size: scenario.size,
        waiting: waiting(competitor.id),
        placement: (!scenario.task.is_single()).then_some(scenario.placement),
        distance: *distance,
        samples: samples.count().max(samples.times().slices() as u64),
        time_ns,
        p50_ns: samples.quantile(0.5),
        p90_ns: samples.quantile(0.9),
        p99_ns: samples.quantile(0.99),
        p999_ns: samples.quantile(0.999),
        max_ns: samples.quantile(1.0),
        percentiles: samples.ladder(),
        messages_per_s: rate,
        bytes_per_s: rate.filter(|_| scenario.has_bandwidth()).map(|rate| rate * scenario.size as f64),
        cpu_ns_per_message: samples.per_message(|usage| usage.cpu_ns),
        switches_per_message: samples.per_message(|usage| usage.switches),
        setup_us: None,
        ratio_to_baseline: None,
        equal_baseline: None,
        ratio_to_plain: None,
        ratio_to_library: ratios.ratio().filter(|_| implementation != Implementation::Ipcraft),
        ratio_to_limit: None,
        ratio_pairs: ratios.slices(),
        system_ns_per_message: samples.per_message(|usage| usage.system_ns),
        syscalls_per_message: None,
        memory_bytes: None,
        batch: samples.batch,
        single: None,
        launches: samples.launches(),
        noisy: samples.times().noisy() && !deaths,
        rate_per_s: None,
        timeout_ns: entry.timed_out.then_some(WATCHED.as_nanos() as f64),
    }
}

/// Returns what distinguishes the row from those of the same mechanism, workload and size.
fn variant(entry: &Entry, scenario: &Scenario) -> Option<String> {
    let parts: Vec<_> = scenario.variant.into_iter().chain(entry.competitor.variant).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ipcraft_bench::{CpuPair, Placement};

    use super::*;
    use crate::scenarios::SCENARIOS;

    #[test]
    fn rows_of_all_scenarios_differ_in_what_identifies_them() {
        let free = CpuPair { client: None, server: None };
        let comparisons: Vec<_> =
            SCENARIOS.iter().map(|scenario| Comparison::new(scenario, free, |_| true)).collect();
        let rows = comparisons.iter().flat_map(|one| {
            one.entries.iter().map(|entry| row(entry, &Measured::nothing(None), one.scenario))
        });
        let mut known = HashSet::new();
        for row in rows {
            let key = (row.id(), row.variant, row.placement.map(Placement::name));
            assert!(known.insert(key.clone()), "{key:?}");
            assert!(row.time_ns.is_none() && row.p50_ns.is_none());
        }
    }
}
