//! Tests of leases.

use crate::channel::endpoint::lease::Lease;
use crate::channel::tuning::UNIQUE_RETRY_INTERVAL;
use crate::shm::memfd::Memfd;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{self, sleep};

#[test]
fn try_unwrap_unique_during_a_liveness_check_waits() {
    let memory = Memfd::create("seats", 4096).unwrap();
    let lease = Arc::new(Lease::acquire(memory.as_fd(), 0..1, "open").unwrap());
    let looking = lease.clone();
    let looker = thread::spawn(move || {
        sleep(100 * UNIQUE_RETRY_INTERVAL);
        drop(looking);
    });
    assert_eq!(Lease::try_unwrap_unique(lease).unwrap().number(), 0);
    looker.join().unwrap();
}
