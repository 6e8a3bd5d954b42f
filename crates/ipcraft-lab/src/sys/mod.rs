//! The system calls for scheduling that the C library or `nix` lack.

pub mod cpu_clock;
pub(crate) mod facility;
pub mod policy;

pub use policy::{LinuxPolicy, PolicyError};
