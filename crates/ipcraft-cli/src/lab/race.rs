//! `ipcraft lab race`.

use ipcraft_bench::Placement;
use ipcraft_lab::Width;
use ipcraft_lab::bus::{Beside, Neighbour, beside_exchanges};
use ipcraft_lab::interrupts::{Additions, Interrupts, interrupts};
use ipcraft_lab::machine::unpinned;
use ipcraft_lab::race::{How, Race, races};
use serde::Serialize;

use super::{Failure, Outcome, table};

#[derive(Serialize)]
struct Results {
    races: Vec<Race>,
    /// Null if it could not be run.
    interrupts: Option<Interrupts>,
    /// Empty on one core.
    beside_exchanges: Vec<Beside>,
}

pub(super) fn outcome() -> Result<Outcome, Failure> {
    let (races, mut skipped) = races()?;
    let (interrupts, also_skipped) = interrupts()?;
    skipped.extend(also_skipped);
    skipped.extend(unpinned()?);
    let (beside_exchanges, missing) = beside_exchanges()?;
    skipped.extend(missing);
    let text =
        format!("{}\n{}{}", race_text(&races), interrupts_text(&interrupts), bus_text(&beside_exchanges));
    let results = Results { races, interrupts: Some(interrupts), beside_exchanges };
    Ok(Outcome::new(text, &results, skipped)?)
}

fn race_text(races: &[Race]) -> String {
    let mut rows = table(&["two processes add one", "placement", "expected", "found", "lost", "preemptions"]);
    for race in races {
        rows.add_row([
            how(race.how).to_owned(),
            place(race.placement).to_owned(),
            race.expected.to_string(),
            race.found.to_string(),
            lost(race.expected, race.found),
            race.preemptions.to_string(),
        ]);
    }
    let file = races.iter().find_map(|race| race.file.as_ref());
    let file = file.map_or(String::new(), |place| format!("The file is in {place} and has no name.\n"));
    format!("{}\n{LESSON}{file}", rows.trim_fmt())
}

const LESSON: &str = "\
On one core an update is lost only if a process is preempted between its load and its store.\n\
On two cores one instruction is not enough: both cores execute theirs at the same time.\n";

fn how(how: How) -> &'static str {
    match how {
        How::Memory(Width::Three) => "load, add, store",
        How::Memory(Width::One) => "add [memory], 1",
        How::Memory(Width::Locked) => "lock add [memory], 1",
        How::File => "read file, write file",
        How::LockedFile => "the same with a record lock",
    }
}

fn place(placement: Placement) -> &'static str {
    match placement {
        Placement::TwoCores => "two cores",
        Placement::SameCore => "one core",
    }
}

fn lost(expected: u64, found: u64) -> String {
    let lost = expected.saturating_sub(found);
    if lost == 0 { "0".into() } else { format!("{lost} ({:.1} %)", lost as f64 * 100.0 / expected as f64) }
}

fn interrupts_text(interrupts: &Interrupts) -> String {
    let instruction = match &interrupts.instruction_ended_by {
        Some(signal) => format!("the instruction that disables interrupts: killed by {signal}, also as root"),
        None => "the instruction that disables interrupts: had no effect".into(),
    };
    let mut rows = table(&["instead of disabling interrupts", "expected", "found", "lost"]);
    let named = |kind: &str, additions: &Additions| {
        [
            format!("{kind}{}", additions.condition),
            additions.expected.to_string(),
            additions.found.to_string(),
            lost(additions.expected, additions.found),
        ]
    };
    for additions in &interrupts.signals {
        rows.add_row(named("program and its handler: ", additions));
    }
    for additions in &interrupts.realtime {
        rows.add_row(named("two processes: ", additions));
    }
    format!("{instruction}\n{}\n", rows.trim_fmt())
}

fn bus_text(found: &[Beside]) -> String {
    let Some(alone) = found.first() else { return String::new() };
    let mut rows = table(&["another core meanwhile", "load, add, store", "relative"]);
    for beside in found {
        rows.add_row([
            neighbour(beside.neighbour).to_owned(),
            format!("{:.2} ns", beside.ns),
            format!("{:.2}", beside.ns / alone.ns),
        ]);
    }
    format!("\n{}\n{BUS_LESSON}", rows.trim_fmt())
}

const BUS_LESSON: &str = "\
If the second row is near 1, an exchange locks its cache line only, and not the bus.\n";

fn neighbour(neighbour: Neighbour) -> &'static str {
    match neighbour {
        Neighbour::Waits => "waits",
        Neighbour::OtherLine => "exchanges a word of another cache line",
        Neighbour::SameLine => "exchanges a word of the same cache line",
    }
}
