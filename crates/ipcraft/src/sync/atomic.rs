//! The words that the locks use beside the mutex of the C library, and blocking on them.
//!
//! In a loom model both are replaced by types that the model checker controls.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::atomic::{AtomicU32, fence};

#[cfg(not(all(test, loom)))]
pub(super) use crate::sys::futex;

#[cfg(all(test, loom))]
pub(super) use loom::sync::atomic::{AtomicU32, fence};

#[cfg(all(test, loom))]
pub(super) use super::tests::loom::futex;
