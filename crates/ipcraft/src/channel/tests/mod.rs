//! Unit tests of the channels, models for loom, and tests of memory for Miri.

#[cfg(not(loom))]
mod broadcast;
#[cfg(not(loom))]
mod bytes;
#[cfg(not(loom))]
mod differential;
#[cfg(not(loom))]
mod latest;
#[cfg(not(loom))]
mod lease;
#[cfg(loom)]
pub(crate) mod loom;
#[cfg(not(loom))]
mod miri;
#[cfg(not(loom))]
mod mpmc;
#[cfg(not(loom))]
mod mpmc_ring;
#[cfg(not(loom))]
mod observer;
#[cfg(not(loom))]
mod readiness;
#[cfg(not(loom))]
mod request;
#[cfg(not(loom))]
mod spsc;
mod test_memory;
#[cfg(not(loom))]
mod untyped;
