//! One run: the requested comparisons, launch by launch, so that a slow drift meets all of them
//! alike.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ipcraft_bench::{CancelToken, Cores, Environment, Placement, steal};

use crate::comparison::{Comparison, Preset, Stopped};
use crate::mechanisms::VERSIONS;
use crate::results::Run;
use crate::scenarios::{FAULTY, SCENARIOS};

/// What to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Parts of the names of scenarios or competitors; empty for everything.
    pub(crate) filters: Vec<String>,
    pub(crate) preset: Preset,
    /// A competitor that is silent for longer has failed.
    pub(crate) timeout: Duration,
}

impl Plan {
    /// Returns the comparisons of the named scenarios and of those with a named competitor. The
    /// first competitor is always included, since the ratios refer to it.
    fn comparisons(&self, cores: &Cores) -> Vec<Comparison> {
        let hidden = self.filters.iter().any(|filter| filter == FAULTY.id).then_some(&FAULTY);
        let comparisons = SCENARIOS.iter().chain(hidden).filter_map(|scenario| {
            let whole = self.filters.is_empty() || self.names(scenario.id);
            let first = scenario.competitors.first()?.label();
            let comparison = Comparison::new(scenario, cores.cpu_pair(scenario.placement)?, |competitor| {
                whole || competitor.label() == first || self.names(&competitor.label())
            });
            let named = whole || comparison.entries.iter().any(|entry| self.names(&entry.competitor.label()));
            named.then_some(comparison)
        });
        comparisons.collect()
    }

    fn names(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.filters.iter().any(|filter| name.contains(&filter.to_lowercase()))
    }
}

/// Measures what the plan contains. Setting `stop` ends the run soon, with the results until then.
pub(crate) fn run(plan: &Plan, stop: &AtomicBool, progress: &mut dyn FnMut(&str)) -> Run {
    let cores = Cores::of_this_process();
    let mut environment = Environment::at_start(&cores);
    let (start, stolen) = (Instant::now(), steal());
    environment.notes = notes(&cores, &environment);
    let mut comparisons = plan.comparisons(&cores);
    environment.pinned = true;
    let cancel = CancelToken { timeout: plan.timeout, stop };
    let outcome = all_launches(&mut comparisons, plan.preset, cancel, &mut environment.pinned, progress);
    environment.duration_s = start.elapsed().as_secs_f64();
    environment.steal_ms =
        steal().zip(stolen).map(|(after, before)| after.saturating_sub(before).as_millis() as u64);
    Run::of(&comparisons, environment, outcome.is_ok())
}

/// The load average of an otherwise idle machine is lower.
const MAX_IDLE_LOAD: f64 = 0.5;

fn notes(cores: &Cores, environment: &Environment) -> Vec<String> {
    let versions: Vec<_> = VERSIONS.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut notes = vec![format!("compared: {}", versions.join(", "))];
    if cores.cpu_pair(Placement::TwoCores).is_none() {
        notes.push("scenarios on two cores skipped: this process may use only one".into());
    }
    if environment.load_average > Some(MAX_IDLE_LOAD) {
        notes.push("other processes were running before: the figures may be noisy".into());
    }
    notes
}

fn all_launches(
    comparisons: &mut [Comparison],
    preset: Preset,
    cancel: CancelToken<'_>,
    pinned: &mut bool,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Stopped> {
    for launch in 1..=preset.launches {
        for comparison in &mut *comparisons {
            progress(&format!("launch {launch} of {}: {}", preset.launches, comparison.scenario.id));
            *pinned &= comparison.launch(preset, cancel)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(filters: &[&str]) -> Plan {
        let preset = Preset { launches: 1, rounds: 1, slice: Duration::from_millis(1), deaths: 1 };
        Plan {
            filters: filters.iter().map(ToString::to_string).collect(),
            preset,
            timeout: Duration::from_secs(10),
        }
    }

    #[test]
    fn filters_select_scenarios_or_competitors_and_keep_the_reference() {
        let cores = Cores::of_this_process();
        let all = plan(&[]).comparisons(&cores);
        assert!(!all.is_empty());
        let set_up = plan(&["SET_UP"]).comparisons(&cores);
        assert_eq!(set_up.len(), 1);
        assert_eq!(set_up[0].entries.len(), set_up[0].scenario.competitors.len());
        for comparison in plan(&["unix_stream"]).comparisons(&cores) {
            let ids: Vec<_> = comparison.entries.iter().map(|entry| entry.competitor.id).collect();
            assert_eq!(ids, [comparison.scenario.competitors[0].id, "unix_stream"]);
        }
        assert!(plan(&["unknown"]).comparisons(&cores).is_empty());
    }
}
