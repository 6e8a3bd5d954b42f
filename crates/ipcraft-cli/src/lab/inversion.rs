//! `ipcraft lab inversion`.

use ipcraft_lab::inversion::{CRITICAL_SECTION, HOG, Lock, Ranks, SPIN_LIMIT, inversions};

use super::{Failure, Outcome, table};

pub(super) fn outcome() -> Result<Outcome, Failure> {
    let (measured, skipped) = inversions()?;
    let mut rows =
        table(&["priorities", "the urgent process", "a process in the middle", "waited for the lock"]);
    for inversion in &measured {
        rows.add_row([
            ranks(inversion.case.ranks).to_owned(),
            lock(inversion.case.lock).to_owned(),
            if inversion.case.has_hog { "runs" } else { "-" }.to_owned(),
            waited(inversion.waited_ns),
        ]);
    }
    let mut text = format!("{}\n\n{}", rows.trim_fmt(), legend());
    if measured.iter().any(|inversion| !inversion.is_pinned) {
        text += "The processes could not be bound to one core, so the waits mean nothing.\n";
    }
    Ok(Outcome::new(text, &measured, skipped)?)
}

fn ranks(ranks: Ranks) -> &'static str {
    match ranks {
        Ranks::Realtime => "SCHED_FIFO 1, 2, 3",
        Ranks::Mixed => "SCHED_OTHER twice, SCHED_FIFO",
        Ranks::Ordinary => "SCHED_IDLE, SCHED_OTHER twice",
    }
}

fn lock(lock: Lock) -> &'static str {
    match lock {
        Lock::Spinning => "spins",
        Lock::Sleeping => "sleeps",
        Lock::Inheriting => "sleeps, lends its priority",
    }
}

fn waited(ns: Option<u64>) -> String {
    let limit = SPIN_LIMIT.as_millis();
    ns.map_or_else(|| format!("not within {limit} ms"), |ns| format!("{:.1} ms", ns as f64 / 1e6))
}

fn legend() -> String {
    format!(
        "One core. The owner of the lock needs {} ms of it, the process in the middle {} ms.\n\
         The kernel lends real-time priorities only: ordinary processes gain nothing.\n",
        CRITICAL_SECTION.as_millis(),
        HOG.as_millis(),
    )
}
