//! The words of rings as the model checker sees them. A thread can be made to die at each of
//! them.

#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64 as Modelled;

loom::thread_local! {
    /// How many more words this thread accesses, if it is going to die.
    static LEFT: Cell<Option<u32>> = Cell::new(None);
}

/// Not an error.
struct Crash;

/// Runs `life` as a thread that dies before it accesses more than `words` words; its state stays
/// as it is. Returns whether it completed.
pub(crate) fn crash_after(words: u32, life: impl FnOnce()) -> bool {
    LEFT.with(|left| left.set(Some(words)));
    let lived = catch_unwind(AssertUnwindSafe(life));
    LEFT.with(|left| left.set(None));
    match lived {
        Ok(()) => true,
        Err(reason) if reason.is::<Crash>() => false,
        Err(reason) => resume_unwind(reason),
    }
}

fn step() {
    let is_over = LEFT.with(|left| match left.get() {
        Some(0) => true,
        Some(some) => {
            left.set(Some(some - 1));
            false
        }
        None => false,
    });
    if is_over {
        resume_unwind(Box::new(Crash));
    }
}

/// A word with a state.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct AtomicU64(Modelled);

impl AtomicU64 {
    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        step();
        self.0.load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        step();
        self.0.store(value, order);
    }

    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        step();
        self.0.fetch_add(value, order)
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        step();
        self.0.compare_exchange(current, new, success, failure)
    }
}

/// A word of a message.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct Content(UnsafeCell<Modelled>);

thread_local! {
    /// Where the messages are that only one thread at a time may access, if the ring keeps its
    /// promise. To the system, the threads of a model are one.
    static ORDERED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

impl Content {
    /// From now on, what is accessed without order in these bytes is an error.
    pub(crate) fn expect_order(start: std::ptr::NonNull<u8>, room: usize) {
        let start = start.addr().get();
        ORDERED.set((start, start + room));
    }

    /// Whether races with accesses to this are errors.
    fn is_ordered(&self) -> bool {
        let (start, end) = ORDERED.get();
        (start..end).contains(&self.0.get().addr())
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        step();
        // SAFETY: because the threads of a model run one at a time, and do not switch while an
        // exclusive reference exists.
        let word = unsafe { &*self.0.get() };
        if self.is_ordered() {
            // SAFETY: because the checker stops the model if a thread may be writing.
            unsafe { word.unsync_load() }
        } else {
            word.load(order)
        }
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        step();
        if self.is_ordered() {
            // SAFETY: because the threads of a model run one at a time, and do not switch within
            // this call.
            unsafe { &mut *self.0.get() }.with_mut(|word| *word = value);
        } else {
            // SAFETY: because of the same as in `load`.
            unsafe { &*self.0.get() }.store(value, order);
        }
    }
}
