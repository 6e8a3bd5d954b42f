//! What Linux does with pidfds and with the states of processes, as seen through the library: and every error that the
//! page lists and that can be provoked.

mod descriptors;
mod opening;
mod signalling;
mod states;
mod waiting;

use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use ipcraft::process::{CommandExt, Inherit, PidFd, State};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, Outcome, of};
use nix::unistd::{Gid, Uid, geteuid, pause, setgid, setgroups, setuid};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);
const NOBODY: u32 = 65534;

fn main() -> ExitCode {
    let before = Snapshot::take();
    suite::run(vec![
        of(opening::a_process_that_is_not_there_says_so),
        of(opening::a_thread_is_refused),
        of(opening::a_child_works_until_it_was_waited_for),
        of(opening::sets_close_on_exec),
        of(opening::itself_and_the_peer_of_a_socket),
        of(opening::with_a_full_table_names_the_limit),
        of(opening::takes_nothing_but_pidfds_of_processes),
        of(opening::a_handle_can_be_cloned_and_given_away),
        of(waiting::tells_how_a_child_has_ended),
        of(waiting::ends_at_the_deadline_and_reaps_nothing),
        of(waiting::without_waiting_for_a_descriptor_that_never_does),
        of(waiting::the_descriptor_is_readable_from_the_end_on),
        of(waiting::the_end_of_the_first_thread_is_not_the_end),
        of(waiting::a_stopped_process_has_not_ended),
        of(waiting::a_zombie_has_ended_although_its_id_is_taken),
        of(waiting::for_a_stranger_tells_the_status_when_it_was_reaped),
        of(waiting::after_somebody_else_has_reaped_the_child),
        of(waiting::keeps_its_deadline_while_a_tracer_holds_the_status_back),
        of(signalling::reaches_the_process_and_ends_it),
        of(signalling::a_process_that_was_reaped_is_an_error),
        suite::skippable(
            "signalling::never_hits_an_id_that_came_back",
            signalling::never_hits_an_id_that_came_back,
        ),
        suite::skippable("signalling::needs_permission", signalling::needs_permission),
        suite::skippable("signalling::does_not_go_up_a_namespace", signalling::does_not_go_up_a_namespace),
        of(signalling::values_arrive_in_order_with_their_sender),
        of(signalling::beyond_the_limit_is_refused_by_name),
        of(descriptors::are_duplicates_of_the_same_description),
        of(descriptors::that_are_not_open_are_not_found),
        of(descriptors::of_a_process_that_has_ended_are_gone),
        of(descriptors::beyond_the_limit_are_refused_by_name),
        suite::skippable("descriptors::need_permission", descriptors::need_permission),
        of(states::are_read_one_after_another),
        of(states::of_a_traced_process),
        of(states::whatever_the_command_is_called),
        of(states::of_no_process_are_errors),
        suite::skippable("states::of_threads_of_the_kernel", states::of_threads_of_the_kernel),
        suite::skippable("states::cannot_be_read_without_proc", states::cannot_be_read_without_proc),
        suite::nothing_is_left_behind(before),
    ])
}

/// A child that waits to be killed.
fn idle() -> Peer {
    Peer::start(|| {
        loop {
            pause();
        }
    })
}

fn pidfd_of(peer: &Peer) -> PidFd {
    PidFd::open(peer.id()).expect("a pidfd of a child")
}

/// A shell that runs this.
fn shell(script: &str) -> (Child, PidFd) {
    Command::new("sh").args(["-c", script]).spawn_pidfd(Inherit::new()).expect("a shell")
}

/// Returns once the process is in the state.
fn reaches(pidfd: &PidFd, expected: State) {
    let start = Instant::now();
    while pidfd.state().unwrap() != expected {
        assert!(start.elapsed() < LONG, "{:?} instead of {expected:?}", pidfd.state());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn as_nobody(role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    Peer::start(|| {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(NOBODY)).expect("setgid");
        setuid(Uid::from_raw(NOBODY)).expect("setuid");
        role();
    })
    .join();
    Outcome::Passed
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
