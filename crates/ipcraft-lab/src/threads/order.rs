//! The order of turns of two processes with three threads each, on one core.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use super::{Level, one_core, run};
use crate::Error;
use crate::worker::Team;

const THREADS: usize = 3;
const TIME: Duration = Duration::from_millis(400);
/// The length of a turn of a user-level thread: a fraction of a time slice.
const TURN: Duration = Duration::from_micros(100);
const MAX_TIME: Duration = Duration::from_secs(30);

// Words of shared memory: the thread that ran last, the number of turns, and which thread had each.
const LAST: usize = 0;
const COUNT: usize = 1;
const LOG: usize = 2;
const MAX_LOG: usize = 300;

/// Which threads ran in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What ran the threads.
    pub level: Level,
    /// The first turns: `A1` is the first thread of process A.
    pub turns: Vec<String>,
    /// How often a thread of the same process was next.
    pub within: usize,
    /// How often a thread of the other process was next.
    pub between: usize,
}

/// Records the turns of two processes with three threads each.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn order(level: Level) -> Result<Order, Error> {
    let shared = Shared::new()?;
    let team = Team::start(&shared, one_core()?, &[0, 1], &|me, desk| {
        let (end, words) = (Instant::now() + TIME, shared.clone());
        run(level, THREADS, move |thread, turn| {
            while Instant::now() < end {
                let turn_end = Instant::now() + TURN;
                while Instant::now() < turn_end {
                    record(words.words(), 1 + (me * THREADS + thread) as u64);
                }
                turn.end();
            }
        });
        desk.report(0, 1);
    })?;
    if !team.ends_within(MAX_TIME) || (0..2).any(|me| team.desk(me).figure(0) != 1) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    let count = (shared.words()[COUNT].load(SeqCst) as usize).min(MAX_LOG);
    let log: Vec<u64> = shared.words()[LOG..LOG + count].iter().map(|word| word.load(SeqCst)).collect();
    Ok(in_order(level, &log))
}

/// Records a thread that runs, if another one ran last.
fn record(words: &[AtomicU64], thread: u64) {
    if words[LAST].swap(thread, SeqCst) != thread {
        let position = words[COUNT].fetch_add(1, SeqCst) as usize;
        if position < MAX_LOG {
            words[LOG + position].store(thread, SeqCst);
        }
    }
}

fn in_order(level: Level, log: &[u64]) -> Order {
    let process = |thread: u64| thread.saturating_sub(1) as usize / THREADS;
    let name = |&thread: &u64| {
        let number = thread.saturating_sub(1) as usize % THREADS + 1;
        format!("{}{number}", if process(thread) == 0 { 'A' } else { 'B' })
    };
    let within = log.windows(2).filter(|pair| process(pair[0]) == process(pair[1])).count();
    Order {
        level,
        turns: log.iter().map(name).collect(),
        within,
        between: log.len().saturating_sub(1 + within),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_named_and_changes_of_process_counted() {
        let order = in_order(Level::User, &[1, 2, 3, 4, 6, 1]);
        assert_eq!(order.turns, ["A1", "A2", "A3", "B1", "B3", "A1"]);
        assert_eq!((order.within, order.between), (3, 2));
        assert_eq!(in_order(Level::User, &[]).between, 0);
    }
}
