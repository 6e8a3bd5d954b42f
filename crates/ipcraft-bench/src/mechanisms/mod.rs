//! One file per mechanism, the library's implementation and its raw twin side by side.
//!
//! A new mechanism is one more file and one more line in each of the two lists here.

mod channel;
mod channel_request;
mod channel_typed;
mod eventfd;
mod fifo;
mod lock;
mod pipe;
mod posix_queue;
mod realtime_signal;
mod records;
mod shm_futex;
mod shm_posix_semaphore;
mod shm_sysv_semaphore;
mod signalfd;
mod slot;
mod socketpair_datagram;
mod socketpair_seqpacket;
mod socketpair_stream;
mod sync_barrier;
mod sync_condvar;
mod sync_mutex;
mod sync_rwlock;
mod sync_semaphore;
mod sysv_queue;
mod tcp;
mod udp;
mod unix_datagram;
mod unix_seqpacket;
mod unix_stream;

use std::ops::RangeInclusive;

use crate::raw::socket;
use crate::registry::Mechanism;

/// In the order in which they are explained.
pub(crate) const ALL: &[&Mechanism] = &[
    &pipe::MECHANISM,
    &fifo::MECHANISM,
    &socketpair_stream::MECHANISM,
    &socketpair_datagram::MECHANISM,
    &socketpair_seqpacket::MECHANISM,
    &unix_stream::MECHANISM,
    &unix_datagram::MECHANISM,
    &unix_seqpacket::MECHANISM,
    &eventfd::MECHANISM,
    &shm_futex::MECHANISM,
    &shm_posix_semaphore::MECHANISM,
    &shm_sysv_semaphore::MECHANISM,
    &channel::ADAPTIVE,
    &channel::BLOCK,
    &channel::SPIN,
    &channel_typed::MPMC,
    &channel_typed::BROADCAST,
    &channel_typed::LATEST,
    &channel_request::MECHANISM,
    &posix_queue::MECHANISM,
    &sysv_queue::MECHANISM,
    &realtime_signal::MECHANISM,
    &signalfd::MECHANISM,
    &sync_barrier::MECHANISM,
    &sync_condvar::MECHANISM,
    &sync_mutex::MECHANISM,
    &sync_rwlock::READ,
    &sync_rwlock::WRITE,
    &sync_semaphore::MECHANISM,
    &tcp::MECHANISM,
    &udp::MECHANISM,
];

/// A Unix record has to fit the sender's buffer, less what the kernel keeps of it for itself.
fn unix_record_sizes() -> RangeInclusive<usize> {
    const KEPT_BY_THE_KERNEL: usize = 32;
    let buffer = socket::pair(libc::SOCK_DGRAM).and_then(|(one, _)| socket::send_buffer(&one));
    1..=buffer.map_or(4096, |bytes| bytes.saturating_sub(KEPT_BY_THE_KERNEL))
}
