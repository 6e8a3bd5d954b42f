//! Races, mutual exclusion and scheduling of real processes.
//!
//! Two views of the same machine code. [`explore`] runs two processes through every order of their
//! instructions, and decides from the graph of states what can happen. [`race`] and [`exclusion`]
//! run the same code at full speed, and count what does happen.
//!
//! The two views differ where the CPU does: stepping is sequentially consistent, and a CPU with
//! store buffers is not. Peterson's algorithm without fences is right in every order of its
//! instructions, and wrong on two cores.
//!
//! [`schedule`] runs jobs by the policies of the textbooks. [`threads`] and [`cost`] compare what
//! the kernel schedules with coroutines, which it does not know. [`claims`] tries the sentences of
//! two articles, by all of these.
//!
//! Nothing here prints. Every result can be serialised.
#![deny(unsafe_code)]

pub mod algorithm;
mod atomic;
pub mod bus;
pub mod claims;
mod control_group;
mod coroutine;
pub mod cost;
mod error;
pub mod exclusion;
pub mod explore;
mod instruction;
pub mod interrupts;
pub mod inversion;
pub mod litmus;
pub mod machine;
pub mod peterson;
pub mod race;
pub mod schedule;
pub mod sys;
pub mod threads;
mod variables;
pub mod wakeup;
mod watch;
mod worker;

pub use algorithm::Algorithm;
pub use error::{Error, Skipped};
pub use instruction::Width;
pub use variables::{Layout, Phase, Variables};
