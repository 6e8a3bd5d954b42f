//! CPU scheduling: the policies of the textbooks, in exact time and on real processes.
//!
//! A [`Policy`] chooses among ready jobs. [`ideal`] runs it in exact virtual time. The same object
//! can schedule real processes. Both yield a [`Timeline`], from which [`metrics`] are computed by
//! the same code.

pub mod dispatch;
mod fairness;
pub mod ideal;
pub mod job;
pub mod linux;
pub mod metrics;
pub mod periodic;
pub mod policy;
pub mod quantum;
pub mod random;
mod ready;
pub mod realtime;
pub mod record;
pub mod sets;
pub mod sharing;
pub mod switching;
mod time;
mod timeline;

pub use fairness::Fairness;
pub use job::{Burst, Job};
pub use metrics::Metrics;
pub use policy::Policy;
pub use ready::ReadyList;
pub use time::{GRACE, TICKS_PER_UNIT, Time, TimeError};
pub use timeline::{Dispatch, Segment, Timeline, What, Why};
