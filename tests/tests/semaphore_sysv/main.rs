//! What Linux does with System V semaphores, as seen through the library: and every error that its page lists and that can
//! be provoked.

mod creating;
mod interop;
mod limits;
mod operations;
mod permissions;
mod undo;
mod values;
mod waiting;

use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::time::Duration;

use ipcraft::semaphore::sysv::{Options, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::namespace;
use ipcraft_tests::suite::{self, of};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    namespace::enter_own_ipc();
    let before = Snapshot::take();
    suite::run(vec![
        of(creating::exclusively_and_finding_what_is_there),
        of(creating::with_too_few_or_no_semaphores_is_refused),
        of(creating::leaves_the_values_of_an_existing_set_alone),
        of(creating::nobody_sees_a_set_without_values),
        of(creating::exactly_one_of_many_racing_processes_wins),
        of(creating::half_way_blocks_nobody_for_ever),
        of(creating::a_value_that_cannot_be_leaves_no_set),
        of(creating::the_sign_is_given_whatever_the_first_value),
        of(creating::private_sets_are_opened_by_identifier),
        of(creating::drop_leaves_the_set_unless_removal_was_asked_for),
        of(creating::a_forked_copy_removes_nothing),
        suite::skippable(
            "limits::on_sets_and_semaphores_are_named",
            limits::on_sets_and_semaphores_are_named,
        ),
        suite::skippable("limits::on_operations_is_named", limits::on_operations_is_named),
        suite::skippable("limits::namespaces_do_not_share_keys", limits::namespaces_do_not_share_keys),
        of(operations::happen_together_or_not_at_all),
        of(operations::are_tried_in_order),
        of(operations::beyond_the_largest_value_are_refused),
        of(operations::on_no_such_semaphore_are_refused),
        of(operations::of_no_or_an_impossible_amount_are_refused),
        of(operations::that_would_wait_say_so),
        of(operations::more_than_the_usual_limit_are_refused_by_name),
        of(waiting::ends_when_the_value_allows_it),
        of(waiting::for_zero_ends_at_zero),
        of(waiting::ends_at_the_deadline_and_does_nothing),
        of(waiting::that_need_not_wait_needs_no_time),
        of(waiting::ends_with_the_set),
        of(waiting::a_killed_waiter_takes_nothing),
        of(undo::gives_back_what_a_killed_process_took),
        of(undo::survives_exec),
        of(undo::is_the_processs_and_not_the_threads),
        of(undo::is_not_inherited_by_a_forked_child),
        of(undo::is_forgotten_when_a_value_is_set),
        of(undo::stops_at_zero),
        of(undo::beyond_its_range_is_refused),
        of(values::are_set_and_got_one_by_one_and_all_at_once),
        of(values::out_of_range_are_refused),
        of(values::waiters_are_counted),
        of(values::the_last_process_is_known),
        of(values::statistics_are_true),
        of(values::nothing_works_on_a_removed_set),
        suite::skippable("permissions::are_needed", permissions::are_needed),
        of(permissions::are_set_and_shown),
        suite::skippable("interop::a_c_program_uses_our_set", interop::a_c_program_uses_our_set),
        suite::skippable("interop::we_use_a_c_programs_set", interop::we_use_a_c_programs_set),
        suite::skippable(
            "interop::ipcs_shows_and_ipcrm_removes_a_set",
            interop::ipcs_shows_and_ipcrm_removes_a_set,
        ),
        suite::nothing_is_left_behind(before),
    ])
}

/// A key that no other running process of this test makes.
fn unique_key() -> Key {
    static COUNTER: AtomicI32 = AtomicI32::new(0);
    let pid = process::id() as i32;
    Key::new(0x4000_0000 | pid << 8 | (COUNTER.fetch_add(1, Relaxed) & 0xff))
}

/// A private set that goes with the handle.
fn set(values: &[u16]) -> SemaphoreSet {
    Options::new().remove_on_drop(true).create_new(Key::PRIVATE, values).expect("a set")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
