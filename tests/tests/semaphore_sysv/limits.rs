//! Limits and scope of the IPC namespace.

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::control_group;
use ipcraft_tests::namespace;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::errno::Errno;

const SEM: &str = "/proc/sys/kernel/sem";

/// Returns name, value and request of the limit that creating such a set hits.
fn limit(semaphores: usize, errno: Errno) -> (&'static str, u64, Option<u64>) {
    let error = SemaphoreSet::create_new(Key::PRIVATE, &vec![0; semaphores]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::LimitReached, Some(errno as i32)));
    let limit = error.limit().expect("the limit is named");
    let name = ["SEMMSL", "SEMMNS", "SEMMNI"].into_iter().find(|name| *name == limit.name());
    (name.expect("a limit on sets"), limit.value(), limit.requested())
}

#[serial_test]
fn create_names_semmsl_semmns_and_semmni() -> Outcome {
    namespace::with_own_ipc(|| {
        namespace::set_limit(SEM, "10 25 5 3");
        assert_eq!(limit(11, Errno::EINVAL), ("SEMMSL", 10, Some(11)));
        // The sets vanish with the namespace of this process.
        SemaphoreSet::create_new(Key::PRIVATE, &[0; 10]).unwrap();
        SemaphoreSet::create_new(Key::PRIVATE, &[0; 10]).unwrap();
        assert_eq!(limit(6, Errno::ENOSPC), ("SEMMNS", 25, Some(26)));
        SemaphoreSet::create_new(Key::PRIVATE, &[0; 1]).unwrap();
        assert_eq!(limit(1, Errno::ENOSPC), ("SEMMNI", 3, Some(4)));
    })
}

#[serial_test]
fn apply_above_semopm_names_it() -> Outcome {
    namespace::with_own_ipc(|| {
        let set = SemaphoreSet::create_new(Key::PRIVATE, &[0; 3]).unwrap();
        namespace::set_limit(SEM, "10 25 2 3");
        let error = set.apply(&[Operation::add(0, 1); 3]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "semop id {}: a limit was reached (E2BIG): 3 needed, SEMOPM is 2; \
                 apply fewer at a time, or raise it in /proc/sys/kernel/sem",
                set.id()
            )
        );
        // Above the length of a copy on the stack.
        namespace::set_limit(SEM, "10 25 1000 3");
        set.try_apply(&[Operation::add(1, 1); 1000]).unwrap();
        assert_eq!(set.values().unwrap(), [0, 1000, 0]);
    })
}

#[serial_test]
fn key_is_local_to_the_ipc_namespace() -> Outcome {
    let key = super::unique_key();
    let set = super::Options::new().remove_on_drop(true).create_new(key, &[1]).unwrap();
    let outcome = namespace::with_own_ipc(|| {
        assert_eq!(super::kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
        SemaphoreSet::create_new(key, &[2]).unwrap();
        assert_eq!(SemaphoreSet::open(key).unwrap().value(0).unwrap(), 2);
    });
    assert_eq!(set.value(0).unwrap(), 1);
    outcome
}

/// The kernel kills a process of the group if it takes the memory without asking.
#[serial_test]
fn create_of_large_sets_names_the_limit_of_the_control_group() -> Outcome {
    control_group::with_memory_limit(64 << 20, || {
        let largest = vec![1; 32_000];
        let mut sets = Vec::new();
        let error = loop {
            match super::Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &largest) {
                Ok(set) => sets.push(set),
                Err(error) => break error,
            }
            assert!(sets.len() < 100, "beyond the limit of the group");
        };
        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
        assert!(error.limit().unwrap().requested() > Some(2_000_000), "{error}");
    })
}
