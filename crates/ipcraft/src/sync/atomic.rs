//! What the locks stand on besides the mutex of the C library: words, and sleeping on them. In a model, both are ones of
//! which a model checker knows.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::atomic::{AtomicU32, fence};

#[cfg(not(all(test, loom)))]
pub(super) use crate::sys::futex;

#[cfg(all(test, loom))]
pub(super) use loom::sync::atomic::{AtomicU32, fence};

#[cfg(all(test, loom))]
pub(super) use super::model::futex;
