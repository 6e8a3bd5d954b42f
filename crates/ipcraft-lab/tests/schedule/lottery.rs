//! The lottery: shares follow the tickets, within the spread of chance.

use ipcraft_lab::schedule::Job;

use super::support::{ends, jobs, timeline};

/// Returns how many of the first `draws` quanta the first job won.
fn wins(seed: u64, draws: usize) -> usize {
    let jobs = jobs("A:0:100000:tickets=3 B:0:100000:tickets=1");
    let long: Vec<Job> = jobs
        .into_iter()
        .map(|mut job| {
            let length = ipcraft_lab::schedule::Time::units(draws as u64);
            job.bursts = vec![ipcraft_lab::schedule::Burst::Compute(length)];
            job
        })
        .collect();
    let timeline = timeline(&format!("lottery@{seed}"), &long);
    timeline.dispatches[..draws].iter().filter(|dispatch| dispatch.job == 0).count()
}

#[test]
fn share_of_ten_thousand_draws_is_that_of_the_tickets() {
    for seed in 1..=3 {
        let found = wins(seed, 10_000) as f64;
        // The standard deviation is 43.3.
        assert!((found - 7_500.0).abs() < 5.0 * 43.3, "seed {seed}: {found}");
    }
}

#[test]
fn spread_over_a_thousand_seeds_is_the_binomial_one() {
    let wins: Vec<f64> = (0..1_000).map(|seed| wins(seed, 1_000) as f64).collect();
    let mean = wins.iter().sum::<f64>() / 1_000.0;
    let variance = wins.iter().map(|wins| (wins - mean).powi(2)).sum::<f64>() / 999.0;
    let expected = (1_000.0_f64 * 0.75 * 0.25).sqrt();
    assert!((mean - 750.0).abs() < 5.0 * expected / 1_000.0_f64.sqrt(), "{mean}");
    assert!((variance.sqrt() / expected - 1.0).abs() < 0.1, "{}", variance.sqrt());
}

#[test]
fn equal_seeds_draw_equal_tickets_and_others_do_not() {
    let jobs = jobs("20,20,20");
    let order = |seed: u64| timeline(&format!("lottery@{seed}"), &jobs).order();
    assert_eq!(order(7), order(7));
    assert_ne!(order(7), order(8));
}

/// OSTEP's measure: the first end over the second. It comes near 1 for long jobs.
#[test]
fn two_equal_jobs_end_nearly_together_if_they_are_long() {
    let ratio = |length: u64| {
        let jobs = jobs(&format!("{length},{length}"));
        let of = |seed: u64| {
            let ends = ends(&timeline(&format!("lottery@{seed}"), &jobs));
            ends[0].min(ends[1]) / ends[0].max(ends[1])
        };
        (0..50).map(of).sum::<f64>() / 50.0
    };
    let (short, long) = (ratio(4), ratio(1_000));
    assert!(short < 0.9 && long > 0.95, "{short} {long}");
}
