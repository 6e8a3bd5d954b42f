//! Periodic tasks: published sets, and analysis against simulation.

use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::random::Random;
use ipcraft_lab::schedule::realtime::{Analysis, Run, Task, liu_layland, parse, simulate};
use ipcraft_lab::schedule::{Job, Time};

use super::support::units;

fn run(policy: &str, tasks: &[Task], length: u64) -> Run {
    let spec: Spec = policy.parse().unwrap();
    simulate(tasks, &mut *spec.policy(), Time::units(length))
}

/// Returns (task, deadline) of the misses.
fn misses(run: &Run) -> Vec<(usize, f64)> {
    let mut misses: Vec<(usize, f64)> =
        (0..9).flat_map(|task| run.misses(task).map(move |miss| (task, miss.deadline.as_units()))).collect();
    misses.sort_by(|a, b| a.1.total_cmp(&b.1));
    misses
}

fn gantt(run: &Run, tasks: &[Task]) -> String {
    let jobs: Vec<Job> = tasks.iter().map(Task::as_job).collect();
    units(&jobs, &run.timeline)
}

fn responses(analysis: &Analysis) -> Vec<Option<f64>> {
    analysis.responses.iter().map(|response| response.map(Time::as_units)).collect()
}

/// Liu, Layland 1973: n(2^(1/n) - 1).
#[test]
fn bound_is_that_of_liu_and_layland() {
    let expected = [1.0, 0.8284, 0.7798, 0.7568, 0.7435, 0.7348, 0.7286, 0.7241, 0.7205, 0.7177];
    for (index, expected) in expected.into_iter().enumerate() {
        assert!((liu_layland(index + 1) - expected).abs() < 0.00006, "n = {}", index + 1);
    }
    assert!((liu_layland(1_000_000) - 2.0_f64.ln()).abs() < 1e-6);
}

/// The example of Liu and Layland that earliest deadline first saves.
#[test]
fn rate_monotonic_misses_where_earliest_deadline_does_not() {
    let tasks = parse("2/5,4/7").unwrap();
    let analysis = Analysis::of(&tasks);
    assert!((analysis.utilisation - 0.9714).abs() < 0.00005);
    assert_eq!(
        (analysis.rm(), analysis.edf, analysis.hyperperiod),
        (false, Some(true), Some(Time::units(35)))
    );
    let rm = run("rm", &tasks, 35);
    assert_eq!(misses(&rm), [(1, 7.0)]);
    assert!(gantt(&rm, &tasks).starts_with("AABBBAABBBAAB."));
    let edf = run("edf", &tasks, 35);
    assert_eq!((misses(&edf), edf.preemptions), (vec![], 1));
}

/// Tanenbaum's example: the bounds do not decide it, the exact analysis does.
#[test]
fn bounds_are_sufficient_and_not_necessary() {
    let tasks = parse("10/30,15/40,5/50").unwrap();
    let analysis = Analysis::of(&tasks);
    assert!((analysis.utilisation - 0.8083).abs() < 0.00005 && analysis.utilisation > analysis.liu_layland);
    assert!((analysis.hyperbolic - 2.017).abs() < 0.0005);
    assert_eq!(responses(&analysis), [Some(10.0), Some(25.0), Some(30.0)]);
    assert_eq!(misses(&run("rm", &tasks, 600)), []);
    let edf = run("edf", &tasks, 600);
    assert_eq!((misses(&edf), edf.preemptions), (vec![], 0));
}

/// Tanenbaum's second example, with a longer first task.
#[test]
fn rate_monotonic_misses_where_tanenbaum_shows() {
    let tasks = parse("15/30,15/40,5/50").unwrap();
    assert!((Analysis::of(&tasks).utilisation - 0.975).abs() < 1e-9);
    assert_eq!(misses(&run("rm", &tasks, 600)), [(2, 50.0), (2, 300.0), (2, 550.0)]);
    assert_eq!(misses(&run("edf", &tasks, 600)), []);
}

#[test]
fn harmonic_periods_use_the_whole_cpu() {
    let tasks = parse("1/2,1/4,2/8").unwrap();
    let analysis = Analysis::of(&tasks);
    assert_eq!((analysis.utilisation, analysis.rm(), analysis.edf), (1.0, true, Some(true)));
    assert_eq!(misses(&run("rm", &tasks, 8)), []);
}

/// Sha, Goodenough, and Liu's textbook: response times.
#[test]
fn response_times_are_the_published_ones() {
    for (text, expected) in [
        ("20/100,40/150,100/350", [Some(20.0), Some(60.0), Some(240.0)]),
        ("40/100,40/150,100/350", [Some(40.0), Some(80.0), Some(300.0)]),
    ] {
        let tasks = parse(text).unwrap();
        assert_eq!(responses(&Analysis::of(&tasks)), expected, "{text}");
        assert_eq!(misses(&run("rm", &tasks, 2_100)), [], "{text}");
    }
}

#[test]
fn two_tasks_above_the_bound_miss_by_rate_monotonic_only() {
    let tasks = parse("3/6,4/9").unwrap();
    assert!((Analysis::of(&tasks).utilisation - 0.9444).abs() < 0.00005);
    assert_eq!(misses(&run("rm", &tasks, 18)), [(1, 9.0)]);
    assert_eq!(misses(&run("edf", &tasks, 18)), []);
}

/// In overload rate monotonic protects the shortest period. Earliest deadline first lets all miss.
#[test]
fn overload_hits_one_task_or_all() {
    let tasks = parse("3/5,4/7").unwrap();
    let analysis = Analysis::of(&tasks);
    assert!((analysis.utilisation - 1.171).abs() < 0.0005);
    assert_eq!(analysis.edf, Some(false));
    let rm = run("rm", &tasks, 35);
    assert_eq!((rm.misses(0).count(), rm.misses(1).count()), (0, 4));
    let edf = misses(&run("edf", &tasks, 35));
    assert_eq!(edf[0], (0, 15.0));
    assert!(edf.iter().any(|miss| miss.0 == 1), "{edf:?}");
}

/// Returns up to four random tasks with periods whose common multiple is small.
fn random_tasks(random: &mut Random) -> Vec<Task> {
    const PERIODS: [u64; 8] = [4, 5, 6, 8, 10, 12, 15, 20];
    let count = random.between(2, 4);
    let one = |_| {
        let period = PERIODS[random.below(8) as usize];
        format!("{}/{period}", random.between(1, (period / 2).max(1)))
    };
    let text: Vec<String> = (0..count).map(one).collect();
    parse(&text.join(",")).unwrap()
}

#[test]
fn analysis_agrees_with_the_simulation_of_a_hyperperiod() {
    let mut random = Random::new(11);
    let mut met = [0, 0];
    for _ in 0..1_000 {
        let tasks = random_tasks(&mut random);
        let analysis = Analysis::of(&tasks);
        let length = analysis.hyperperiod.unwrap();
        let simulated = |policy: &str| {
            let spec: Spec = policy.parse().unwrap();
            simulate(&tasks, &mut *spec.policy(), length)
        };
        let (rm, edf) = (simulated("rm"), simulated("edf"));
        assert_eq!(analysis.rm(), misses(&rm).is_empty(), "rm {tasks:?}");
        assert_eq!(analysis.edf, Some(misses(&edf).is_empty()), "edf {tasks:?}");
        if analysis.rm() {
            let worst: Vec<_> = (0..tasks.len()).map(|task| rm.worst_response(task)).collect();
            assert_eq!(worst, analysis.responses, "{tasks:?}");
        }
        if analysis.utilisation <= analysis.liu_layland || analysis.hyperbolic <= 2.0 {
            assert!(analysis.rm(), "a bound that is met is sufficient: {tasks:?}");
        }
        met[0] += usize::from(analysis.rm());
        met[1] += usize::from(analysis.edf == Some(true));
    }
    // Each verdict occurs, and earliest deadline first meets more.
    assert!(met[0] > 100 && met[0] < met[1] && met[1] < 900, "{met:?}");
}

#[test]
fn tasks_that_cannot_be_are_refused_with_the_reason() {
    for (text, part) in [
        ("", "write COMPUTE/PERIOD"),
        ("2", "write COMPUTE/PERIOD"),
        ("1/2/3/4", "write COMPUTE/PERIOD"),
        ("0/5", "above 0"),
        ("6/5", "must fit"),
        ("2/5/6", "must fit"),
        ("x/5", "is no time"),
        ("2/5,", "write COMPUTE/PERIOD"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(parse(&vec!["1/5"; 101].join(",")).is_err());
}

/// A hyperperiod that is too long is cut, so that the simulation ends.
#[test]
fn simulation_of_a_long_hyperperiod_is_cut() {
    let tasks = parse("1/1000.0001,1/999.9997,1/997.0003,1/3.7919").unwrap();
    let run = run("edf", &tasks, 1_000_000_000);
    assert!(run.length < Time::units(1_000_000_000));
    assert!(run.instances.len() <= 100_000);
}
