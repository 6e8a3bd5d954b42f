//! What Linux does with eventfds, as seen through the library: and every error that its page lists and that can be
//! provoked.

mod counting;
mod descriptors;
mod kernel;
mod polling;
mod waiting;

use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Duration;

use ipcraft::event::{EventFd, Options};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        of(counting::adds_up_and_is_taken_as_a_whole),
        of(counting::one_by_one_in_semaphore_mode),
        of(counting::nothing_added_is_nothing),
        of(counting::goes_up_to_the_largest_value),
        of(counting::more_than_the_largest_value_is_refused),
        of(counting::empty_says_so),
        of(counting::loses_nothing_between_processes),
        of(waiting::ends_with_what_is_added),
        of(waiting::ends_with_what_is_taken),
        of(waiting::ends_at_the_deadline),
        of(waiting::that_need_not_wait_needs_no_time),
        of(waiting::for_it_takes_nothing),
        of(waiting::is_for_non_blocking_ones_too),
        of(waiting::to_add_needs_a_non_blocking_one),
        of(polling::tells_what_can_be_done),
        suite::skippable("kernel::can_go_one_beyond", kernel::can_go_one_beyond),
        of(descriptors::close_on_exec),
        of(descriptors::are_shared_through_fork),
        of(descriptors::are_inherited_by_name),
        of(descriptors::are_sent_over_sockets),
        of(descriptors::of_others_are_told),
        of(descriptors::beyond_the_limit_are_refused),
        of(descriptors::of_c_programs_may_change_flags),
        suite::nothing_is_left_behind(before),
    ])
}

fn counter() -> EventFd {
    EventFd::new(0).expect("an eventfd")
}

fn nonblocking() -> EventFd {
    Options::new().nonblocking(true).create(0).expect("an eventfd")
}

fn kind_of<T: Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
