//! The memory that the workers share.

use std::process::id;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ipcraft::sync::{LockError, Mutex, MutexGuard};

use crate::PATIENCE;

/// How many workers a server may start in all.
pub const MOST_WORKERS: usize = 16;

const KEYS: usize = 8;

ipcraft::plain_struct! {
    /// How often each key was asked for, and how often that is together.
    #[derive(Debug, Default)]
    pub struct Table {
        pub total: u64,
        pub by_key: [u64; KEYS],
    }
}

ipcraft::shared_struct! {
    /// What one worker counts.
    pub struct Counters {
        pub accepted: AtomicU64,
        pub answered: AtomicU64,
    }
}

ipcraft::shared_struct! {
    /// All of it.
    pub struct Zone {
        pub workers: [Counters; MOST_WORKERS],
        pub repairs: AtomicU64,
        pub table: Mutex<Table>,
    }
}

impl Counters {
    /// How many requests the worker has in hand, or had when it died.
    pub fn in_hand(&self) -> u64 {
        self.accepted.load(Relaxed) - self.answered.load(Relaxed)
    }
}

impl Zone {
    pub fn init(&self) -> ipcraft::Result<()> {
        self.table.init(Table::default())
    }

    /// Counts a request in the table: a change of two words, with something in between.
    pub fn count(&self, number: u64, halfway: impl FnOnce()) -> ipcraft::Result<()> {
        let mut table = self.table()?;
        table.total += 1;
        halfway();
        table.by_key[number as usize % KEYS] += 1;
        Ok(())
    }

    /// The table, in order.
    pub fn table(&self) -> ipcraft::Result<MutexGuard<'_, Table>> {
        match self.table.lock_timeout(PATIENCE) {
            Ok(table) => Ok(table),
            Err(LockError::Failed(error)) => Err(error),
            Err(LockError::Inconsistent(mut table)) => {
                let sum = table.by_key.iter().sum();
                println!(
                    "  worker {}: somebody died in the table: total {}, sum {sum}: repaired",
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
