//! What the locks promise to processes that share them: who is told what when an owner dies, and how, and what nobody's
//! death changes.

mod barrier;
mod condvar;
mod contention;
mod death;
mod event;
mod fork;
mod held;
mod inconsistent;
mod life;
mod limits;
mod memory;
mod namespace;
mod once;
mod rwlock;
mod semaphore;
mod thin;
mod waiting;
mod zone;

use std::process::ExitCode;
use std::time::Duration;

use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let before = Snapshot::take();
    let mut tests = vec![
        of(contention::mutexes_let_one_process_in_at_a_time),
        of(contention::mutexes_let_one_thread_in_at_a_time),
        of(contention::timed_and_tried_locks_let_one_in_at_a_time),
        of(contention::writers_keep_everybody_out),
        of(contention::writers_keep_other_threads_out),
        of(contention::condvars_let_threads_take_turns),
        of(contention::places_count_and_not_addresses),
        of(death::is_told_of_however_it_comes),
        of(death::is_told_to_one_who_waits),
        of(death::of_one_owner_after_another_is_told_to_each_next),
        of(death::of_one_who_waits_is_nobodys_concern),
        of(death::is_told_of_by_the_lock_that_was_held_only),
        of(life::of_a_stopped_owner_goes_on),
        of(life::of_a_lock_is_not_that_of_a_child),
        of(fork::copies_of_guards_do_nothing),
        of(fork::copies_of_guards_that_a_panic_drops_do_nothing),
        of(fork::children_of_owners_may_use_other_locks),
        of(inconsistent::data_that_is_given_up_is_lost_to_everybody),
        of(inconsistent::data_that_is_dropped_is_given_up),
        of(inconsistent::data_is_repaired_once),
        of(inconsistent::data_is_told_of_again_after_a_panic_in_the_repair),
        of(inconsistent::data_is_told_of_again_after_a_death_in_the_repair),
        of(inconsistent::data_of_a_panic_is_told_of),
        of(inconsistent::data_is_fine_if_the_panic_was_there_before),
        of(inconsistent::data_cannot_be_read),
        of(limits::of_the_kernel_are_reached_and_no_lock_is_lost),
        of(limits::count_each_slot_of_a_writer),
        of(memory::that_is_new_is_refused),
        of(memory::of_a_leaked_guard_stays_mapped),
        of(memory::of_another_threads_lock_stays_mapped),
        of(memory::of_a_guard_is_unmapped_with_the_value),
        of(memory::may_go_while_others_use_it),
        of(waiting::ends_at_the_deadline_and_not_before),
        of(waiting::needs_no_time_for_what_is_free),
        of(waiting::goes_on_through_signals),
        of(waiting::for_ever_goes_on_through_signals),
        of(rwlock::lets_readers_in_together),
        of(rwlock::makes_more_readers_than_slots_wait),
        of(rwlock::lets_a_waiting_writer_in_before_later_readers),
        of(rwlock::lets_readers_in_when_a_writer_gives_up_waiting),
        of(rwlock::is_not_changed_by_dead_readers),
        of(condvar::wakes_everybody),
        of(condvar::waits_while_a_condition_holds),
        of(condvar::hands_every_item_over),
        of(condvar::says_how_a_wait_ended),
        of(condvar::tells_of_an_owner_who_died_meanwhile),
        of(condvar::loses_no_notification_to_the_dead),
        of(semaphore::hands_out_each_number_once),
        of(semaphore::hands_a_dead_holders_permit_to_one_who_waits),
        of(semaphore::says_how_many_are_free),
        of(barrier::lets_all_go_on_and_one_lead),
        of(barrier::tells_everybody_of_a_dead_participant),
        of(barrier::goes_on_with_a_replacement),
        of(barrier::lets_participants_leave),
        of(barrier::refuses_more_than_its_parties),
        of(barrier::forgets_who_gave_up_waiting),
        of(once::is_called_once_by_many),
        of(once::is_called_again_after_a_death),
        of(once::is_called_again_after_a_panic),
        of(event::lets_through_who_comes_after_it),
        of(event::wakes_everybody),
        of(event::makes_wait_again_once_reset),
        of(event::carries_what_was_written_before),
        suite::skippable("thin::without_contention_no_system_call_is_made", thin::system_calls),
    ];
    tests.extend(namespace::tests());
    tests.push(suite::nothing_is_left_behind(before));
    suite::run(tests)
}
