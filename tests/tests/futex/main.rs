//! Futexes between processes, and every error that the page of the module lists.

mod addresses;
mod any;
mod errors;
mod pi;
mod waiting;
mod waking;

use std::process::ExitCode;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::suite;

fn main() -> ExitCode {
    suite::main()
}

/// A page that forked children share.
fn page() -> Mapping {
    Memfd::create("test", 4096).expect("a memfd").map().expect("mapped")
}
