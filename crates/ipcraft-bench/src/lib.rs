//! The measuring engine.
#![deny(unsafe_code)]

mod clock;
mod control;
mod floors;
mod link;
mod mechanisms;
mod payload;
mod peer;
mod placement;
mod raw;
mod registry;
mod supervise;
mod workload;

pub use link::{Ends, Link};
pub use peer::Role;
pub use placement::{Cores, Placement, Seats};
pub use registry::{Connect, Implementation, Mechanism, Waiting, find, floors, mechanisms};
pub use supervise::{Failure, Pair, Watch};
pub use workload::{Report, Slice, Usage, Workload};
