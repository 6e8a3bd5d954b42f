//! Semaphores: counters that processes wait on (sem_overview(7), semop(2)).
//!
//! There are two kinds, from two traditions:
//!
//! | | [`sysv`] |
//! |---|---|
//! | unit | a set of semaphores, changed together or not at all |
//! | cost of an operation that need not wait | one system call |
//! | found by | a number, the key |
//! | a holder that is killed | gives back what it took, if it asked for that ([`undo`](sysv::Operation::undo)) |
//! | wait for zero | yes |
//! | lives | until it is removed or the machine stops |

pub mod sysv;
