//! The run of a plan: plan, expand, schedule, sample, summarise.

mod calibrate;
mod distances;
mod expand;
mod interval;
mod measured;
mod plan;
mod sample;
mod samples;
mod scenario;
mod schedule;
mod statistics;
mod summarise;
mod syscall_count;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::environment;
use crate::placement::{Cores, Placement};
use crate::process::CancelToken;
use crate::results::{Environment, Results, SCHEMA, Topology};

pub use plan::{Plan, Preset};
pub use schedule::Progress;
pub use statistics::{LaunchTimes, median, median_over_launches, quantile};

/// Measures what the plan contains. Setting `stop` ends the run soon, with the results until then.
///
/// No process and no name in the file system outlives the call. It may be made from any thread; the
/// processes end with that thread at the latest.
pub fn run(plan: &Plan, stop: &AtomicBool, progress: &mut dyn FnMut(&Progress)) -> Results {
    let cores = plan.cores.clone().unwrap_or_else(Cores::of_this_process);
    let mut environment = Environment::at_start(&cores);
    let (start, steal) = (Instant::now(), environment::steal());
    let mut groups = expand::expand(plan, &cores);
    let cancel = CancelToken { timeout: plan.timeout, stop };
    let outcome = schedule::run_launches(&mut groups, plan, cancel, progress);
    environment.pinned = outcome.pinned;
    environment.duration_s = start.elapsed().as_secs_f64();
    environment.steal_ms = environment::steal().zip(steal).map(|(after, before)| {
        let stolen = after.saturating_sub(before);
        stolen.as_millis() as u64
    });
    environment.add_warnings();
    environment.notes = notes(plan, &cores);
    environment.notes.extend(outcome.notes);
    Results {
        schema: SCHEMA,
        command: std::env::args().collect(),
        label: None,
        topology: Topology { hand_overs: outcome.hand_overs, heat_maps: Vec::new() },
        mechanisms: expand::described(&groups),
        ipcraft: env!("CARGO_PKG_VERSION").into(),
        environment,
        results: summarise::rows(&groups),
        errors: summarise::errors(&groups),
        complete: outcome.complete,
    }
}

fn notes(plan: &Plan, cores: &Cores) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.placements.contains(&Placement::TwoCores) && cores.cpu_pair(Placement::TwoCores).is_none() {
        notes.push("two_cores skipped: there is only one core to measure on".into());
    }
    for mechanism in &plan.mechanisms {
        let (sizes, refused) = ((mechanism.sizes)(), plan.refused_sizes(mechanism));
        if !refused.is_empty() {
            let (id, least, most) = (mechanism.id, sizes.start(), sizes.end());
            notes.push(format!("{id} carries {least} to {most} bytes on this machine: skipped {refused:?}"));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;
    use crate::alone::alone;
    use crate::catalog;
    use crate::mechanism::Implementation;
    use crate::results::{HandOver, Row};
    use crate::workload::Workload;

    fn small_plan() -> Plan {
        Plan {
            mechanisms: vec![catalog::find("udp").unwrap()],
            budget: Duration::from_millis(300),
            launches: 2,
            timeout: Duration::from_secs(600),
            ..Plan::new(Preset::Quick)
        }
    }

    fn run_through(plan: &Plan) -> Results {
        let results = run(plan, &AtomicBool::new(false), &mut |_| {});
        assert_eq!(results.errors, []);
        assert!(results.complete);
        results
    }

    fn row(results: &Results, implementation: Implementation, workload: Workload) -> &Row {
        let fits = |row: &&Row| {
            row.mechanism == "udp"
                && row.implementation == implementation
                && row.workload == workload
                && row.placement == Some(Placement::SameCore)
        };
        results.results.iter().find(fits).unwrap()
    }

    #[test]
    fn run_has_rows_for_library_baseline_and_limits() {
        let _alone = alone();
        let results = run_through(&small_plan());
        let library = row(&results, Implementation::Ipcraft, Workload::RoundTrip);
        assert_eq!(library.launches.len(), 2);
        assert!(library.p50_ns <= library.p99_ns && library.p99_ns <= library.max_ns);
        assert!(
            library.ratio_to_baseline.is_some()
                && library.ratio_to_limit.is_some()
                && library.setup_us.is_some()
        );
        assert!(library.ratio_pairs >= 4);
        assert!(library.switches_per_message > Some(0.0));
        // A machine that is too slow gives up counting.
        let counts = syscall_count::probe().is_ok() && env::var_os("IPCRAFT_PATIENCE").is_none();
        assert!(library.syscalls_per_message.map_or(!counts, |calls| calls == 4.0));
        assert!(library.memory_bytes > Some(0));
        let baseline = row(&results, Implementation::Baseline, Workload::Stream);
        assert!(baseline.ratio_to_baseline.is_none() && baseline.p50_ns.is_none());
        assert!(baseline.bytes_per_s > Some(0.0) && baseline.cpu_ns_per_message > Some(0.0));
        let limits = results.results.iter().filter(|row| row.implementation == Implementation::Limit);
        assert!(limits.count() >= 5);
        let hand_overs = &results.topology.hand_overs;
        for row in results.results.iter().filter(|row| row.placement == Some(Placement::TwoCores)) {
            assert!(row.distance.is_some());
            for launch in &row.launches {
                let measured = |found: &&HandOver| {
                    found.launch == launch.launch && Some(found.ns) == launch.hand_over_ns
                };
                assert_eq!(hand_overs.iter().find(measured).map(|found| found.distance), row.distance);
            }
        }
    }

    #[test]
    fn run_measures_messages_at_a_fixed_rate() {
        let _alone = alone();
        let plan =
            Plan { workloads: vec![Workload::Rate], placements: vec![Placement::SameCore], ..small_plan() };
        let results = run_through(&plan);
        let library = row(&results, Implementation::Ipcraft, Workload::Rate);
        assert_eq!(library.rate_per_s, Some(1000.0));
        assert!(library.samples >= 20 && library.p50_ns > Some(0.0));
    }

    #[test]
    fn run_compares_locks_with_baseline_and_plain_mutex() {
        let _alone = alone();
        let mechanisms = vec![catalog::find("sync_mutex").unwrap()];
        let results =
            run_through(&Plan { mechanisms, placements: vec![Placement::SameCore], ..small_plan() });
        let of = |wanted| results.results.iter().filter(move |row| row.implementation == wanted);
        let scenario = |row: &Row| (row.workload, row.placement);
        let scenarios = [(Workload::Uncontended, None), (Workload::Contended, Some(Placement::SameCore))];
        for wanted in [Implementation::Ipcraft, Implementation::Baseline, Implementation::Plain] {
            assert_eq!(of(wanted).map(scenario).collect::<Vec<_>>(), scenarios, "{wanted:?}");
            let is_compared = wanted != Implementation::Plain;
            assert!(of(wanted).all(|row| row.ratio_to_plain.is_some() == is_compared));
            assert!(of(wanted).all(|row| row.messages_per_s > Some(0.0)));
        }
        assert!(of(Implementation::Ipcraft).all(|row| row.ratio_to_baseline.is_some()));
    }

    #[test]
    fn run_reports_progress_of_each_step() {
        let _alone = alone();
        let mut seen = Vec::new();
        run(&small_plan(), &AtomicBool::new(false), &mut |progress| seen.push(progress.done));
        assert_eq!(seen, (0..seen.len()).collect::<Vec<_>>());
    }

    #[test]
    fn run_when_stopped_returns_partial_results() {
        let _alone = alone();
        let stop = AtomicBool::new(false);
        let plan = Plan { budget: Duration::from_secs(3600), ..small_plan() };
        let results = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(200));
                stop.store(true, Ordering::Relaxed);
            });
            run(&plan, &stop, &mut |_| {})
        });
        assert!(!results.complete);
        assert_eq!(results.errors, []);
    }
}
