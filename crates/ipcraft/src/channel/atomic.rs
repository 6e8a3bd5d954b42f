//! What the rings stand on: words, and sleeping on them. In a model, both are ones of which a model checker knows.

pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

pub(super) use crate::sys::futex;
