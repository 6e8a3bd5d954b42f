use std::mem::forget;
use std::thread;

use ipcraft::shm::Plain;
use ipcraft::sync::{Event, LockError, Mutex, MutexGuard, RwLock};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::LONG;
use super::zone::shared;

/// The kernel's `ROBUST_LIST_LIMIT`.
const MOST: usize = 2048;

fn assert_limit(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    let limit = error.limit().expect("a limit");
    assert_eq!((limit.name(), limit.value()), ("ROBUST_LIST_LIMIT", MOST as u64));
    assert_eq!(limit.requested(), Some(MOST as u64 + 1));
}

fn assert_refused<T: Plain>(outcome: Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>>) {
    match outcome {
        Err(LockError::Failed(error)) => assert_limit(&error),
        _ => panic!("one more than the kernel frees"),
    }
}

pub(super) fn of_the_kernel_are_reached_and_no_lock_is_lost() {
    let all = shared(|all: &[Mutex<u64>; MOST + 1]| all.iter().try_for_each(|mutex| mutex.init(0)));
    let (most, one_more) = (&all[..MOST], &all[MOST]);
    let refused = shared(|_: &Event| Ok(()));
    let owner = Peer::start(|| {
        most.iter().for_each(|mutex| forget(mutex.lock().unwrap()));
        assert_refused(one_more.lock());
        assert_refused(one_more.try_lock());
        assert_refused(one_more.lock_timeout(LONG));
        // The limit is a thread's, not a process's.
        thread::scope(|scope| scope.spawn(|| drop(one_more.lock().unwrap())).join()).unwrap();
        refused.set().unwrap();
        pause();
    });
    refused.wait().unwrap();
    drop(one_more.try_lock().expect("nobody has it"));
    owner.kill();
    let mut told = 0;
    for mutex in most {
        match mutex.lock_timeout(LONG) {
            Err(LockError::Inconsistent(guard)) => {
                told += 1;
                drop(guard.mark_consistent());
            }
            other => panic!("after {told}: {other:?}"),
        }
    }
    assert_eq!(told, MOST);

    let guards: Vec<_> = most.iter().map(|mutex| mutex.lock().unwrap()).collect();
    assert_refused(one_more.lock());
    drop(guards);
    drop(one_more.lock().unwrap());
}

pub(super) fn count_each_slot_of_a_writer() {
    const READERS: usize = 32;
    const WRITER: usize = READERS + 1;
    type Table = RwLock<u64, READERS>;
    let tables =
        shared(|tables: &[Table; MOST / WRITER + 1]| tables.iter().try_for_each(|table| table.init(0)));
    let rest = shared(|rest: &[Mutex<u64>; MOST % WRITER]| rest.iter().try_for_each(|mutex| mutex.init(0)));
    let (most, one_more) = (&tables[..MOST / WRITER], &tables[MOST / WRITER]);
    let owner = Peer::start(|| {
        most.iter().for_each(|table| forget(table.write().unwrap()));
        match one_more.write() {
            Err(LockError::Failed(error)) => assert_limit(&error),
            other => panic!("{other:?}"),
        }
        drop(one_more.read().expect("what the refused writer took it gave back"));
        rest.iter().for_each(|mutex| forget(mutex.lock().unwrap()));
        assert_limit(&one_more.read().unwrap_err());
        pause();
    });
    owner.wait_asleep();
    drop(one_more.write_timeout(LONG).expect("nobody has it"));
    owner.kill();
    for table in most {
        assert_eq!(table.read_timeout(LONG).unwrap_err().kind(), ErrorKind::OwnerDied);
        drop(table.write_timeout(LONG).or_else(|e| e.repair(|_| ())).unwrap());
    }
    assert!(rest.iter().all(|mutex| matches!(mutex.try_lock(), Err(LockError::Inconsistent(_)))));
}
