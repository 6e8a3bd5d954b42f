//! Semaphores: counters that processes wait on (sem_overview(7), semop(2)).
//!
//! There are two kinds:
//!
//! | | [`posix`] | [`sysv`] |
//! |---|---|---|
//! | unit | one semaphore | a set of semaphores, changed together or not at all |
//! | an operation that neither blocks nor wakes | no system call | one system call |
//! | identified by | a name, or an offset in shared memory | a number, the key |
//! | a holder is killed | its unit is lost | its unit is returned, if taken with [`undo`](sysv::Operation::undo) |
//! | wait for zero | no | yes |
//! | largest value | 2147483647 | 32767 |
//! | lifetime | until the name and the last user are gone | until it is removed or the machine stops |

pub mod posix;
pub mod sysv;
