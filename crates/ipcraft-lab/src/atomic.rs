//! The primitives of the algorithms. `tests/loom.rs` compiles the algorithms with those of the
//! model checker instead.

pub(crate) use std::sync::atomic::fence;
