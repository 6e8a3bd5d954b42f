//! The lock between the owner and the urgent process.

use std::hint::spin_loop;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use ipcraft::Result;
use ipcraft::futex::pi;
use ipcraft::sync::Mutex;
use serde::{Deserialize, Serialize};

/// How a process waits for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// It polls a word all the time.
    Spinning,
    /// It sleeps (`sync::Mutex`).
    Sleeping,
    /// It sleeps, and lends the owner its priority (`futex::pi`).
    Inheriting,
}

ipcraft::shared_struct! {
    pub(super) struct Locks {
        spinning: AtomicU32,
        inheriting: AtomicU32,
        sleeping: Mutex<u32>,
    }
}

impl Locks {
    pub(super) fn init(&self) -> Result<()> {
        self.sleeping.init(0)
    }

    /// Runs `inside` with the lock. Returns false if spinning has reached the limit.
    pub(super) fn with(&self, lock: Lock, limit: Duration, inside: impl FnOnce()) -> Result<bool> {
        match lock {
            Lock::Spinning => {
                let start = Instant::now();
                while self.spinning.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
                    if start.elapsed() > limit {
                        return Ok(false);
                    }
                    spin_loop();
                }
                inside();
                self.spinning.store(0, Release);
            }
            Lock::Sleeping => {
                let _guard = self.sleeping.lock().or_else(|error| error.repair(|_| ()))?;
                inside();
            }
            Lock::Inheriting => {
                let _ = pi::lock(&self.inheriting)?;
                inside();
                pi::unlock(&self.inheriting)?;
            }
        }
        Ok(true)
    }
}
