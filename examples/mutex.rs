//! A mutex in shared memory: its owner is killed during a change. The next owner is notified and
//! repairs the data.
//!
//! Run it: `cargo run -p ipcraft-examples --example mutex`

use std::process::id;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::ErrorKind;
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::sync::{Event, LockError, Mutex, MutexGuard};
use ipcraft_examples::peer::{Peer, TIMEOUT, shared, start, wait_to_be_killed};
use ipcraft_examples::{Outcome, expect, println, role};

/// Two accounts: a transfer never changes their sum.
type Accounts = [i64; 2];

const TOTAL: i64 = 1_000_000;
const CLERKS: u64 = 3;
const TRANSFERS: u64 = 10_000;

ipcraft::shared_struct! {
    struct Bank {
        accounts: Mutex<Accounts>,
        is_halfway: Event,
        transfers: AtomicU64,
        repairs: AtomicU64,
    }
}

fn main() -> Outcome {
    match role().as_deref() {
        Some("--victim") => stop_halfway(&*shared()?),
        Some("--clerk") => transfer_all(&*shared()?),
        _ => watch(),
    }
}

fn watch() -> Outcome {
    let memory = Memfd::create("bank", Shared::<Bank>::SIZE)?;
    let bank = Shared::initialize(memory.map()?, |bank: &Bank| bank.accounts.init([TOTAL, 0]))?;
    let victim = start("--victim", &memory)?;
    bank.is_halfway.wait_timeout(TIMEOUT)?;
    let taken = bank.accounts.try_lock().expect_err("the victim holds the lock").kind();
    expect("error of try_lock", taken, ErrorKind::WouldBlock)?;

    let clerks: Outcome<Vec<Peer>> = (0..CLERKS).map(|_| start("--clerk", &memory)).collect();
    victim.kill()?;
    clerks?.into_iter().try_for_each(Peer::finish)?;

    let balances = *lock(&bank)?;
    println!("watcher {}: {CLERKS} clerks made {:?}; balances {balances:?}", id(), bank.transfers);
    expect("sum", balances.iter().sum(), TOTAL)?;
    expect("first account", balances[0], TOTAL - (CLERKS * TRANSFERS) as i64)?;
    expect("repairs", bank.repairs.load(Relaxed), 1)
}

/// Stops after it has changed one of the two accounts.
fn stop_halfway(bank: &Bank) -> Outcome {
    let mut balances = lock(bank)?;
    balances[0] -= 30;
    println!("victim {}: stopped in the middle of a transfer: {:?}", id(), *balances);
    bank.is_halfway.set()?;
    wait_to_be_killed()
}

fn transfer_all(bank: &Bank) -> Outcome {
    for _ in 0..TRANSFERS {
        let mut balances = lock(bank)?;
        balances[0] -= 1;
        balances[1] += 1;
        bank.transfers.fetch_add(1, Relaxed);
    }
    Ok(())
}

fn lock(bank: &Bank) -> ipcraft::Result<MutexGuard<'_, Accounts>> {
    match bank.accounts.lock_timeout(TIMEOUT) {
        Ok(balances) => Ok(balances),
        Err(LockError::Failed(error)) => Err(error),
        Err(LockError::Inconsistent(mut balances)) => {
            println!("clerk {}: {:?}; balances {:?}", id(), balances.cause(), *balances);
            balances[0] = TOTAL - balances[1]; // undo the first half of the transfer
            println!("clerk {}: repaired: {:?}", id(), *balances);
            bank.repairs.fetch_add(1, Relaxed);
            Ok(balances.mark_consistent())
        }
    }
}
