//! What Linux does with futexes that processes share, as seen through the library: and every error that its page lists.

mod addresses;
mod any;
mod errors;
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
