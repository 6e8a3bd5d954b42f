//! What Linux does with POSIX semaphores, as seen through the library: and every error that its page lists and that can be
//! provoked.

mod counting;
mod interop;
mod memory;
mod names;
mod planted;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ipcraft::semaphore::posix::{Options, Semaphore};
use ipcraft::{ErrorKind, Result, name};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

/// The largest value that there is.
const MOST: u32 = i32::MAX as u32;

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        of(names::lead_to_one_semaphore),
        of(names::are_made_by_exactly_one_of_many_racing_processes),
        of(names::appear_with_the_value),
        of(names::stay_unless_removal_was_asked_for),
        of(names::outlive_nobody_who_has_the_semaphore),
        of(names::removed_twice_or_taken_over_are_told),
        of(names::that_cannot_be_are_refused),
        of(names::may_be_251_bytes_long),
        of(names::a_forked_copy_removes_nothing),
        of(names::the_mode_is_0600_unless_set),
        suite::skippable("names::need_permission", names::need_permission),
        suite::skippable("names::need_room", names::need_room),
        of(planted::files_of_other_types_are_refused),
        of(planted::files_that_are_too_short_are_refused),
        of(planted::files_of_other_content_are_refused),
        of(planted::files_open_to_others_are_refused),
        suite::skippable(
            "planted::files_of_other_users_are_refused",
            planted::files_of_other_users_are_refused,
        ),
        of(counting::goes_up_and_down),
        of(counting::beyond_the_largest_value_is_refused),
        of(counting::with_no_unit_left_says_so),
        of(counting::permits_give_back),
        of(counting::loses_what_a_killed_process_took),
        of(counting::works_in_a_signal_handler),
        of(waiting::ends_with_a_post),
        of(waiting::ends_at_the_deadline_and_takes_nothing),
        of(waiting::that_need_not_wait_needs_no_time),
        of(waiting::takes_nothing_when_killed),
        of(memory::is_shared_with_a_child),
        of(memory::is_initialised_once_and_found),
        of(memory::out_of_bounds_or_misaligned_is_refused),
        of(memory::that_is_read_only_is_refused),
        of(memory::stays_for_as_long_as_the_semaphore),
        suite::skippable("interop::a_c_program_uses_our_semaphore", interop::a_c_program_uses_our_semaphore),
        suite::skippable("interop::we_use_a_c_programs_semaphore", interop::we_use_a_c_programs_semaphore),
        suite::skippable(
            "interop::wakes_and_is_woken_by_a_c_program",
            interop::wakes_and_is_woken_by_a_c_program,
        ),
        suite::nothing_is_left_behind(before),
    ])
}

/// A name that the leak check knows.
fn unique() -> String {
    format!("/{}", name::unique("ipcraft-tests"))
}

/// The file behind a name.
fn file(name: &str) -> PathBuf {
    format!("/dev/shm/sem.{}", &name[1..]).into()
}

/// A semaphore whose name goes with the handle.
fn semaphore(value: u32) -> Semaphore {
    Options::new().remove_on_drop(true).create_new(&unique(), value).expect("a semaphore")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
