//! System V shared memory: segments with a number for a name (sysvipc(7)).

mod options;
mod segment;
mod statistics;

pub use options::Options;
pub use segment::Segment;
pub use statistics::Statistics;
