//! Shared memory: what is promised on the modules' pages, and each row of their errno tables that can be provoked.

mod interop;
mod mapping;
mod memfd;
mod posix;
mod shared;
mod sysv;

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, name};
use ipcraft_tests::leak::Snapshot;
use ipcraft_tests::suite::{self, of};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// The name of an object that no other test uses; removed on drop, whatever is behind it and whoever made it.
struct Name {
    text: String,
}

impl Name {
    fn new() -> Name {
        Name { text: format!("/{}", name::unique("ipcraft-shm")) }
    }

    /// One of so many bytes after the slash.
    fn padded(length: usize) -> Name {
        Name { text: format!("{:x<1$}", Name::new().text, length + 1) }
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm{}", self.text))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Usually the test itself has removed it. Forked children leave without dropping what they did not move.
        let _ = fs::remove_file(self.path()).or_else(|_| fs::remove_dir(self.path()));
    }
}

fn kind<T: std::fmt::Debug>(result: ipcraft::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn page() -> usize {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).unwrap().unwrap() as usize
}

/// A key that only this process uses.
fn unique_key() -> Key {
    static COUNTER: AtomicI32 = AtomicI32::new(0);
    let pid = process::id() as i32;
    Key::new(0x2000_0000 | pid << 8 | (COUNTER.fetch_add(1, Relaxed) & 0xff))
}

fn main() -> ExitCode {
    ipcraft_tests::namespace::enter_own_ipc();
    let before = Snapshot::take();
    suite::run(vec![
        of(mapping::copies_are_exact_at_every_alignment_and_length),
        of(mapping::what_is_out_of_bounds_is_refused_and_nothing_is_copied),
        of(mapping::atomics_are_aligned_and_within_bounds),
        of(mapping::a_read_only_mapping_refuses_writers),
        of(mapping::a_mapping_outlives_its_descriptor),
        of(mapping::a_forked_child_shares_the_memory),
        of(mapping::advice_and_residence_change_no_contents),
        of(posix::capacity_is_exact_and_all_zero),
        of(posix::absurd_sizes_are_typed_errors_and_leave_nothing),
        of(posix::mode_is_0600_unless_set_and_the_umask_is_taken_off),
        of(posix::descriptors_are_close_on_exec),
        of(posix::create_takes_what_exists_if_it_is_large_enough),
        of(posix::exactly_one_of_many_racing_creators_wins),
        of(posix::what_is_no_memory_is_refused),
        of(posix::what_permits_more_than_asked_for_is_refused),
        suite::skippable(
            "posix::somebody_elses_is_refused_unless_asked_for",
            posix::somebody_elses_is_refused_unless_asked_for,
        ),
        suite::skippable("posix::the_kernel_denies_other_users", posix::the_kernel_denies_other_users),
        of(posix::names_have_a_slash_and_at_most_255_bytes),
        of(posix::a_missing_name_is_waited_for),
        of(posix::memory_outlives_its_name),
        of(posix::removing_takes_only_its_own),
        of(posix::the_name_stays_unless_removal_was_asked_for),
        of(posix::growing_keeps_contents_and_shrinking_is_refused),
        of(posix::an_object_opened_for_reading_is_not_written),
        suite::skippable(
            "posix::a_full_file_system_is_an_error_at_creation",
            posix::a_full_file_system_is_an_error_at_creation,
        ),
        suite::skippable(
            "posix::without_a_tmpfs_it_is_unsupported",
            posix::without_a_tmpfs_it_is_unsupported,
        ),
        of(posix::limits_of_the_process_are_named),
        of(memfd::capacity_is_exact_and_sealed_from_birth),
        of(memfd::absurd_sizes_are_typed_errors),
        of(memfd::it_is_neither_inherited_nor_executable),
        of(memfd::names_have_at_most_249_bytes),
        of(memfd::seals_can_be_added_until_that_is_sealed),
        of(memfd::a_writer_may_keep_writing_what_others_only_read),
        of(memfd::a_received_descriptor_needs_every_seal),
        of(memfd::what_is_no_memfd_or_empty_is_refused),
        of(memfd::a_descriptor_for_reading_cannot_be_mapped_for_writing),
        of(memfd::a_hole_reads_zero_and_is_no_fault),
        of(memfd::it_travels_over_a_socket),
        of(memfd::huge_pages_are_whole_or_an_error),
        of(memfd::pages_of_a_size_that_the_machine_lacks_are_unsupported),
        of(sysv::capacity_is_exact_and_all_zero),
        of(sysv::absurd_sizes_are_typed_errors),
        of(sysv::a_key_leads_to_one_segment),
        of(sysv::attaching_for_reading_refuses_writers),
        of(sysv::attachments_are_counted),
        of(sysv::statistics_tell_who_and_when),
        of(sysv::a_removed_segment_lives_until_the_last_detaches),
        of(sysv::it_stays_unless_removal_was_asked_for),
        of(sysv::exactly_one_of_many_racing_creators_wins),
        of(sysv::locking_shows_in_the_statistics),
        suite::skippable("sysv::permissions_are_needed", sysv::permissions_are_needed),
        suite::skippable("sysv::limits_are_named", sysv::limits_are_named),
        suite::skippable("sysv::namespaces_do_not_share_keys", sysv::namespaces_do_not_share_keys),
        of(sysv::huge_pages_are_there_or_an_error),
        of(sysv::the_kernels_own_list_agrees),
        of(shared::a_value_is_initialised_before_anybody_sees_it),
        of(shared::racing_creators_share_one_value),
        of(shared::a_creator_that_dies_half_way_leaves_nothing),
        of(shared::another_type_is_refused_with_what_differs),
        of(shared::what_is_no_value_is_refused),
        of(shared::anonymous_memory_is_initialised_once),
        of(shared::an_initialiser_that_died_is_no_value),
        of(shared::a_segment_can_hold_a_value_too),
        of(shared::a_value_is_aligned_as_its_type_says),
        suite::skippable("interop::a_c_program_uses_our_memory", interop::a_c_program_uses_our_memory),
        suite::skippable("interop::we_use_a_c_programs_memory", interop::we_use_a_c_programs_memory),
        suite::skippable(
            "interop::ipcs_shows_and_ipcrm_removes_a_segment",
            interop::ipcs_shows_and_ipcrm_removes_a_segment,
        ),
        of(interop::an_object_is_a_file_that_anybody_can_look_at),
        suite::nothing_is_left_behind(before),
    ])
}
