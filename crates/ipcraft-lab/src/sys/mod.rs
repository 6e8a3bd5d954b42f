//! The system calls for scheduling that the C library or `nix` lack.

pub mod cpu_clock;
pub mod policy;

pub use policy::{LinuxPolicy, PolicyError};
