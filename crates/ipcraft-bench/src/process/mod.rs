//! Processes under supervision: how they start, the requests that they serve, and how they end.
//!
//! The supervising process takes no part in the traffic, so no mechanism can block it. It waits for
//! replies in short intervals. In each it notices a dead peer, an elapsed timeout or a
//! cancellation, and then it kills both peers.

mod child;
mod failure;
mod launcher;
mod memory;
mod pair;
mod protocol;
mod session;
mod spinners;
mod traced;

pub use child::{Process, exit_with_parent};
pub use failure::{CancelToken, Failure};
pub use launcher::{Exec, Launcher, Part};
pub use pair::{Pair, build};
pub use protocol::{Control, catch_failure};
pub use session::Session;

pub(crate) use spinners::Spinners;
pub(crate) use traced::Traced;
