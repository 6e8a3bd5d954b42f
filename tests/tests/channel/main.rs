//! What channels in shared memory promise to processes, also to those whose peers are killed.

mod broadcast;
mod bytes;
mod latest;
mod mpmc;
mod mpmc_storm;
mod request;
mod spsc;
mod tally;
mod thin;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::time::Deadline;
use ipcraft::{ErrorKind, name};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

/// Within which a death is noticed also by one who sleeps.
const NOTICE: Duration = Duration::from_secs(1);

/// What somebody is given to do nothing.
const SHORT: Duration = Duration::from_millis(20);

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(20);

/// A name that no other test uses.
fn fresh() -> String {
    format!("/{}", name::unique("ipcraft-channel"))
}

/// Tries again for as long as nobody has taken the place of a peer that was killed.
fn once_replaced<R, E: std::fmt::Debug>(
    mut attempt: impl FnMut() -> Result<R, E>,
    kind: fn(&E) -> ErrorKind,
) -> R {
    let deadline = Deadline::after(LONG);
    loop {
        match attempt() {
            Err(e) if kind(&e) == ErrorKind::Disconnected && !deadline.has_passed() => {
                sleep(Duration::from_millis(1));
            }
            result => return result.unwrap(),
        }
    }
}

fn main() -> ExitCode {
    let before = Snapshot::take();
    let tests = vec![
        of(broadcast::reaches_every_process),
        of(broadcast::tells_every_process_what_it_missed),
        of(broadcast::goes_on_when_the_slowest_subscriber_is_killed),
        of(broadcast::tells_an_event_loop_when_the_slowest_subscriber_is_killed),
        of(broadcast::comes_back_when_the_last_subscriber_is_killed),
        of(broadcast::ends_when_the_publisher_is_killed),
        of(broadcast::loses_nothing_when_publishers_are_killed),
        of(broadcast::disturbs_nobody_when_subscribers_are_killed),
        of(broadcast::holds_for_a_parent_whose_child_drops_its_copy),
        of(broadcast::has_one_publisher),
        of(latest::is_whole_and_the_newest_in_every_process),
        of(latest::is_whole_when_writers_are_killed),
        of(latest::tells_who_waits_that_the_writer_was_killed),
        of(latest::has_one_writer),
        of(mpmc::shares_work_between_processes),
        of(mpmc::shares_what_is_sent_in_batches),
        of(mpmc::tells_receivers_of_the_last_senders_death),
        of(mpmc::tells_senders_of_the_last_receivers_death),
        of(mpmc::gives_what_a_dead_worker_had_to_another),
        of(mpmc::gives_what_a_dead_worker_had_to_one_who_waits),
        of(mpmc::goes_on_behind_what_a_dead_sender_wrote),
        of(mpmc::makes_room_of_what_the_dead_had),
        of(mpmc::goes_on_with_replacements),
        of(mpmc::counts_ends_across_processes),
        of(mpmc::refuses_other_channels_across_processes),
        of(mpmc::bears_a_peer_that_writes_anywhere),
        of(mpmc_storm::loses_nothing_that_is_held_while_it_is_worked_on),
        of(mpmc_storm::delivers_once_what_is_taken),
        of(bytes::carries_records_of_every_length),
        of(bytes::carries_what_is_written_and_read_in_place),
        of(bytes::tells_who_waits_that_the_sender_was_killed),
        of(bytes::tells_who_waits_for_room_that_the_receiver_was_killed),
        of(bytes::loses_nothing_when_senders_are_killed),
        of(bytes::loses_nothing_that_a_killed_receiver_had_not_received),
        of(bytes::has_one_sender_and_one_receiver),
        of(request::is_answered_by_another_process),
        of(request::is_answered_in_order_when_many_are_on_their_way),
        of(request::tells_a_client_that_the_server_was_killed),
        of(request::tells_a_server_that_the_client_was_killed),
        of(request::is_answered_once_when_servers_are_killed),
        of(request::is_answered_to_its_own_client),
        of(request::has_one_client_and_one_server),
        of(spsc::delivers_in_order),
        of(spsc::delivers_batches),
        of(spsc::delivers_what_is_written_in_place),
        of(spsc::has_one_sender_and_one_receiver),
        of(spsc::has_ends_that_go_over_a_socket),
        of(spsc::has_ends_that_are_there_on_their_way),
        of(spsc::refuses_other_channels_and_says_why),
        of(spsc::tells_a_receiver_of_the_senders_death),
        of(spsc::tells_a_sender_of_the_receivers_death),
        of(spsc::tells_a_sender_that_never_waits),
        of(spsc::goes_on_with_another_sender),
        of(spsc::goes_on_with_another_receiver),
        of(spsc::has_ends_that_a_fork_shares),
        of(spsc::costs_no_processor_time_when_idle),
        of(spsc::does_not_spin_on_a_shared_processor),
        of(spsc::tells_an_event_loop_across_processes),
        suite::skippable("thin::makes_no_system_call", thin::makes_no_system_call),
        suite::nothing_is_left_behind(before),
    ];
    suite::run(tests)
}
