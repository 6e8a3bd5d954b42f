//! What channels in shared memory promise to processes, also to those whose peers are killed.

mod broadcast;
mod latest;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use ipcraft::time::Deadline;
use ipcraft::{ErrorKind, name};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

/// Within which a death is noticed also by one who sleeps.
const NOTICE: Duration = Duration::from_secs(1);

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
        of(broadcast::comes_back_when_the_last_subscriber_is_killed),
        of(broadcast::ends_when_the_publisher_is_killed),
        of(broadcast::loses_nothing_when_publishers_are_killed),
        of(broadcast::disturbs_nobody_when_subscribers_are_killed),
        of(broadcast::has_one_publisher),
        of(latest::is_whole_and_the_newest_in_every_process),
        of(latest::is_whole_when_writers_are_killed),
        of(latest::tells_who_waits_that_the_writer_was_killed),
        of(latest::has_one_writer),
        suite::nothing_is_left_behind(before),
    ];
    suite::run(tests)
}
