//! `ipcraft lab wakeup`.

use std::time::Duration;

use ipcraft_bench::{Cores, Placement};
use ipcraft_lab::Skipped;
use ipcraft_lab::wakeup::{
    Chance, Construction, Counting, Method, SemaphoreFacts, Spinning, by_chance, construct, semaphore_facts,
    spinning, two_wakeups,
};
use serde::Serialize;

use super::{Failure, Outcome, table};

/// The runs of the construction, for each method.
const RUNS: u32 = 100;
/// The runs until a wake-up is lost by chance, and the time for each.
const CHANCE_RUNS: u32 = 11;
const CHANCE_LIMIT: Duration = Duration::from_millis(500);
/// What the consumer spends between its test and its sleep.
const GAPS: [Duration; 3] = [Duration::ZERO, Duration::from_micros(5), Duration::from_micros(50)];

#[derive(Serialize)]
struct Results {
    constructions: Vec<Construction>,
    chances: Vec<Chance>,
    two_wakeups: Vec<Counting>,
    spinning: Vec<Spinning>,
    semaphore: SemaphoreFacts,
}

pub(super) fn outcome() -> Result<Outcome, Failure> {
    let mut skipped = Vec::new();
    let constructions =
        Method::ALL.iter().map(|&method| construct(method, RUNS)).collect::<Result<Vec<_>, _>>()?;
    let mut chances = Vec::new();
    for &placement in Placement::ALL {
        if Cores::of_this_process().cpu_pair(placement).is_some() {
            for gap in GAPS {
                chances.push(by_chance(placement, gap, CHANCE_RUNS, CHANCE_LIMIT)?);
            }
        } else {
            let experiment = format!("lost wake-up by chance on {}", placement.name());
            skipped.push(Skipped { experiment, needs: "a second core".into() });
        }
    }
    let results = Results {
        constructions,
        chances,
        two_wakeups: Method::MEMORISING
            .iter()
            .map(|&method| two_wakeups(method))
            .collect::<Result<Vec<_>, _>>()?,
        spinning: vec![spinning(true)?, spinning(false)?],
        semaphore: semaphore_facts()?,
    };
    let parts = [
        constructions_text(&results.constructions),
        chances_text(&results.chances),
        counting_text(&results.two_wakeups),
        spinning_text(&results.spinning),
        semaphore_text(&results.semaphore),
    ];
    Ok(Outcome::new(parts.join("\n"), &results, skipped)?)
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Signal => "signal, pause",
        Method::WaitingBit => "blocked signal, sigsuspend (one bit)",
        Method::QueuedSignal => "blocked realtime signal, sigwaitinfo (a queue)",
        Method::Semaphore => "semaphore",
        Method::EventFd => "eventfd",
        Method::Futex => "futex",
        Method::Condvar => "condition variable",
    }
}

fn constructions_text(constructions: &[Construction]) -> String {
    let mut rows = table(&["the consumer is stopped between its test and its sleep", "runs", "lost"]);
    for found in constructions {
        rows.add_row([name(found.method).to_owned(), found.runs.to_string(), found.lost.to_string()]);
    }
    let mut text = format!("{}\n", rows.trim_fmt());
    if let Some(proof) = constructions.iter().find_map(|found| found.proof) {
        let state = |sleeps| if sleeps { "sleeps" } else { "does not sleep" };
        text += &format!(
            "The kernel shows: the consumer {}, the producer {}, {} of {} places are full, {} signal is pending.\n",
            state(proof.consumer_sleeps),
            state(proof.producer_sleeps),
            proof.count,
            proof.capacity,
            if proof.is_signal_pending { "a" } else { "no" },
        );
    }
    text
}

fn chances_text(chances: &[Chance]) -> String {
    let mut rows = table(&[
        "signal, pause: until both sleep",
        "between test and sleep",
        "runs",
        "lost",
        "median of items",
        "items of all runs",
    ]);
    for found in chances {
        let place = if found.placement == Placement::TwoCores { "two cores" } else { "one core" };
        rows.add_row([
            place.to_owned(),
            format!("{} us", found.gap_us),
            found.runs.to_string(),
            found.lost.to_string(),
            found.median_items.map_or_else(|| "not within 0.5 s".into(), |items| items.to_string()),
            found.items.to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn counting_text(found: &[Counting]) -> String {
    let mut rows = table(&["two processes wake a third that is awake", "wake-ups", "sleeps that return"]);
    for counting in found {
        rows.add_row([
            name(counting.method).to_owned(),
            counting.sent.to_string(),
            counting.returned.to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn spinning_text(found: &[Spinning]) -> String {
    let mut rows = table(&["a consumer beside a producer that takes 1 ms for each item", "its CPU time"]);
    for spinning in found {
        let way = if spinning.spins { "spins" } else { "sleeps" };
        rows.add_row([way.to_owned(), format!("{:.1} %", 100.0 * spinning.share())]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn semaphore_text(found: &SemaphoreFacts) -> String {
    format!(
        "semaphore: after an up with a sleeper the value is {}, and the sleeper has {}.\n\
         semaphore: {} ups without a sleeper did not block, and the value is {}.\n\
         semaphore: an up at the largest value does not block either: {}\n",
        found.value_after_up_with_sleeper,
        if found.sleeper_returned { "returned" } else { "not returned" },
        found.ups,
        found.value_after_ups,
        found.up_at_the_largest_value,
    )
}
