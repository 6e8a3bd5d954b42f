//! `ipcraft lab threads`.

use ipcraft_lab::threads::{
    Blocked, Count, Guard, Level, Order, Share, Switch, Threads, Updates, Way, threads,
};

use super::{Failure, Outcome, table};

/// The turns that fit in a line.
const SHOWN_TURNS: usize = 24;

pub(super) fn outcome() -> Result<Outcome, Failure> {
    let (threads, skipped) = threads()?;
    Ok(Outcome::new(text(&threads), &threads, skipped)?)
}

fn text(threads: &Threads) -> String {
    let mut parts = vec![
        blocked(&threads.blocked_read, &threads.never_yields),
        shares(&threads.shares),
        orders(&threads.orders),
    ];
    if !threads.switches.is_empty() {
        parts.push(switches(&threads.switches));
    }
    parts.push(updates(&threads.updates));
    parts.join("\n")
}

fn level(level: Level) -> &'static str {
    match level {
        Level::User => "user level (coroutines)",
        Level::Kernel => "kernel level",
    }
}

fn blocked(reads: &[Blocked], hogs: &[Blocked]) -> String {
    let mut rows =
        table(&["three threads on one core", "one of them", "for", "turns of the others meanwhile"]);
    for found in reads.iter().chain(hogs) {
        let part = match found.way {
            None => "computes, never yields",
            Some(Way::UserNonBlocking) => "reads without blocking, yields",
            Some(_) => "blocks in read(2)",
        };
        rows.add_row([
            level(found.level).to_owned(),
            part.to_owned(),
            format!("{} ms", found.us / 1000),
            found.turns_of_others.to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn shares(shares: &[Share]) -> String {
    let mut rows = table(&["two processes on one core", "with three threads", "with one thread", "expected"]);
    for share in shares {
        let percent = share.percent_of_three();
        rows.add_row([
            level(share.level).to_owned(),
            format!("{percent:.1} %"),
            format!("{:.1} %", 100.0 - percent),
            if share.level == Level::User { "50 : 50" } else { "75 : 25" }.to_owned(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn orders(orders: &[Order]) -> String {
    let mut rows = table(&["turns of A1 A2 A3 and B1 B2 B3", "next in the same process", "in the other"]);
    let mut shown = String::new();
    for order in orders {
        rows.add_row([level(order.level).to_owned(), order.within.to_string(), order.between.to_string()]);
        let turns: Vec<&str> = order.turns.iter().take(SHOWN_TURNS).map(String::as_str).collect();
        shown += &format!("{}: {} …\n", level(order.level), turns.join(" "));
    }
    format!("{}\n{shown}", rows.trim_fmt())
}

fn switches(counts: &[Count]) -> String {
    let mut rows = table(&["there and back", "instructions of the program", "system calls"]);
    for count in counts {
        rows.add_row([
            switch(count.switch).to_owned(),
            count.instructions.map_or_else(|| "-".into(), |instructions| instructions.to_string()),
            if count.instructions.is_some() { "" } else { "at least " }.to_owned()
                + &count.system_calls.to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn switch(switch: Switch) -> &'static str {
    match switch {
        Switch::Call => "call of a function",
        Switch::Future => "poll of a future",
        Switch::Coroutine => "resumption of a coroutine with a stack",
        Switch::Yield => "sched_yield(2)",
        Switch::Thread => "hand-over to a thread by futex(2)",
    }
}

fn updates(updates: &[Updates]) -> String {
    let mut rows = table(&["two coroutines add one", "expected", "found", "lost"]);
    for found in updates {
        let guard = match found.guard {
            Guard::NoSuspension => "no suspension between load and store",
            Guard::Nothing => "a suspension between load and store",
            Guard::Lock => "the same under a lock",
        };
        let lost = found.expected - found.found;
        rows.add_row([
            guard.to_owned(),
            found.expected.to_string(),
            found.found.to_string(),
            lost.to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}
