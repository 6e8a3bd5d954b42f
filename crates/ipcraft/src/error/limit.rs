//! The limit that an operation reached.

use std::fmt;

/// A limit that an operation reached: its name, its value, and the requested amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub(crate) name: &'static str,
    pub(crate) value: u64,
    pub(crate) requested: Option<u64>,
}

impl Limit {
    /// Returns the documented name of the limit: `RLIMIT_NOFILE`, `/proc/sys/fs/pipe-max-size`, …
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the value of the limit. The page of the operation states the unit: bytes,
    /// descriptors or records.
    pub fn value(&self) -> u64 {
        self.value
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.requested.is_some_and(|requested| requested > self.value)
    }

    /// Returns the amount that the operation requested, in the unit of the value, if it is known.
    pub fn requested(&self) -> Option<u64> {
        self.requested
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requested {
            Some(requested) => write!(f, "{requested} needed, {} is {}", self.name, self.value),
            None => write!(f, "{} is {}", self.name, self.value),
        }
    }
}
