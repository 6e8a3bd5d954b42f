//! What Linux does with futexes that processes share, as seen through the library: and every error that its page lists.

mod any;
mod errors;
mod places;
mod waiting;
mod waking;

use std::process::ExitCode;
use std::time::Duration;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        of(waiting::ends_with_a_wake),
        of(waiting::for_another_value_ends_at_once),
        of(waiting::ends_at_the_deadline),
        of(waiting::goes_on_after_a_stop),
        of(waiting::is_forgotten_with_a_killed_process),
        of(waiting::hands_turns_over),
        of(waking::nobody_wakes_none),
        of(waking::wakes_exactly_as_many_processes),
        of(waking::wakes_exactly_as_many_threads),
        of(waking::by_bits_wakes_those_who_have_one),
        of(places::count_and_not_addresses),
        of(places::that_are_read_only_serve_too),
        of(places::of_a_private_futex_are_others),
        of(places::that_are_not_shared_part_with_a_fork),
        of(any::of_128_words_is_told),
        of(any::returns_at_once_if_a_word_has_changed),
        of(any::ends_at_the_deadline),
        of(errors::a_number_of_words_that_cannot_be_is_refused),
        of(errors::memory_that_is_gone_is_told),
        of(errors::a_lock_with_priority_inheritance_is_told),
        suite::skippable("errors::a_kernel_without_waitv_is_told", errors::a_kernel_without_waitv_is_told),
        suite::nothing_is_left_behind(before),
    ])
}

/// A page that forked children share.
fn page() -> Mapping {
    Memfd::create("test", 4096).expect("a memfd").map().expect("mapped")
}
