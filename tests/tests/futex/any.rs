use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::futex::{self, Waiter};
use ipcraft_tests::kernel::skipped_without_futex_waitv;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use super::page;

#[serial_test]
fn wait_any_of_128_words_returns_index_of_woken_word() -> Outcome {
    if let Some(skipped) = skipped_without_futex_waitv() {
        return skipped;
    }
    let page = page();
    let words: Vec<&AtomicU32> = (0..128).map(|index| page.atomic_u32(4 * index).unwrap()).collect();
    let waiters: Vec<Waiter<'_>> = words.iter().map(|word| Waiter::new(word, 0)).collect();
    for (count, index) in [(128, 127), (128, 0), (128, 77), (1, 0)] {
        for time in [None, Some(LONG_TIMEOUT), Some(Duration::MAX)] {
            let waiters = &waiters[..count];
            let peer = Peer::start(|| {
                let woken = match time {
                    None => futex::wait_any(waiters),
                    Some(time) => futex::wait_any_timeout(waiters, time),
                };
                assert_eq!(woken.unwrap(), Some(index));
            });
            peer.wait_asleep();
            assert_eq!(futex::wake(words[index], 1).unwrap(), 1);
            peer.join();
        }
    }
    Outcome::Passed
}

#[serial_test]
fn wait_any_with_changed_value_returns_immediately() -> Outcome {
    if let Some(skipped) = skipped_without_futex_waitv() {
        return skipped;
    }
    let words = [0, 1, 0].map(AtomicU32::new);
    let waiters = words.each_ref().map(|word| Waiter::new(word, 0));
    assert_eq!(futex::wait_any(&waiters).unwrap(), None);
    assert_eq!(
        futex::wait_any_timeout(&waiters, Duration::ZERO).unwrap(),
        None,
        "the changed value is found first"
    );
    Outcome::Passed
}

#[serial_test]
fn wait_any_past_deadline_returns_timed_out() -> Outcome {
    if let Some(skipped) = skipped_without_futex_waitv() {
        return skipped;
    }
    let words = [0, 1].map(AtomicU32::new);
    let waiters = [Waiter::new(&words[0], 0), Waiter::new(&words[1], 1)];
    for time in [SHORT_TIMEOUT, Duration::ZERO] {
        let start = Instant::now();
        let error = futex::wait_any_timeout(&waiters, time).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(libc::ETIMEDOUT)));
        assert!(start.elapsed() >= time);
    }
    Outcome::Passed
}
