//! Linux IPC.
#![deny(unsafe_code)]
