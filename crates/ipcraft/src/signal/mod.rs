//! Signals: the kernel's one-number messages to a process or thread.

mod number;

pub use number::Signal;
