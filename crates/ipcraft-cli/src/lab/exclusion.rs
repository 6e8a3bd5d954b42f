//! `ipcraft lab exclusion`.

use std::time::Duration;

use ipcraft_lab::Algorithm;
use ipcraft_lab::exclusion::{Bounds, Contention, Ending, Measured, Speed, TRIES, measure};
use ipcraft_lab::machine::unpinned;

use ipcraft_bench::Placement;
use ipcraft_report::units::time;

use super::{Failure, Outcome, table};

/// A measurement ends after this many entries or violations, or when its time is over.
const MAX_ENTRIES: u64 = 10_000_000;
const MAX_VIOLATIONS: u64 = 1000;

pub(super) fn outcome(algorithms: &[&'static Algorithm], time: Duration) -> Result<Outcome, Failure> {
    let bounds = Bounds { entries: MAX_ENTRIES, violations: MAX_VIOLATIONS, time };
    let mut skipped: Vec<_> = unpinned()?.into_iter().collect();
    let mut all = Vec::new();
    for algorithm in algorithms {
        let (measured, missing) = measure(algorithm, bounds)?;
        all.push(measured);
        skipped.extend(missing);
    }
    let text = format!("{}\n{}\n{LEGEND}", conditions(&all), costs(&all));
    Ok(Outcome::new(text, &all, skipped)?)
}

const LEGEND: &str = "\
1 never two inside: violations, and the entry at which the first was seen. 0 of N entries proves nothing.\n\
2 the same at any speed: one core; two cores, one process a tenth of the time, or both in turns.\n\
3 a process outside blocks no other: entries of 1000 while the other is stopped or killed outside.\n\
4 bypassed: the most entries of the other process while one waited.\n\
hand-over: the median from leaving to the entry of the other process, which waited already.\n";

fn conditions(all: &[Measured]) -> String {
    let header = [
        "algorithm",
        "1 two cores",
        "2 one core",
        "2 one slow",
        "2 slow in turns",
        "3 stopped",
        "3 killed",
        "4 bypassed",
    ];
    let mut rows = table(&header);
    for measured in all {
        let exclusion = |speed| at(measured, speed).map_or_else(|| "-".into(), exclusion);
        rows.add_row([
            measured.algorithm.clone(),
            exclusion(Speed::TwoCores),
            exclusion(Speed::OneCore),
            exclusion(Speed::OneSlow),
            exclusion(Speed::SlowInTurns),
            entries(measured.entries_beside_stopped),
            entries(measured.entries_beside_killed),
            bypassed(measured),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn costs(all: &[Measured]) -> String {
    let header =
        ["algorithm", "alone", "CPU per entry, two cores", "one core", "hand-over, two cores", "one core"];
    let mut rows = table(&header);
    for measured in all {
        let cpu = |speed| {
            let contention = at(measured, speed).filter(|found| found.total() > 0);
            contention.map_or_else(|| "-".into(), |found| format!("{:.0} ns", found.cpu_ns_per_entry))
        };
        rows.add_row([
            measured.algorithm.clone(),
            format!("{:.1} ns", measured.alone_ns),
            cpu(Speed::TwoCores),
            cpu(Speed::OneCore),
            handover(measured, Placement::TwoCores),
            handover(measured, Placement::SameCore),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn handover(measured: &Measured, placement: Placement) -> String {
    let found = measured.handovers.iter().find(|handover| handover.placement == placement);
    found.and_then(|handover| handover.median_ns).map_or_else(|| "-".into(), |ns| time(ns as f64))
}

fn at(measured: &Measured, speed: Speed) -> Option<&Contention> {
    measured.contentions.iter().find(|found| found.speed == speed)
}

pub(super) fn exclusion(found: &Contention) -> String {
    if found.is_violated() {
        let first = found.first_violation.map_or(String::new(), |first| format!(", first at {first}"));
        return format!(
            "violated: {} of {}{first}",
            found.violations.max(found.lost_updates),
            count(found.total())
        );
    }
    let stuck = if found.ending == Ending::Stuck { "both wait forever after " } else { "0 of " };
    format!("{stuck}{}", count(found.total()))
}

fn entries(entered: u64) -> String {
    if entered == TRIES { format!("held: {entered}") } else { format!("violated: {entered}") }
}

fn bypassed(measured: &Measured) -> String {
    let most = measured.contentions.iter().map(|found| found.max_bypass).max();
    let stuck = measured.contentions.iter().any(|found| found.ending == Ending::Stuck);
    if stuck { "forever".into() } else { most.map_or_else(|| "-".into(), count) }
}

/// Formats a large number: `9.6 M`, `320 k`.
pub(super) fn count(number: u64) -> String {
    match number {
        n if n >= 1_000_000 => format!("{:.1} M", n as f64 / 1e6),
        n if n >= 10_000 => format!("{} k", n / 1000),
        n => n.to_string(),
    }
}
