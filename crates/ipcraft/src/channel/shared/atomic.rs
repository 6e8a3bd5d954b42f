//! The primitives of the rings: atomic words, message content, and futexes. In a model, all are
//! those of the model checker.

#[cfg(not(all(test, loom)))]
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicU64 as Content, fence};

#[cfg(not(all(test, loom)))]
pub(crate) use crate::sys::futex;

#[cfg(all(test, loom))]
pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU32, fence};

#[cfg(all(test, loom))]
pub(crate) use crate::channel::tests::loom::{AtomicU64, Content};

#[cfg(all(test, loom))]
pub(crate) use crate::sync::tests::loom::futex;
