//! The list of everything that can be measured.
//!
//! Mechanisms and limits know only the types in `mechanism`. This list knows them.

use crate::limits::{cacheline, futex, single, two_copies};
use crate::mechanism::Mechanism;
use crate::mechanisms::{
    channel_bytes, channel_request, channel_typed, eventfd, fifo, futex_pi, inet, locks, pipe, posix_queue,
    shm_futex, shm_posix_semaphore, shm_sysv_semaphore, signals, sync_barrier, sync_condvar, sysv_queue,
    unix_sockets,
};

/// All mechanisms, in the order in which they are explained.
static MECHANISMS: &[&Mechanism] = &[
    &pipe::MECHANISM,
    &fifo::MECHANISM,
    &unix_sockets::PAIR_STREAM,
    &unix_sockets::PAIR_DATAGRAM,
    &unix_sockets::PAIR_SEQPACKET,
    &unix_sockets::STREAM,
    &unix_sockets::DATAGRAM,
    &unix_sockets::SEQPACKET,
    &eventfd::MECHANISM,
    &shm_futex::MECHANISM,
    &shm_posix_semaphore::MECHANISM,
    &shm_sysv_semaphore::MECHANISM,
    &channel_bytes::ADAPTIVE,
    &channel_bytes::BLOCK,
    &channel_bytes::SPIN,
    &channel_typed::MPMC,
    &channel_typed::BROADCAST,
    &channel_typed::LATEST,
    &channel_request::MECHANISM,
    &posix_queue::MECHANISM,
    &sysv_queue::MECHANISM,
    &signals::REALTIME_SIGNAL,
    &signals::SIGNALFD,
    &sync_barrier::MECHANISM,
    &sync_condvar::MECHANISM,
    &locks::MUTEX,
    &locks::RWLOCK_READ,
    &locks::RWLOCK_WRITE,
    &locks::SEMAPHORE,
    &futex_pi::MECHANISM,
    &inet::TCP,
    &inet::UDP,
];

/// All limits.
static LIMITS: &[&Mechanism] = &[
    &cacheline::COMPARE_AND_SWAP,
    &cacheline::STORE,
    &futex::FUTEX,
    &futex::AWAKE,
    &futex::SCHED_YIELD,
    &single::NULL_SYSCALL,
    &single::MEMCPY,
    &two_copies::MEMCPY_TWO_CORES,
];

/// Returns all mechanisms, in the order in which they are explained.
pub fn mechanisms() -> &'static [&'static Mechanism] {
    MECHANISMS
}

/// Returns all limits: what the machine itself allows.
pub fn limits() -> &'static [&'static Mechanism] {
    LIMITS
}

/// Returns the mechanism with this id.
pub fn find(id: &str) -> Option<&'static Mechanism> {
    mechanisms().iter().copied().find(|mechanism| mechanism.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Implementation;
    use crate::workload::Workload;

    #[test]
    fn mechanism_ids_are_stable() {
        let ids: Vec<_> = mechanisms().iter().map(|mechanism| mechanism.id).collect();
        let expected = [
            "pipe",
            "fifo",
            "socketpair_stream",
            "socketpair_datagram",
            "socketpair_seqpacket",
            "unix_stream",
            "unix_datagram",
            "unix_seqpacket",
            "eventfd",
            "shm_futex",
            "shm_posix_semaphore",
            "shm_sysv_semaphore",
            "channel",
            "channel_block",
            "channel_spin",
            "channel_mpmc",
            "channel_broadcast",
            "channel_latest",
            "channel_request",
            "posix_queue",
            "sysv_queue",
            "realtime_signal",
            "signalfd",
            "sync_barrier",
            "sync_condvar",
            "sync_mutex",
            "sync_rwlock_read",
            "sync_rwlock_write",
            "sync_semaphore",
            "futex_pi",
            "tcp",
            "udp",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn mechanism_and_limit_ids_are_unique() {
        let all = mechanisms().iter().chain(limits());
        let mut ids: Vec<_> = all.map(|mechanism| mechanism.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn mechanisms_have_library_and_baseline_and_limits_have_limit() {
        let both = [Implementation::Ipcraft, Implementation::Baseline];
        assert!(mechanisms().iter().all(|m| both.iter().all(|&known| m.connect(known).is_some())));
        assert!(limits().iter().all(|limit| limit.connect(Implementation::Limit).is_some()));
    }

    #[test]
    fn locks_have_a_plain_mutex_to_compare_with() {
        let locks = mechanisms().iter().filter(|mechanism| mechanism.workloads == Workload::LOCKS);
        let mut locks = locks.peekable();
        assert!(locks.peek().is_some());
        assert!(locks.all(|lock| lock.connect(Implementation::Plain).is_some()));
    }

    #[test]
    fn only_the_baseline_of_channels_gives_fewer_guarantees() {
        for mechanism in mechanisms() {
            let is_channel = mechanism.id.starts_with("channel");
            assert_eq!(mechanism.equal_baseline, !is_channel, "{}", mechanism.id);
        }
    }

    #[test]
    fn nearest_size_clamps_to_the_carried_range() {
        let udp = find("udp").unwrap();
        assert_eq!(udp.nearest_size(0), 1);
        assert_eq!(udp.nearest_size(64), 64);
        assert_eq!(udp.nearest_size(1 << 20), 65_507);
    }

    #[test]
    fn only_tcp_and_udp_need_acknowledgements() {
        let windows: Vec<_> = mechanisms().iter().filter(|m| m.window(64).is_some()).map(|m| m.id).collect();
        assert_eq!(windows, ["tcp", "udp"]);
        assert_eq!(find("udp").unwrap().window(65_507), Some(1));
    }
}
