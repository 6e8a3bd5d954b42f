//! Schedules that books and courses print.

use ipcraft_lab::schedule::{Job, Time, sets, sharing};

use super::support::{ends, jobs, metrics, timeline, units};

/// Averages and ends as printed. What a source does not print is `None` or empty.
#[derive(Default)]
struct Row {
    set: &'static str,
    policy: &'static str,
    response: Option<f64>,
    turnaround: Option<f64>,
    waiting: Option<f64>,
    ends: &'static [f64],
}

impl Row {
    const fn new(set: &'static str, policy: &'static str) -> Row {
        Row { set, policy, response: None, turnaround: None, waiting: None, ends: &[] }
    }

    const fn response(mut self, average: f64) -> Row {
        self.response = Some(average);
        self
    }

    const fn turnaround(mut self, average: f64) -> Row {
        self.turnaround = Some(average);
        self
    }

    const fn waiting(mut self, average: f64) -> Row {
        self.waiting = Some(average);
        self
    }

    const fn ends(mut self, ends: &'static [f64]) -> Row {
        self.ends = ends;
        self
    }

    /// Returns the jobs of the named set, or the jobs that are written instead of its name.
    fn jobs(&self) -> Vec<Job> {
        sets::find(self.set).map_or_else(|| jobs(self.set), sets::Set::jobs)
    }
}

fn check(rows: &[Row]) {
    for row in rows {
        let jobs = row.jobs();
        let found = metrics(row.policy, &jobs);
        for (name, expected, found) in [
            ("response", row.response, found.response),
            ("turnaround", row.turnaround, found.turnaround),
            ("waiting", row.waiting, found.waiting),
        ] {
            let Some(expected) = expected else { continue };
            // Printed figures have up to four decimals.
            assert!((expected - found).abs() < 0.005, "{} {}: {name} {found}", row.set, row.policy);
        }
        if !row.ends.is_empty() {
            let found = ends(&timeline(row.policy, &jobs));
            assert_eq!(found, row.ends, "{} {}", row.set, row.policy);
        }
    }
}

/// Silberschatz, Galvin, Gagne: Operating System Concepts, chapter on CPU scheduling.
#[test]
fn averages_and_ends_are_those_of_silberschatz() {
    check(&[
        Row::new("silberschatz-fcfs", "fcfs").response(17.0).turnaround(27.0).waiting(17.0),
        Row::new("3,3,24", "fcfs").response(3.0).turnaround(13.0).waiting(3.0),
        Row::new("silberschatz-rr", "rr:4")
            .response(3.6667)
            .turnaround(15.6667)
            .waiting(5.6667)
            .ends(&[30.0, 7.0, 10.0]),
        Row::new("silberschatz-sjf", "sjf").waiting(7.0),
        Row::new("silberschatz-sjf", "fcfs").waiting(10.25),
        Row::new("silberschatz-srtf", "srtn")
            .response(4.25)
            .turnaround(13.0)
            .waiting(6.5)
            .ends(&[17.0, 5.0, 26.0, 10.0]),
        Row::new("silberschatz-srtf", "sjf").response(7.75).turnaround(14.25).waiting(7.75),
        Row::new("silberschatz-priority", "priority:low").response(8.2).turnaround(12.0).waiting(8.2),
        Row::new("silberschatz-priority", "rr:1").response(2.0).turnaround(9.2).waiting(5.4),
        Row::new("silberschatz-priority", "sjf").waiting(3.2),
        Row::new("silberschatz-priority", "fcfs").waiting(9.6),
    ]);
}

/// The figure of Silberschatz in which turnaround does not fall steadily with the quantum.
#[test]
fn turnaround_by_quantum_is_that_of_silberschatz() {
    let jobs = sets::find("silberschatz-quantum").unwrap().jobs();
    let turnaround = |quantum: u64| metrics(&format!("rr:{quantum}"), &jobs).turnaround;
    let found: Vec<f64> = (1..=7).map(turnaround).collect();
    assert_eq!(found, [11.0, 11.5, 10.75, 11.5, 12.25, 10.5, 10.5]);
}

/// Silberschatz: priorities, and round robin with quantum 2 among equals.
#[test]
fn priority_with_round_robin_is_that_of_silberschatz() {
    let jobs = sets::find("silberschatz-priority-rr").unwrap().jobs();
    let timeline = timeline("priority:low,rr=2", &jobs);
    let found: Vec<(&str, f64)> =
        timeline.running().map(|segment| (jobs[segment.job].name.as_str(), segment.to.as_units())).collect();
    let expected = [
        ("P4", 7.0),
        ("P2", 9.0),
        ("P3", 11.0),
        ("P2", 13.0),
        ("P3", 15.0),
        ("P2", 16.0),
        ("P3", 20.0),
        ("P1", 22.0),
        ("P5", 24.0),
        ("P1", 26.0),
        ("P5", 27.0),
    ];
    assert_eq!(found, expected);
}

/// Tanenbaum, Bos: Modern Operating Systems, section on scheduling and its exercises.
#[test]
fn averages_are_those_of_tanenbaum() {
    check(&[
        Row::new("tanenbaum-sjf", "fcfs").turnaround(14.0),
        Row::new("tanenbaum-sjf", "sjf").turnaround(11.0),
        Row::new("tanenbaum-arrivals", "sjf").turnaround(4.6),
        Row::new("tanenbaum-arrivals", "srtn").turnaround(3.4),
        Row::new("tanenbaum-batch", "priority").turnaround(20.0),
        Row::new("tanenbaum-batch", "fcfs").turnaround(19.2),
        Row::new("tanenbaum-batch", "sjf").turnaround(14.0),
        Row::new("tanenbaum-batch", "rr:1").turnaround(21.2),
    ]);
}

/// Tanenbaum's exercise shares the CPU among all jobs at the same time.
#[test]
fn cpu_sharing_is_that_of_tanenbaum() {
    let jobs = sets::find("tanenbaum-batch").unwrap().jobs();
    let ends: Vec<f64> = sharing::ends(&jobs, &[1.0; 5]).into_iter().map(Time::as_units).collect();
    assert_eq!(ends, [30.0, 24.0, 10.0, 18.0, 28.0]);
    assert_eq!(ends.iter().sum::<f64>() / 5.0, 22.0);
}

/// Tanenbaum: shortest job first is optimal only if all jobs arrive together.
#[test]
fn best_order_of_late_jobs_is_better_than_shortest_first() {
    let jobs = sets::find("tanenbaum-arrivals").unwrap().jobs();
    let (best, order) = super::properties::best_order(&jobs);
    assert_eq!(best, 4.4);
    assert_eq!(order, [1, 2, 3, 4, 0]);
}

/// Tanenbaum: CTSS needs 7 dispatches for 100 quanta, and 5 for 30.
#[test]
fn multilevel_needs_as_few_dispatches_as_ctss() {
    let classes = "multilevel:1,2,4,8,16,32,64";
    let long = metrics(classes, &jobs("100"));
    assert_eq!(long.dispatches, 7);
    assert_eq!(metrics(classes, &jobs("30")).dispatches, 5);
    let last = timeline(classes, &jobs("100")).dispatches[6].at;
    assert_eq!(100.0 - last.as_units(), 37.0);
}

/// OSTEP's mlfq.py gives the same ends for two jobs of 15.
#[test]
fn two_equal_jobs_in_four_classes_end_as_in_ostep() {
    check(&[Row::new("15,15", "multilevel:1,2,4,8").ends(&[22.0, 30.0])]);
}

/// Tanenbaum: user 1 has four jobs, user 2 has one.
#[test]
fn fair_share_among_users_is_that_of_tanenbaum() {
    let jobs = sets::find("tanenbaum-fair").unwrap().jobs();
    for (policy, expected) in [("fair", "AEBECEDEAE"), ("fair:2,1", "ABECDEABECDE")] {
        let found = units(&jobs, &timeline(policy, &jobs));
        assert_eq!(&found[..expected.len()], expected, "{policy}");
    }
}

/// Stallings: Operating Systems, comparison of scheduling policies. Feedback does not move a job
/// down that is alone.
#[test]
fn ends_are_those_of_stallings() {
    check(&[
        Row::new("stallings", "fcfs").turnaround(8.6).ends(&[3.0, 9.0, 13.0, 18.0, 20.0]),
        Row::new("stallings", "rr:1").turnaround(10.8).ends(&[4.0, 18.0, 17.0, 20.0, 15.0]),
        Row::new("stallings", "rr:4").turnaround(10.0).ends(&[3.0, 17.0, 11.0, 20.0, 19.0]),
        Row::new("stallings", "sjf").turnaround(7.6).ends(&[3.0, 9.0, 15.0, 20.0, 11.0]),
        Row::new("stallings", "srtn").turnaround(7.2).ends(&[3.0, 15.0, 8.0, 20.0, 10.0]),
        Row::new("stallings", "hrrn").turnaround(8.0).ends(&[3.0, 9.0, 13.0, 20.0, 15.0]),
        Row::new("stallings", "multilevel:1,1,1,1,1,1,demote=if-others")
            .turnaround(10.0)
            .ends(&[4.0, 20.0, 16.0, 19.0, 11.0]),
        Row::new("stallings", "multilevel:1,2,4,8,demote=if-others")
            .turnaround(10.6)
            .ends(&[4.0, 17.0, 18.0, 20.0, 14.0]),
        // The article's rule: a job that has used its quantum always moves down.
        Row::new("stallings", "multilevel:1,2,4,8").turnaround(10.4).ends(&[3.0, 17.0, 18.0, 20.0, 14.0]),
    ]);
}

/// A course of UC Davis; the first two rows are published, the others follow from the same rules.
#[test]
fn averages_are_those_of_uc_davis() {
    check(&[
        Row::new("ucdavis", "fcfs").turnaround(38.2).waiting(26.0),
        Row::new("ucdavis", "sjf").turnaround(25.2).waiting(13.0),
        Row::new("ucdavis", "srtn").turnaround(24.0).waiting(11.8),
        Row::new("ucdavis", "rr:5").turnaround(34.8),
    ]);
}

/// Arpaci-Dusseau: Operating Systems: Three Easy Pieces, and its scheduler.py.
#[test]
fn averages_are_those_of_ostep() {
    check(&[
        Row::new("ostep-equal", "fcfs").turnaround(20.0),
        Row::new("ostep-convoy", "fcfs").turnaround(110.0),
        Row::new("ostep-convoy", "sjf").turnaround(50.0),
        Row::new("ostep-late", "sjf").turnaround(103.3333),
        Row::new("ostep-late", "srtn").turnaround(50.0),
        Row::new("ostep-response", "rr:1").response(1.0).turnaround(14.0),
        Row::new("ostep-response", "sjf").response(5.0),
        Row::new("100,200,300", "rr:1")
            .response(1.0)
            .turnaround(465.6667)
            .waiting(265.6667)
            .ends(&[298.0, 499.0, 600.0]),
    ]);
}

/// OSTEP's chapter on proportional shares: tickets 100, 50 and 250.
#[test]
fn stride_runs_jobs_in_the_order_of_ostep() {
    let jobs = sets::find("ostep-stride").unwrap().jobs();
    let found = units(&jobs, &timeline("stride", &jobs));
    assert_eq!(&found[..8], "ABCCCACC");
    // 2 : 1 : 5 in every round.
    let round = &found[8..16];
    let count = |name| round.matches(name).count();
    assert_eq!((count("A"), count("B"), count("C")), (2, 1, 5));
}

/// The rule of the article: the running job loses one level for each tick.
#[test]
fn priority_with_ageing_lets_the_others_run() {
    let jobs = jobs("A:0:4:priority=5 B:0:4:priority=3 C:0:2:priority=1");
    assert_eq!(units(&jobs, &timeline("priority:ageing", &jobs)), "AAABBABCCB");
    assert_eq!(units(&jobs, &timeline("priority", &jobs)), "AAAABBBBCC");
}
