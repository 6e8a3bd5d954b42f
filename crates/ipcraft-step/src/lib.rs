//! Runs real processes under ptrace(2), one machine instruction at a time.
//!
//! [`trace`] counts the instructions and system calls of an operation. [`Stepper`] stops a process
//! at exactly its k-th instruction, for example to kill it there. [`Pair`] runs two processes in
//! any order of their instructions, and continues from any [`State`] that was seen before.
//! [`CallCounter`] counts the system calls of a process that it did not start.
//!
//! # How an operation is stepped
//!
//! The operation is called twice: once at full speed, so that lazy initialization and page faults
//! are over, and once between two marks, where every instruction is a step of the tracer. A step is
//! one instruction, or one repetition of a repeated string instruction. It includes a constant few
//! instructions of the harness itself: see [`overhead`].
//!
//! On aarch64 a load-exclusive/store-exclusive loop cannot succeed under single steps, so code
//! under the harness has to use the atomic instructions of ARMv8.1; [`Stepper`] fails after
//! [`MAX_STEPS`] steps.

#![deny(unsafe_code)]

mod asleep;
mod calls;
mod child;
mod mark;
mod pair;
mod pin;
mod registers;
mod shared;
mod stepper;

pub use calls::CallCounter;
pub use child::{Child, kill_all};
pub use pair::{Pair, Side, State};
pub use shared::Shared;
pub use stepper::{MAX_STEPS, REFUSED, Stepper, Trace, overhead, system_calls, trace};
