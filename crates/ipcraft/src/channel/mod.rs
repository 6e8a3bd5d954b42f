//! Messages through shared memory, at the speed of the cache line.

/// `Debug` for ends and guards: which they are, and of which channel; messages are nobody's business.
macro_rules! debug_by_end {
    ($($type:ident<$($lifetime:lifetime,)? $($message:ident),+> $($field:ident).+;)+) => {$(
        impl<$($message: $crate::channel::Message),+> std::fmt::Debug for $type<$($lifetime,)? $($message),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).field("end", &self.$($field).+).finish_non_exhaustive()
            }
        }
    )+};
}

mod atomic;
mod bell;
pub mod broadcast;
mod dense;
mod end;
mod flow;
mod kind;
pub mod latest;
mod message;
pub mod mpmc;
mod open;
mod place;
mod readiness;
mod region;
mod reject;
pub mod request;
mod seat;
mod seqlock;
mod slots;
pub mod spsc;
mod value;
mod waiting;

pub use kind::Kind;
pub use message::Message;
pub use open::{Channel, Options};
pub use place::Place;
pub use readiness::Readiness;
pub use reject::{SendAllError, SendError};
pub use waiting::Waiting;
