//! The rings over memory of the heap, for `tests/miri.sh`.

mod mpmc;
mod spsc;
