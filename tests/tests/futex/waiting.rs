use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use ipcraft::{ErrorKind, Result, futex};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::page;

/// Every form of waiting while the word is 0.
const FORMS: [fn(&AtomicU32, Duration) -> Result<()>; 4] = [
    |word, _| futex::wait(word, 0),
    |word, time| futex::wait_timeout(word, 0, time),
    |word, _| futex::wait_bits(word, 0, NonZeroU32::MIN),
    |word, time| futex::wait_bits_timeout(word, 0, NonZeroU32::MIN, time),
];

/// Every form with a timeout.
const TIMED: [fn(&AtomicU32, Duration) -> Result<()>; 2] = [FORMS[1], FORMS[3]];

#[serial_test]
fn wait_after_wake_returns() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    for wait in FORMS {
        for time in [LONG_TIMEOUT, Duration::from_secs(1 << 62), Duration::MAX] {
            let peer = Peer::start(|| wait(word, time).unwrap());
            peer.wait_asleep();
            assert_eq!(futex::wake(word, 1).unwrap(), 1);
            peer.join();
        }
    }
}

#[serial_test]
fn wait_with_changed_value_returns_immediately() {
    let word = AtomicU32::new(1);
    for wait in FORMS {
        for time in [Duration::ZERO, Duration::MAX] {
            wait(&word, time).unwrap();
        }
    }
}

#[serial_test]
fn wait_past_deadline_returns_timed_out() {
    let word = AtomicU32::new(0);
    for wait in TIMED {
        for time in [SHORT_TIMEOUT, Duration::ZERO] {
            let start = Instant::now();
            let error = wait(&word, time).unwrap_err();
            assert!(start.elapsed() >= time);
            assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(Errno::ETIMEDOUT as i32)));
        }
    }
}

#[serial_test]
fn wait_continues_after_process_is_stopped() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    let peer = Peer::start(|| futex::wait_timeout(word, 0, LONG_TIMEOUT).unwrap());
    peer.wait_asleep();
    kill(peer.pid(), Signal::SIGSTOP).unwrap();
    let stopped = waitpid(peer.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(stopped, WaitStatus::Stopped(peer.pid(), Signal::SIGSTOP));
    kill(peer.pid(), Signal::SIGCONT).unwrap();
    peer.wait_asleep();
    assert_eq!(futex::wake(word, 1).unwrap(), 1);
    peer.join();
}

#[serial_test]
fn wake_after_waiter_killed_wakes_none() {
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    let peer = Peer::start(|| futex::wait(word, 0).unwrap());
    peer.wait_asleep();
    peer.kill();
    assert_eq!(futex::wake_all(word).unwrap(), 0);
    assert_eq!(word.load(Acquire), 0, "the kernel changes no word");
}

#[serial_test]
fn wait_and_wake_alternate_two_processes() {
    const TURNS: u32 = 2000;
    let page = page();
    let word = page.atomic_u32(0).unwrap();
    let play = |mine: u32| {
        for turn in (0..TURNS).filter(|turn| turn % 2 == mine) {
            loop {
                let now = word.load(Acquire);
                if now == turn {
                    break;
                }
                futex::wait_timeout(word, now, LONG_TIMEOUT).unwrap();
            }
            word.store(turn + 1, Release);
            futex::wake(word, 1).unwrap();
        }
    };
    let peer = Peer::start(|| play(1));
    play(0);
    peer.join();
    assert_eq!(word.load(Acquire), TURNS);
}
