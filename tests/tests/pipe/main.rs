//! What Linux does with pipes, row by row, as seen through the library: and every error that its page on pipes lists
//! and that can be provoked.

mod atomicity;
mod capacity;
mod descriptors;
mod options;
mod packets;
mod sigpipe;
mod splice;

use std::process::ExitCode;

use ipcraft::pipe::{Reader, Writer, pipe};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        of(atomicity::short_writes_go_whole_or_not_at_all),
        of(atomicity::long_writes_go_in_part),
        of(atomicity::many_readers_get_disjoint_whole_chunks),
        of(atomicity::many_writers_do_not_mix),
        of(atomicity::the_end_wakes_every_reader),
        of(atomicity::a_blocked_writer_can_be_killed),
        of(capacity::is_rounded_up_and_seen_at_both_ends),
        of(capacity::below_contents_is_in_use),
        of(capacity::above_the_limit_is_refused_by_name),
        of(capacity::beyond_what_the_call_can_say_is_refused_too),
        capacity::over_the_users_quota(),
        of(descriptors::of_the_wrong_direction_are_refused),
        of(descriptors::a_full_table_is_named),
        of(descriptors::convert_both_ways),
        of(options::reach_both_ends),
        of(options::nonblocking_ends_do_not_wait_unless_told_how_long),
        of(packets::one_write_is_one_read),
        of(packets::too_long_for_the_buffer_say_so),
        of(packets::are_recognised_in_a_descriptor),
        of(sigpipe::never_comes_and_is_never_left_pending),
        of(splice::moves_bytes_between_files_and_pipes),
        of(splice::ends_with_the_stream),
        of(splice::refuses_what_cannot_be_spliced),
        of(splice::waits_no_longer_than_told),
        of(splice::sees_that_nobody_reads),
        of(splice::tee_copies_and_takes_nothing),
        of(splice::static_bytes_reach_another_process),
        suite::nothing_is_left_behind(before),
    ])
}

/// A pipe of the default capacity, which other tests of this user might have shrunk if they ran at once.
fn ends() -> (Reader, Writer) {
    pipe().expect("a pipe")
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
