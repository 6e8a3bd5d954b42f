//! Shared memory: what is promised on the modules' pages, and each row of their errno tables that can be provoked.

mod mapping;

use std::process::ExitCode;

use ipcraft::ErrorKind;
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite;

fn kind<T: std::fmt::Debug>(result: ipcraft::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        suite::of(mapping::copies_are_exact_at_every_alignment_and_length),
        suite::of(mapping::what_is_out_of_bounds_is_refused_and_nothing_is_copied),
        suite::of(mapping::atomics_are_aligned_and_within_bounds),
        suite::of(mapping::a_read_only_mapping_refuses_writers),
        suite::of(mapping::a_mapping_outlives_its_descriptor),
        suite::of(mapping::a_forked_child_shares_the_memory),
        suite::of(mapping::advice_and_residence_change_no_contents),
        suite::nothing_is_left_behind(before),
    ])
}
