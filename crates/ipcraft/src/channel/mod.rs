//! Messages through shared memory, at the speed of the cache line.

mod atomic;
mod bell;
mod end;
mod flow;
mod kind;
mod message;
mod open;
mod place;
mod region;
mod reject;
mod seat;
mod slots;
pub mod spsc;
mod waiting;

pub use kind::Kind;
pub use message::Message;
pub use open::{Channel, Options};
pub use place::Place;
pub use reject::{SendAllError, SendError};
pub use waiting::Waiting;
