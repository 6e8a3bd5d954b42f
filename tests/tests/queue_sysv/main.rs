//! What Linux does with System V message queues, row by row, as seen through the library: and every error that its
//! page on them lists and that can be provoked.

mod c;
mod control;
mod keys;
mod limits;
mod messages;
mod removal;
mod selection;
mod waiting;

use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use ipcraft::queue::sysv::{Options, Queue};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::namespace::{self, with_own_ipc};
use ipcraft_tests::suite::{self, Outcome, of, skippable};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

fn main() -> ExitCode {
    namespace::enter_own_ipc();
    let before = Snapshot::take();
    suite::run(vec![
        of(keys::lead_to_one_queue),
        of(keys::that_are_missing_or_taken_say_so),
        of(keys::that_are_private_are_never_found),
        of(keys::have_one_exclusive_creator_among_racers),
        of(keys::of_files_are_those_of_c),
        skippable("keys::are_of_one_ipc_namespace", keys::are_of_one_ipc_namespace),
        of(selection::is_by_age_or_by_type),
        of(selection::of_a_type_that_no_message_has_is_empty),
        of(selection::by_an_impossible_type_is_refused),
        of(selection::copies_without_taking),
        of(messages::keep_type_and_bytes),
        of(messages::may_be_empty),
        of(messages::have_positive_types),
        of(messages::that_are_too_large_are_refused),
        of(messages::stay_if_the_buffer_is_too_short),
        of(messages::are_cut_on_request),
        of(messages::fit_buffers_of_any_length),
        of(messages::are_kept_when_nobody_is_there),
        skippable("messages::may_be_longer_than_usual", messages::may_be_longer_than_usual),
        of(waiting::is_never_done_by_a_try),
        of(waiting::is_cut_by_a_timeout_and_by_nothing_else),
        of(waiting::ends_in_time_for_what_comes_late),
        of(waiting::leaves_each_message_to_its_address),
        of(removal::ends_all_waiting),
        of(removal::is_seen_by_every_later_call),
        of(removal::is_done_on_drop_by_the_maker_only),
        of(removal::is_left_undone_by_a_kill),
        of(control::tells_who_used_the_queue),
        of(control::sets_limit_owner_and_mode),
        skippable("control::is_for_owners", control::is_for_owners),
        skippable("control::counts_all_queues", control::counts_all_queues),
        of(limits::of_empty_messages_hold_too),
        skippable("limits::of_the_namespace_are_named", limits::of_the_namespace_are_named),
        skippable("c::sends_to_and_receives_from_the_library", c::sends_to_and_receives_from_the_library),
        skippable("c::tools_see_and_remove_the_queue", c::tools_see_and_remove_the_queue),
        suite::nothing_is_left_behind(before),
    ])
}

/// A private queue, which goes with its handle.
fn queue() -> Queue {
    Options::new().remove_on_drop(true).create_new(Key::PRIVATE).expect("a queue")
}

/// A key that no other test process uses: it is made of the process id, of which there are at most 2^22.
fn fresh_key() -> Key {
    static COUNTER: AtomicI32 = AtomicI32::new(1);
    let process = i32::try_from(std::process::id()).expect("a process id");
    Key::new(COUNTER.fetch_add(1, Relaxed) << 22 | process)
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}

/// What only root can arrange, done in a child that then is nobody.
fn as_nobody<T>(arrange: impl FnOnce() -> T, role: impl FnOnce(T)) -> Outcome {
    with_own_ipc(|| {
        let arranged = arrange();
        let (user, group) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
        setgroups(&[]).expect("setgroups");
        setresgid(group, group, group).expect("setresgid");
        setresuid(user, user, user).expect("setresuid");
        role(arranged);
    })
}
