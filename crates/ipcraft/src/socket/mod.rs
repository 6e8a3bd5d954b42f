//! Unix sockets.

mod address;
mod connection;
mod credentials;
pub mod datagram;
mod listener;
mod options;
mod properties;
mod reclaim;
mod record;
pub mod seqpacket;
pub mod stream;

pub use address::Address;
pub use credentials::Credentials;
pub use options::Options;
