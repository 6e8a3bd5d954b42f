//! Semaphores: counters that processes wait on (sem_overview(7), semop(2)).
//!
//! There are two kinds, from two traditions:
//!
//! | | [`posix`] | [`sysv`] |
//! |---|---|---|
//! | unit | one semaphore | a set of semaphores, changed together or not at all |
//! | an operation that need not wait or wake | no system call | one system call |
//! | found by | a name, or an offset in shared memory | a number, the key |
//! | a holder that is killed | takes its unit along | gives it back, if it asked for that ([`undo`](sysv::Operation::undo)) |
//! | wait for zero | no | yes |
//! | largest value | 2147483647 | 32767 |
//! | lives | until the name and the last user are gone | until it is removed or the machine stops |

pub mod posix;
pub mod sysv;
