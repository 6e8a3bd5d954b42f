//! Unix sockets.

mod address;
mod ancillary;
mod batch;
mod connection;
mod credentials;
pub mod datagram;
mod incoming;
mod listener;
mod options;
mod outgoing;
mod properties;
mod reclaim;
mod record;
mod sealed;
pub mod seqpacket;
pub mod stream;

pub use address::Address;
pub use ancillary::Ancillary;
pub use batch::{Batch, MAX_BATCH, Records};
pub use credentials::Credentials;
pub use incoming::Incoming;
pub use options::Options;
pub use outgoing::Outgoing;
