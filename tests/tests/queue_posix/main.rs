//! What Linux does with POSIX message queues, row by row, as seen through the library: and every error that its page on
//! them lists and that can be provoked.

mod c;
mod handles;
mod limits;
mod messages;
mod names;
mod notification;
mod waiting;

use std::process::ExitCode;

use ipcraft::queue::posix::{Options, Queue};
use ipcraft::{ErrorKind, Result, name};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::namespace;
use ipcraft_tests::suite::{self, Outcome, of, skippable};
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

fn main() -> ExitCode {
    namespace::enter_own_ipc();
    let before = Snapshot::take();
    suite::run(vec![
        of(names::that_no_queue_can_have_are_refused_by_every_call),
        of(names::are_as_long_as_the_kernel_allows),
        of(names::lead_to_one_queue_until_unlinked),
        of(names::that_are_missing_or_taken_say_so),
        of(names::have_one_exclusive_creator_among_racers),
        of(names::are_removed_on_drop_by_their_maker_only),
        of(names::of_another_queue_by_now_are_left_alone),
        of(names::stay_after_a_kill_and_can_be_taken_over),
        of(names::have_mode_0600_less_the_umask_unless_set),
        skippable("names::need_permission", names::need_permission),
        skippable("names::are_of_one_ipc_namespace", names::are_of_one_ipc_namespace),
        of(handles::are_close_on_exec),
        of(handles::know_their_sizes),
        of(handles::of_one_direction_refuse_the_other),
        of(handles::convert_both_ways),
        of(handles::can_be_polled),
        of(handles::show_themselves_to_read),
        of(messages::come_by_priority_and_then_by_age),
        of(messages::of_the_highest_priority_and_no_higher),
        of(messages::may_be_empty),
        of(messages::that_are_too_large_are_refused),
        of(messages::need_a_buffer_of_the_full_size),
        of(messages::are_drained_until_none_is_left),
        of(messages::are_kept_when_nobody_is_there),
        of(waiting::is_never_done_by_a_try),
        of(waiting::is_cut_by_a_timeout_and_by_nothing_else),
        of(waiting::ends_in_time_for_what_comes_late),
        of(waiting::is_not_done_by_a_nonblocking_queue),
        of(waiting::leaves_each_message_to_one_of_several),
        of(limits::of_the_descriptor_table_are_named),
        of(limits::of_the_users_queues_are_named),
        of(limits::of_the_kernel_are_named),
        of(limits::below_one_are_refused),
        skippable("limits::of_the_system_are_named", limits::of_the_system_are_named),
        skippable("limits::of_the_namespace_are_named", limits::of_the_namespace_are_named),
        of(notification::comes_once_for_the_first_message),
        of(notification::makes_a_descriptor_readable),
        of(notification::is_for_one_registration),
        of(notification::is_given_up_on_drop_and_on_death),
        of(notification::goes_to_nobody_while_a_receiver_waits),
        of(notification::ends_when_the_process_closes_the_queue),
        skippable("c::sends_to_and_receives_from_the_library", c::sends_to_and_receives_from_the_library),
        skippable("c::makes_a_queue_that_the_library_opens", c::makes_a_queue_that_the_library_opens),
        suite::nothing_is_left_behind(before),
    ])
}

fn fresh_name() -> String {
    format!("/{}", name::unique("ipcraft-tests"))
}

/// A queue for at most four messages of at most 64 bytes, which goes with its handle.
fn small_queue() -> (Queue, String) {
    let name = fresh_name();
    (small().remove_on_drop(true).create_new(&name).expect("a queue"), name)
}

fn small() -> Options {
    Options::new().capacity(4).message_size(64)
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}

/// What only root can arrange, done in a child that then is nobody.
fn as_nobody(arrange: impl FnOnce(), role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    namespace::with_own_ipc(|| {
        arrange();
        become_nobody();
        role();
    })
}

fn become_nobody() {
    let (user, group) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
    setgroups(&[]).expect("setgroups");
    setresgid(group, group, group).expect("setresgid");
    setresuid(user, user, user).expect("setresuid");
}
