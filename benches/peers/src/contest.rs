//! One row: slices of all its contestants in turns, so that what disturbs one disturbs all.
//!
//! A launch starts fresh processes for every contestant, all of which sleep while one of them works. Then they take turns,
//! first in order, then in reverse: a machine that gets steadily slower or faster favours nobody. Ratios are of slices of
//! one round.

use std::time::Duration;

use ipcraft_bench::{Failure, Seats, Watch};

use crate::control::{Report, Slice};
use crate::launch::Launch;
use crate::rows::{Contestant, Row, Task};
use crate::tally::Tally;

/// Below this a round trip is timed in batches, since reading the clock would be a good part of it.
const BATCHED_BELOW_NS: f64 = 1000.0;
const BATCH: u64 = 100;
/// What a sample of a stream of small messages should take: long enough for the ring to have been full and empty, and much
/// shorter than the turns of a scheduler.
const BLOCK_NS: f64 = 30_000.0;
/// It is whole batches, of which contestants send 64 messages at once.
const LEAST_BLOCK: u64 = 64;
const MOST_BLOCK: u64 = 1 << 16;
/// From this size on a message of a stream is a sample.
const LARGE: usize = 4096;
/// No slice has more messages than this.
const MOST: f64 = 40e6;

/// A request to stop was heard.
#[derive(Debug)]
pub(crate) struct Stopped;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Fresh starts of all processes.
    pub(crate) launches: u32,
    /// Slices of each contestant in a launch.
    pub(crate) rounds: u32,
    /// What a slice should take.
    pub(crate) slice: Duration,
}

/// One row and what is known of it.
pub(crate) struct Contest {
    pub(crate) row: &'static Row,
    pub(crate) seats: Seats,
    pub(crate) entries: Vec<Entry>,
    /// The number of the next message: no two slices share numbers.
    next: u64,
}

/// One contestant and what is known of it.
pub(crate) struct Entry {
    pub(crate) contestant: &'static Contestant,
    pub(crate) tally: Tally,
    /// Time of its slices to that of the first contestant's in the same round.
    pub(crate) ratios: Vec<f64>,
    /// Why it takes part no more.
    pub(crate) error: Option<String>,
}

/// A contestant's processes and the slice that fits it.
struct Player {
    entry: usize,
    launch: Launch,
    slice: Slice,
}

impl Contest {
    pub(crate) fn new(row: &'static Row, seats: Seats, takes_part: impl Fn(&Contestant) -> bool) -> Contest {
        let entry = |contestant| Entry { contestant, tally: Tally::new(), ratios: Vec::new(), error: None };
        let entries = row.contestants.iter().filter(|contestant| takes_part(contestant)).map(entry).collect();
        Contest { row, seats, entries, next: 0 }
    }

    /// One launch of all contestants; true when every process was bound to its core.
    pub(crate) fn launch(&mut self, effort: Effort, watch: Watch<'_>) -> Result<bool, Stopped> {
        let mut players = Vec::new();
        for entry in 0..self.entries.len() {
            if self.entries[entry].error.is_none() {
                players.extend(self.enlist(entry, effort, watch)?);
            }
        }
        let pinned = players.iter().all(|player| player.launch.pinned);
        for round in 0..effort.rounds {
            self.round(&mut players, round % 2 == 1, watch)?;
        }
        Ok(pinned)
    }

    /// Starts one contestant and finds out how many of its messages fill a slice.
    fn enlist(&mut self, entry: usize, effort: Effort, watch: Watch<'_>) -> Result<Option<Player>, Stopped> {
        let (row, seats) = (self.row, self.seats);
        let launched = Launch::start(row, self.entries[entry].contestant, seats, watch);
        let Some(launch) = self.sort_out(entry, launched)? else {
            return Ok(None);
        };
        self.entries[entry].tally.begin_launch();
        let mut player = Player { entry, launch, slice: first_slice(row) };
        for target in [effort.slice / 20, effort.slice / 4, effort.slice] {
            let Some(report) = self.turn(&mut player, watch)? else {
                return Ok(None);
            };
            let time = report.elapsed_ns as f64 / player.slice.messages as f64;
            player.slice = sized(row, time, target);
        }
        Ok(Some(player))
    }

    /// A slice of each player.
    fn round(&mut self, players: &mut Vec<Player>, reversed: bool, watch: Watch<'_>) -> Result<(), Stopped> {
        if reversed {
            players.reverse();
        }
        let mut times = vec![None; self.entries.len()];
        for player in players.iter_mut() {
            if let Some(report) = self.turn(player, watch)? {
                let tally = &mut self.entries[player.entry].tally;
                times[player.entry] = Some(tally.record(self.row.task, &player.slice, &report));
            }
        }
        if reversed {
            players.reverse();
        }
        players.retain(|player| self.entries[player.entry].error.is_none());
        self.compare(&times);
        Ok(())
    }

    fn compare(&mut self, times: &[Option<f64>]) {
        let Some(Some(reference)) = times.first() else {
            return;
        };
        for (entry, time) in self.entries.iter_mut().zip(times) {
            entry.ratios.extend(time.map(|time| time / reference));
        }
    }

    /// One slice of one player.
    fn turn(&mut self, player: &mut Player, watch: Watch<'_>) -> Result<Option<Report>, Stopped> {
        player.slice.first = self.next;
        self.next += player.slice.messages + 2 * player.slice.warm_up;
        let report = player.launch.run(&player.slice, watch);
        self.sort_out(player.entry, report)
    }

    /// A failure stays with its contestant; only a request to stop ends everything.
    fn sort_out<T>(&mut self, entry: usize, result: Result<T, Failure>) -> Result<Option<T>, Stopped> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(why)) => {
                self.entries[entry].error = Some(why);
                Ok(None)
            }
        }
    }
}

/// A few messages, of which nobody knows yet how long they take.
fn first_slice(row: &Row) -> Slice {
    match row.task {
        Task::RoundTrip => Slice { first: 0, warm_up: 4, messages: 16, batch: 1 },
        Task::Stream if row.size >= LARGE => Slice { first: 0, warm_up: 4, messages: 16, batch: 1 },
        Task::Stream => {
            Slice { first: 0, warm_up: LEAST_BLOCK, messages: 8 * LEAST_BLOCK, batch: LEAST_BLOCK }
        }
        Task::SetUp => Slice { first: 0, warm_up: 1, messages: 2, batch: 1 },
    }
}

/// A slice that takes about `target` when a message takes `time` nanoseconds.
fn sized(row: &Row, time: f64, target: Duration) -> Slice {
    let fitting = (target.as_nanos() as f64 / time.max(0.1)).clamp(4.0, MOST) as u64;
    let batch = match row.task {
        Task::RoundTrip if time < BATCHED_BELOW_NS => BATCH,
        Task::Stream if row.size < LARGE => block(time),
        Task::RoundTrip | Task::Stream | Task::SetUp => 1,
    };
    let messages = fitting.next_multiple_of(batch);
    let warm_up = match row.task {
        Task::RoundTrip => (messages / 10).clamp(4, 1000),
        // In full flow, with every buffer as full as it will be.
        Task::Stream => (messages / 4).max(4).next_multiple_of(batch),
        Task::SetUp => 1,
    };
    Slice { first: 0, warm_up, messages, batch }
}

fn block(time: f64) -> u64 {
    let fitting = (BLOCK_NS / time.max(0.1)) as u64;
    fitting.clamp(LEAST_BLOCK, MOST_BLOCK).next_multiple_of(LEAST_BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::ROWS;

    fn row(task: Task, large: bool) -> &'static Row {
        ROWS.iter().find(|row| row.task == task && (row.size >= LARGE) == large).unwrap()
    }

    const TARGET: Duration = Duration::from_millis(10);

    #[test]
    fn fast_round_trips_are_timed_in_batches() {
        let fast = sized(row(Task::RoundTrip, false), 100.0, TARGET);
        assert_eq!((fast.messages, fast.batch), (100_000, 100));
        let slow = sized(row(Task::RoundTrip, false), 10_000.0, TARGET);
        assert_eq!((slow.messages, slow.batch), (1000, 1));
    }

    #[test]
    fn small_streams_are_made_of_whole_batches_of_64() {
        for time in [0.3, 1.5, 70.0, 2000.0, 1e6] {
            let slice = sized(row(Task::Stream, false), time, TARGET);
            assert!(slice.batch.is_multiple_of(64) && slice.messages.is_multiple_of(slice.batch));
            assert!(slice.warm_up.is_multiple_of(slice.batch) && slice.warm_up >= slice.messages / 4);
        }
    }

    #[test]
    fn every_large_message_is_a_sample() {
        let slice = sized(row(Task::Stream, true), 30_000.0, TARGET);
        assert_eq!((slice.messages, slice.batch, slice.warm_up), (333, 1, 83));
    }

    #[test]
    fn ratios_are_to_the_first_and_need_both() {
        let free = Seats { client: None, server: None };
        let mut contest = Contest::new(row(Task::RoundTrip, false), free, |_| true);
        let mut times = vec![None; contest.entries.len()];
        contest.compare(&times);
        times[1] = Some(8.0);
        contest.compare(&times);
        assert!(contest.entries.iter().all(|entry| entry.ratios.is_empty()));
        times[0] = Some(2.0);
        contest.compare(&times);
        assert_eq!(contest.entries[1].ratios, [4.0]);
        assert!(contest.entries[2].ratios.is_empty());
    }
}
