//! How long a slice is, and how many messages fill it.

use std::time::Duration;

use crate::workload::{Slice, Workload};

/// The length of a slice if there is time for enough of them. It is shorter than the time that the
/// scheduler gives to a neighbour (about 3 ms), so that many slices meet none.
const SLICE_TIME: Duration = Duration::from_millis(2);
/// The length of the shortest slice.
const MIN_SLICE_TIME: Duration = Duration::from_micros(300);
/// Slices of each implementation in one launch, even if that exceeds the time budget.
pub(super) const MIN_ROUNDS: u32 = 2;
/// Messages in the longest slice.
const MAX_MESSAGES: f64 = 4e6;
/// A message that takes less is timed in batches: otherwise much of a sample is the reading of the
/// clock.
const BATCHED_BELOW_NS: f64 = 1000.0;
/// Messages in a batch.
const BATCH: u64 = 100;
/// Messages timed one by one beside batches.
const MAX_SINGLES: u64 = 1000;
/// The rate of [`Workload::Rate`], in messages per second.
pub(super) const RATE_PER_S: u64 = 1000;

/// Returns the first slice, of a few messages, with which the time per message is estimated.
pub(super) fn first_slice(workload: Workload, size: usize, window: Option<u64>) -> Slice {
    Slice { warm_up: 4, window, ..Slice::new(workload, size, 8) }
}

/// Returns the time of one slice. It is shorter than usual if the time left does not hold the
/// smallest number of rounds and the calibration.
pub(super) fn slice_time(left: Duration, implementations: usize) -> Duration {
    let slices = (MIN_ROUNDS + 2) * implementations as u32;
    (left / slices).clamp(MIN_SLICE_TIME, SLICE_TIME)
}

/// Returns a slice that takes about `target` if a message takes `time_ns`.
pub(super) fn sized(slice: &Slice, time_ns: f64, target: Duration) -> Slice {
    let batched = slice.workload != Workload::Stream && time_ns < BATCHED_BELOW_NS;
    let batched = Slice { batch: if batched { BATCH } else { 1 }, ..slice.clone() };
    with_messages(&batched, messages_within(target, time_ns))
}

/// Returns a fifth of a slice, which warms up fresh processes.
pub(super) fn fifth(slice: &Slice) -> Slice {
    with_messages(slice, (slice.messages / 5).max(8))
}

/// Returns the slice of a former launch with the length that takes about `target`. A slice that was
/// batched once stays so, even if a disturbance makes its messages slow.
pub(super) fn resized(slice: &Slice, time_ns: f64, target: Duration) -> Slice {
    if slice.batch == 1 {
        return sized(slice, time_ns, target);
    }
    with_messages(slice, messages_within(target, time_ns))
}

fn with_messages(slice: &Slice, messages: u64) -> Slice {
    let messages = messages.next_multiple_of(slice.batch);
    Slice {
        messages,
        singles: if slice.batch > 1 { messages.min(MAX_SINGLES) } else { 0 },
        warm_up: warm_up(slice.workload, messages),
        ..slice.clone()
    }
}

fn messages_within(target: Duration, time_ns: f64) -> u64 {
    (target.as_nanos() as f64 / time_ns).clamp(8.0, MAX_MESSAGES) as u64
}

/// Returns the same slice, or a shorter one if it took many times the time of a slice. On a loaded
/// machine, mechanisms that spin or yield can slow down a thousandfold within a moment.
pub(super) fn shortened(slice: Slice, took: Duration) -> Slice {
    if slice.workload.is_scheduled() || took < 8 * SLICE_TIME {
        return slice;
    }
    sized(&slice, took.as_nanos() as f64 / slice.messages as f64, SLICE_TIME)
}

/// A stream warms up until all buffers are filled; other workloads only warm the caches.
fn warm_up(workload: Workload, messages: u64) -> u64 {
    match workload {
        Workload::Stream => (messages / 4).max(4),
        _ => (messages / 10).clamp(4, 100),
    }
}

/// Returns a slice on a schedule. It is longer: it consists mostly of waiting, or has to contain
/// several turns of both processes.
pub(super) fn scheduled(workload: Workload, size: usize, window: Option<u64>, target: Duration) -> Slice {
    let interval = Duration::from_secs(1) / RATE_PER_S as u32;
    let messages = (4 * target.as_nanos() / interval.as_nanos()).max(5) as u64;
    Slice { window, interval_ns: interval.as_nanos() as u64, ..Slice::new(workload, size, messages) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slice_time_shrinks_with_the_time_left_to_a_minimum() {
        assert_eq!(slice_time(Duration::from_secs(1), 2), SLICE_TIME);
        assert_eq!(slice_time(Duration::from_millis(8), 2), Duration::from_millis(1));
        assert_eq!(slice_time(Duration::ZERO, 2), MIN_SLICE_TIME);
    }

    #[test]
    fn sized_batches_messages_below_a_microsecond() {
        let slice = Slice::new(Workload::RoundTrip, 64, 8);
        let fast = sized(&slice, 100.0, SLICE_TIME);
        assert_eq!((fast.messages, fast.batch, fast.singles), (20_000, 100, 1000));
        let slow = sized(&slice, 10_000.0, SLICE_TIME);
        assert_eq!((slow.messages, slow.batch, slow.singles), (200, 1, 0));
    }

    #[test]
    fn sized_stream_warms_up_for_a_quarter() {
        let slice = sized(&Slice::new(Workload::Stream, 64, 8), 1000.0, SLICE_TIME);
        assert_eq!((slice.messages, slice.warm_up), (2000, 500));
    }

    #[test]
    fn resized_keeps_the_batch_of_former_launches() {
        let slice = Slice { batch: 100, ..Slice::new(Workload::RoundTrip, 64, 5000) };
        assert_eq!(fifth(&slice).messages, 1000);
        let slower = resized(&slice, 2000.0, SLICE_TIME);
        assert_eq!((slower.messages, slower.batch, slower.singles), (1000, 100, 1000));
        let single = Slice::new(Workload::RoundTrip, 64, 20);
        assert_eq!((fifth(&single).messages, fifth(&single).singles), (8, 0));
    }

    #[test]
    fn shortened_reduces_only_slices_that_took_far_too_long() {
        let slice = Slice::new(Workload::RoundTrip, 64, 500);
        assert_eq!(shortened(slice.clone(), 2 * SLICE_TIME).messages, 500);
        assert_eq!(shortened(slice.clone(), 10 * SLICE_TIME).messages, 50);
        assert_eq!(shortened(slice, 10_000 * SLICE_TIME).messages, 8);
    }
}
