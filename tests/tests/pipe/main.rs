//! The behaviour of pipes on Linux as the library presents it, and each row of the errno table that
//! can be provoked.

mod atomicity;
mod capacity;
mod descriptors;
mod options;
mod packets;
mod splice;

use ipcraft::pipe::{Reader, Writer, pipe};
use ipcraft::{ErrorKind, Result};

fn ends() -> (Reader, Writer) {
    pipe().expect("a pipe")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("an error").kind()
}
