//! A run: the contests that were asked for, launch by launch, so that a slow drift of the machine meets all alike.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ipcraft_bench::{Cores, Environment, Placement, Watch, steal};

use crate::contest::{Contest, Effort, Stopped};
use crate::results::{Results, Table, VERSIONS};
use crate::rows::{MISBEHAVIOUR, ROWS};

/// What to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Parts of names of rows or contestants; none for everything.
    pub(crate) filters: Vec<String>,
    pub(crate) effort: Effort,
    /// A contestant that is silent for longer has failed.
    pub(crate) patience: Duration,
}

impl Plan {
    /// The contests of the rows that are named, in which somebody who is named takes part; the first contestant always does,
    /// as the others are held against it.
    fn contests(&self, cores: &Cores) -> Vec<Contest> {
        let hidden = self.filters.iter().any(|filter| filter == MISBEHAVIOUR.id).then_some(&MISBEHAVIOUR);
        let contests = ROWS.iter().chain(hidden).filter_map(|row| {
            let whole = self.filters.is_empty() || self.names(row.id);
            let first = row.contestants.first()?.id;
            let contest = Contest::new(row, cores.seats(row.placement)?, |contestant| {
                whole || contestant.id == first || self.names(contestant.id)
            });
            let named = whole || contest.entries.iter().any(|entry| self.names(entry.contestant.id));
            named.then_some(contest)
        });
        contests.collect()
    }

    fn names(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.filters.iter().any(|filter| name.contains(&filter.to_lowercase()))
    }
}

/// Measures what the plan says; setting `stop` ends it soon, with what has been measured until then.
pub(crate) fn run(plan: &Plan, stop: &AtomicBool, progress: &mut dyn FnMut(&str)) -> Results {
    let cores = Cores::of_this_process();
    let mut environment = Environment::at_start(&cores);
    let (start, stolen) = (Instant::now(), steal());
    environment.notes = notes(&cores, &environment);
    let mut contests = plan.contests(&cores);
    environment.pinned = true;
    let watch = Watch { patience: plan.patience, stop };
    let outcome = all_launches(&mut contests, plan.effort, watch, &mut environment.pinned, progress);
    environment.duration_s = start.elapsed().as_secs_f64();
    environment.steal_ms =
        steal().zip(stolen).map(|(after, before)| after.saturating_sub(before).as_millis() as u64);
    Results {
        environment,
        versions: VERSIONS,
        rows: contests.iter().map(Table::of).collect(),
        complete: outcome.is_ok(),
    }
}

/// A machine that does nothing else shows less than this.
const QUIET: f64 = 0.5;

fn notes(cores: &Cores, environment: &Environment) -> Vec<String> {
    let mut notes = Vec::new();
    if cores.seats(Placement::TwoCores).is_none() {
        notes.push("rows on two cores left out: this process may use only one".into());
    }
    if environment.load_average > Some(QUIET) {
        notes.push("something else ran before: the figures may be disturbed".into());
    }
    notes
}

fn all_launches(
    contests: &mut [Contest],
    effort: Effort,
    watch: Watch<'_>,
    pinned: &mut bool,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Stopped> {
    for launch in 1..=effort.launches {
        for contest in &mut *contests {
            progress(&format!("launch {launch} of {}: {}", effort.launches, contest.row.id));
            *pinned &= contest.launch(effort, watch)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(filters: &[&str]) -> Plan {
        let effort = Effort { launches: 1, rounds: 1, slice: Duration::from_millis(1) };
        Plan {
            filters: filters.iter().map(ToString::to_string).collect(),
            effort,
            patience: Duration::from_secs(10),
        }
    }

    #[test]
    fn filters_name_rows_or_contestants_and_keep_what_others_are_held_against() {
        let cores = Cores::of_this_process();
        let all = plan(&[]).contests(&cores);
        assert!(!all.is_empty());
        let row = plan(&["SET_UP"]).contests(&cores);
        assert_eq!(row.len(), 1);
        assert_eq!(row[0].entries.len(), row[0].row.contestants.len());
        for contest in plan(&["unix"]).contests(&cores) {
            let ids: Vec<_> = contest.entries.iter().map(|entry| entry.contestant.id).collect();
            assert_eq!(ids, [contest.row.contestants[0].id, "Unix stream"]);
        }
        assert!(plan(&["nobody"]).contests(&cores).is_empty());
    }
}
