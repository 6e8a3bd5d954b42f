use ipcraft_bench::{Distance, HandOver, Launch, LaunchFigures, Workload};

use super::*;
use crate::style::Style;
use crate::test_results::{estimate, results, row};

fn timed(mechanism: &str, time_ns: f64) -> Row {
    let figures = (Some(estimate(time_ns)), Some(time_ns * 2.0));
    Row { time_ns: figures.0, p50_ns: figures.1, ..row(mechanism, Workload::RoundTrip, 64) }
}

fn text(old: &Results, new: &Results) -> String {
    compare(old, new).text("a", "b", 100, Style::default())
}

fn bounds(texts: &[&str]) -> Vec<Bound> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let run = results(vec![timed("pipe", 100.0), timed("fifo", 200.0)]);
    let text = text(&run, &run);
    assert!(text.ends_with("2 of 2 rows do not differ: their intervals overlap\n"), "{text}");
    assert!(!text.contains("WARNING") && !text.contains("note"), "{text}");
    let found = compare(&run, &run).regressions(&bounds(&["*/*/*/time > 0%"])).unwrap();
    assert!(found.is_empty());
}

#[test]
fn differences_are_named_only_if_the_intervals_are_apart() {
    let old = results(vec![timed("pipe", 100.0), timed("fifo", 100.0), timed("tcp", 100.0)]);
    let new = results(vec![timed("pipe", 200.0), timed("fifo", 115.0), timed("tcp", 25.0)]);
    let text = text(&old, &new);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[1], "faster  0.25 (0.20 to 0.31)    100 ns ->    25 ns  tcp/round_trip/64/two_cores");
    assert_eq!(lines[2], "slower  2.00 (1.64 to 2.44)    100 ns ->   200 ns  pipe/round_trip/64/two_cores");
    assert_eq!(lines[3], "1 of 3 rows do not differ: their intervals overlap");
}

#[test]
fn regression_needs_intervals_apart_and_more_than_the_bound() {
    let old = results(vec![timed("pipe", 100.0), timed("fifo", 100.0)]);
    let new = results(vec![timed("pipe", 200.0), timed("fifo", 115.0)]);
    let compared = compare(&old, &new);
    let names = |texts: &[&str]| -> Vec<String> {
        let found = compared.regressions(&bounds(texts)).unwrap();
        found.into_iter().map(|regression| regression.name).collect()
    };
    assert_eq!(names(&["*/round_trip/64/p50 > 10%"]), ["pipe/round_trip/64/two_cores"]);
    assert_eq!(names(&["pipe/round_trip/64/two_cores/rate > 49%"]), ["pipe/round_trip/64/two_cores"]);
    assert!(names(&["pipe/*/*/p50 > 101%", "pipe/*/*/rate > 51%", "fifo/*/*/time > 0%"]).is_empty());
    // An improvement is none.
    assert!(compare(&new, &old).regressions(&bounds(&["*/*/*/time > 0%"])).unwrap().is_empty());
}

/// A row whose launches have these 99th percentiles. Its time is the same in every run.
fn tails(p99_ns: &[f64]) -> Row {
    let launch = |(launch, &p99_ns): (usize, &f64)| Launch {
        launch,
        time_ns: 100.0,
        slices: 1,
        setup_us: None,
        hand_over_ns: None,
        figures: LaunchFigures { p99_ns: Some(p99_ns), ..LaunchFigures::default() },
    };
    let launches = p99_ns.iter().enumerate().map(launch).collect();
    let pooled = p99_ns.iter().copied().fold(0.0, f64::max);
    Row { p99_ns: Some(pooled), launches, ..timed("pipe", 100.0) }
}

fn worsens(old: Row, new: Row, bound: &str) -> bool {
    let (old, new) = (results(vec![old]), results(vec![new]));
    !compare(&old, &new).regressions(&bounds(&[bound])).unwrap().is_empty()
}

#[test]
fn percentile_is_compared_by_its_own_interval_and_not_by_that_of_the_time() {
    let steady = [300.0, 301.0, 302.0, 303.0, 304.0, 305.0, 306.0];
    // A difference of 10 %, which the interval of the time, 10 % to either side, would hide.
    let later = steady.map(|p99| p99 * 1.1);
    assert!(worsens(tails(&steady), tails(&later), "*/*/*/p99 > 5%"));
    assert!(!worsens(tails(&steady), tails(&later), "*/*/*/time > 5%"));
    // Launches that differ from each other more than the runs do.
    let unsteady = [200.0, 250.0, 300.0, 330.0, 400.0, 500.0, 700.0];
    assert!(!worsens(tails(&steady), tails(&unsteady), "*/*/*/p99 > 5%"));
}

#[test]
fn percentile_that_was_changed_in_the_file_is_compared_as_it_stands() {
    let old = tails(&[100.0, 101.0, 102.0, 100.0, 101.0]);
    let changed = Row { p99_ns: Some(500.0), ..old.clone() };
    assert!(worsens(old.clone(), changed.clone(), "*/*/*/p99 > 10%"));
    assert!(!worsens(changed, old, "*/*/*/p99 > 10%"));
}

#[test]
fn percentile_of_a_file_without_launches_is_compared_by_the_rows() {
    let old = Row { launches: Vec::new(), ..tails(&[300.0; 7]) };
    assert!(worsens(old.clone(), tails(&[600.0; 7]), "*/*/*/p99 > 90%"));
    assert!(!worsens(old, tails(&[330.0; 7]), "*/*/*/p99 > 5%"));
}

#[test]
fn bound_without_figures_in_both_runs_is_unmatched() {
    let (one, two) = (results(vec![timed("pipe", 100.0)]), results(vec![timed("fifo", 100.0)]));
    let unmatched = |old, new, text: &str| compare(old, new).regressions(&bounds(&[text])).unwrap_err();
    assert_eq!(unmatched(&one, &two, "pipe/*/*/time > 1%"), Unmatched("pipe/*/*/time > 1%".into()));
    unmatched(&one, &one, "pipe/*/*/same_core/time > 1%");
    unmatched(&one, &one, "pipe/*/*/setup > 1%");
}

#[test]
fn other_machine_and_conditions_are_stated() {
    let old = results(vec![timed("pipe", 100.0)]);
    let mut new = old.clone();
    new.environment.cpu = "Other CPU".into();
    new.environment.kernel = "Linux 9.9".into();
    new.complete = false;
    new.topology.hand_overs.push(HandOver { launch: 0, cores: [0, 1], ns: 90.0, distance: Distance::Near });
    let text = text(&old, &new);
    for part in [
        "WARNING: other CPU: Some CPU -> Other CPU\n",
        "note: other kernel: Linux 6.1.0 -> Linux 9.9\n",
        "note: other topology: unknown -> near\n",
        "note: NEW is incomplete",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn rows_of_different_distances_are_not_compared() {
    let at = |distance| results(vec![Row { distance: Some(distance), ..timed("pipe", 100.0) }]);
    let (near, apart) = (at(Distance::Near), at(Distance::Apart));
    let text = text(&near, &apart);
    assert!(
        text.ends_with(
            "0 of 0 rows do not differ: their intervals overlap; only in OLD: 1 rows, only in NEW: 1\n"
        ),
        "{text}"
    );
}

#[test]
fn limits_and_baselines_show_the_machine() {
    let baseline = |time| Row { implementation: Implementation::Baseline, ..timed("pipe", time) };
    let (old, new) = (results(vec![baseline(100.0)]), results(vec![baseline(130.0)]));
    let text = text(&old, &new);
    assert!(text.contains("machine: 1 limits") && text.contains("are at 1.30\n"), "{text}");
    assert!(!text.contains("slower"), "{text}");
}
