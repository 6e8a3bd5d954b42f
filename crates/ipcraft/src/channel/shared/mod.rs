//! What lies in the shared memory of a channel. Nothing here knows of processes.

pub(crate) mod atomic;
pub(crate) mod control;
pub(crate) mod copy;
pub(crate) mod counters;
pub(crate) mod description;
pub(crate) mod doorbell;
pub(crate) mod header;
pub(crate) mod peer_status;
pub(crate) mod region;
pub(crate) mod sequenced_slots;
pub(crate) mod slot_array;
