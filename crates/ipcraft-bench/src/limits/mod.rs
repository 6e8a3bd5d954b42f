//! The limits that the machine sets to all mechanisms, measured in the same run.

pub(crate) mod cacheline;
pub(crate) mod futex;
pub(crate) mod single;
pub(crate) mod two_copies;
