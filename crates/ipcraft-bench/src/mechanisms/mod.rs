//! The mechanisms: a registration, the implementation on the library, and the one on libc.
//!
//! A new mechanism is one more file here, with its registration in `catalog`.

pub(crate) mod channel_bytes;
pub(crate) mod channel_request;
pub(crate) mod channel_typed;
pub(crate) mod eventfd;
pub(crate) mod fifo;
pub(crate) mod futex_pi;
pub(crate) mod inet;
pub(crate) mod locks;
pub(crate) mod pipe;
pub(crate) mod posix_queue;
pub(crate) mod shm_futex;
pub(crate) mod shm_posix_semaphore;
pub(crate) mod shm_sysv_semaphore;
pub(crate) mod signals;
mod slot;
pub(crate) mod sync_barrier;
pub(crate) mod sync_condvar;
pub(crate) mod sysv_queue;
pub(crate) mod unix_sockets;
