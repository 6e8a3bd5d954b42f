use std::mem::forget;
use std::thread;

use ipcraft::shm::Plain;
use ipcraft::sync::{Event, LockError, Mutex, MutexGuard, RwLock};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::unistd::pause;

/// The number of locks that the kernel releases when a thread dies (`ROBUST_LIST_LIMIT`).
const MAX_LOCKS: usize = 2048;

fn assert_limit(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    let limit = error.limit().expect("a limit");
    assert_eq!((limit.name(), limit.value()), ("ROBUST_LIST_LIMIT", MAX_LOCKS as u64));
    assert_eq!(limit.requested(), Some(MAX_LOCKS as u64 + 1));
}

fn assert_refused<T: Plain>(outcome: Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>>) {
    match outcome {
        Err(LockError::Failed(error)) => assert_limit(&error),
        _ => panic!("the kernel would not release this lock"),
    }
}

#[serial_test]
fn lock_beyond_2048_fails_and_a_death_releases_all_held() {
    let all =
        shared_value(|all: &[Mutex<u64>; MAX_LOCKS + 1]| all.iter().try_for_each(|mutex| mutex.init(0)));
    let (held, extra) = (&all[..MAX_LOCKS], &all[MAX_LOCKS]);
    let refused = shared_value(|_: &Event| Ok(()));
    let owner = Peer::start(|| {
        held.iter().for_each(|mutex| forget(mutex.lock().unwrap()));
        assert_refused(extra.lock());
        assert_refused(extra.try_lock());
        assert_refused(extra.lock_timeout(LONG_TIMEOUT));
        // Another thread of the process may lock.
        thread::scope(|scope| scope.spawn(|| drop(extra.lock().unwrap())).join()).unwrap();
        refused.set().unwrap();
        pause();
    });
    refused.wait().unwrap();
    drop(extra.try_lock().expect("the lock is free"));
    owner.kill();
    let mut inconsistent = 0;
    for mutex in held {
        match mutex.lock_timeout(LONG_TIMEOUT) {
            Err(LockError::Inconsistent(guard)) => {
                inconsistent += 1;
                drop(guard.mark_consistent());
            }
            other => panic!("after {inconsistent}: {other:?}"),
        }
    }
    assert_eq!(inconsistent, MAX_LOCKS);

    let guards: Vec<_> = held.iter().map(|mutex| mutex.lock().unwrap()).collect();
    assert_refused(extra.lock());
    drop(guards);
    drop(extra.lock().unwrap());
}

#[serial_test]
fn write_counts_as_one_lock_towards_the_limit() {
    type Table = RwLock<u64, 2>;
    let tables =
        shared_value(|tables: &[Table; MAX_LOCKS + 1]| tables.iter().try_for_each(|table| table.init(0)));
    let (held, extra) = (&tables[..MAX_LOCKS], &tables[MAX_LOCKS]);
    let owner = Peer::start(|| {
        held.iter().for_each(|table| forget(table.write().unwrap()));
        match extra.write() {
            Err(LockError::Failed(error)) => assert_limit(&error),
            other => panic!("{other:?}"),
        }
        assert_limit(&extra.read().unwrap_err());
        pause();
    });
    owner.wait_asleep();
    drop(extra.write_timeout(LONG_TIMEOUT).expect("the lock is free"));
    owner.kill();
    for table in held {
        assert_eq!(table.read_timeout(LONG_TIMEOUT).unwrap_err().kind(), ErrorKind::OwnerDied);
        drop(table.write_timeout(LONG_TIMEOUT).or_else(|e| e.repair(|_| ())).unwrap());
    }
}
