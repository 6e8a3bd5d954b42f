//! The memory that the workers share.

use std::process::id;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ipcraft::sync::{LockError, Mutex, MutexGuard};
use ipcraft_examples::println;

use crate::TIMEOUT;

/// Workers that a server may start in total.
pub const MOST_WORKERS: usize = 16;

const KEYS: usize = 8;

ipcraft::plain_struct! {
    /// Requests per key, and in total.
    #[derive(Debug, Default)]
    pub struct Table {
        pub total: u64,
        pub by_key: [u64; KEYS],
    }
}

ipcraft::shared_struct! {
    /// The counters of one worker.
    pub struct Counters {
        pub accepted: AtomicU64,
        pub answered: AtomicU64,
    }
}

ipcraft::shared_struct! {
    /// The shared memory.
    pub struct Zone {
        pub workers: [Counters; MOST_WORKERS],
        pub repairs: AtomicU64,
        pub table: Mutex<Table>,
    }
}

impl Counters {
    /// The open requests of the worker, or those at its death.
    pub fn in_hand(&self) -> u64 {
        self.accepted.load(Relaxed) - self.answered.load(Relaxed)
    }
}

impl Zone {
    pub fn init(&self) -> ipcraft::Result<()> {
        self.table.init(Table::default())
    }

    /// Counts a request in the table: changes two words, and calls `halfway` in between.
    pub fn count(&self, number: u64, halfway: impl FnOnce()) -> ipcraft::Result<()> {
        let mut table = self.table()?;
        table.total += 1;
        halfway();
        table.by_key[number as usize % KEYS] += 1;
        Ok(())
    }

    /// Locks the table, and repairs it if its last owner died.
    pub fn table(&self) -> ipcraft::Result<MutexGuard<'_, Table>> {
        match self.table.lock_timeout(TIMEOUT) {
            Ok(table) => Ok(table),
            Err(LockError::Failed(error)) => Err(error),
            Err(LockError::Inconsistent(mut table)) => {
                let sum = table.by_key.iter().sum();
                println!(
                    "  worker {}: repaired the table of a dead owner: total {}, sum {sum}",
                    id(),
                    table.total
                );
                table.total = sum;
                self.repairs.fetch_add(1, Relaxed);
                Ok(table.mark_consistent())
            }
        }
    }
}
