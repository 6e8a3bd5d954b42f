//! What Linux does with signals, row by row, as seen through the library: and every error that its page on them lists and
//! that can be provoked.

mod c;
mod descriptor;
mod handlers;
mod inheritance;
mod limits;
mod sending;
mod waiting;

use std::process::ExitCode;
use std::time::Duration;

use ipcraft::Pid;
use ipcraft::signal::Signal;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, of, skippable};

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        of(sending::carries_value_code_and_sender),
        of(sending::reaches_a_group_and_never_everybody),
        of(sending::to_nobody_says_so),
        skippable("sending::needs_permission", sending::needs_permission),
        of(sending::reaches_exactly_the_thread),
        of(sending::cannot_pretend_to_be_the_kernel_but_to_be_another),
        of(waiting::takes_lowest_numbers_first_and_each_in_order),
        of(waiting::takes_exactly_one),
        of(waiting::takes_merged_standard_signals_once),
        of(waiting::is_never_done_by_a_try),
        of(waiting::goes_on_after_a_handler_that_restarts_calls),
        of(waiting::ends_in_time_for_what_comes_late),
        of(waiting::gives_a_signal_to_one_of_several),
        of(waiting::takes_what_is_ignored_and_runs_no_handler),
        of(waiting::tells_what_became_of_a_child),
        of(waiting::tells_of_timers),
        of(waiting::is_for_what_can_be_blocked),
        of(waiting::ends_with_the_guard),
        of(descriptor::gives_whole_batches),
        of(descriptor::gives_one_at_a_time),
        of(descriptor::waits_in_its_three_forms),
        of(descriptor::is_readable_when_a_signal_is_pending),
        of(descriptor::takes_another_set),
        of(descriptor::of_something_else_says_so),
        of(descriptor::is_close_on_exec_and_converts_both_ways),
        of(descriptor::reads_the_signals_of_who_reads),
        of(handlers::count),
        of(handlers::are_refused_where_they_make_no_sense),
        of(handlers::leave_a_signal_that_does_nothing),
        of(inheritance::of_the_mask_and_not_of_what_is_pending_by_a_child),
        of(inheritance::of_what_is_pending_by_a_program),
        of(limits::of_the_queue_are_named),
        of(limits::of_the_queue_are_the_receivers),
        of(limits::of_the_queue_cost_a_standard_signal_its_value),
        of(limits::of_the_queue_merge_what_was_only_sent),
        of(limits::of_the_descriptor_table_are_named),
        skippable("c::exchanges_values_with_the_library", c::exchanges_values_with_the_library),
        suite::nothing_is_left_behind(before),
    ])
}

/// Long enough for a signal that is not to come.
const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(20);

/// A realtime signal.
fn rt(n: u32) -> Signal {
    Signal::realtime(n).expect("a realtime signal")
}

/// Where signals for the process are its one thread's, and what goes wrong with them ends no test but this one.
fn in_child(role: impl FnOnce()) {
    Peer::start(role).join();
}

/// Sends to this process.
fn queue_to_self(signal: Signal, value: i32) {
    ipcraft::signal::queue(Pid::current(), signal, value).expect("sigqueue");
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
