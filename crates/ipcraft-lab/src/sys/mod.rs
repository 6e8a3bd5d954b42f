//! The system calls that the C library or `nix` lack, and what needs unsafe code.

pub(crate) mod alarm;
pub mod cpu_clock;
pub(crate) mod facility;
pub mod policy;

pub use policy::{LinuxPolicy, PolicyError};
