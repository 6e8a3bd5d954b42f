//! Tests of leases.

use crate::channel::endpoint::lease::Lease;
use crate::channel::tuning::UNIQUE_RETRY_INTERVAL;
use crate::shm::memfd::Memfd;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{self, sleep};

#[test]
fn a_seat_that_somebody_looks_at_is_given_away_afterwards() {
    let memory = Memfd::create("seats", 4096).unwrap();
    let lease = Arc::new(Lease::acquire(memory.as_fd(), 0..1).unwrap());
    let looking = lease.clone();
    let looker = thread::spawn(move || {
        sleep(100 * UNIQUE_RETRY_INTERVAL);
        drop(looking);
    });
    assert_eq!(Lease::try_unwrap_unique(lease).unwrap().number(), 0);
    looker.join().unwrap();
}
