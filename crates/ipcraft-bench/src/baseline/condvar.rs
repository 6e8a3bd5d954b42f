//! A slot of shared memory each way, with a pthread mutex and condition variable for its state.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::rc::Rc;

use libc::{PTHREAD_PROCESS_SHARED, pthread_cond_t, pthread_mutex_t};

use super::futex::{EMPTY, FULL};
use super::pthread::{self, ROBUST, check};
use super::slot::{self, Memory, Slot};
use crate::link::{Direction, Directions, Endpoints};

/// The state of a slot. The mutex is robust, as the library's is.
#[repr(C, align(128))]
struct State {
    mutex: pthread_mutex_t,
    changed: pthread_cond_t,
    /// [`EMPTY`] or [`FULL`].
    state: u32,
}

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = Memory::new(3 * size_of::<State>())?;
    [0, 1].map(|direction| Lane::new(&memory, direction)).iter().try_for_each(Lane::init)?;
    Directions::connect(|direction| Ok(Lane::new(&memory, direction)))
}

/// One direction.
struct Lane {
    slot: Slot,
    /// In the memory that `slot` keeps mapped; initialised before the first message.
    guarded: *mut State,
}

impl Lane {
    fn new(memory: &Rc<Memory>, direction: usize) -> Lane {
        let position =
            (2 * slot::SIZE).next_multiple_of(align_of::<State>()) + direction * size_of::<State>();
        Lane { slot: Slot::new(memory, direction), guarded: memory.at(position).cast() }
    }

    /// Initialises the state of a direction that is not yet in use.
    fn init(&self) -> io::Result<()> {
        pthread::init(self.mutex(), ROBUST)?;
        init(self.changed())
    }

    #[inline]
    fn mutex(&self) -> *mut pthread_mutex_t {
        // SAFETY: because by the invariant on `guarded` it is mapped.
        unsafe { &raw mut (*self.guarded).mutex }
    }

    #[inline]
    fn changed(&self) -> *mut pthread_cond_t {
        // SAFETY: because by the invariant on `guarded` it is mapped.
        unsafe { &raw mut (*self.guarded).changed }
    }

    /// Returns the state, while this thread holds the mutex.
    #[inline]
    fn state(&self) -> u32 {
        // SAFETY: because by the invariant on `guarded` it is mapped, and only the owner of the
        // mutex writes.
        unsafe { (*self.guarded).state }
    }

    /// Waits for one state, uses the slot, and changes to the other state.
    #[inline]
    fn turn(&self, from: u32, to: u32, work: impl FnOnce(&Slot) -> io::Result<()>) -> io::Result<()> {
        pthread::lock(self.mutex())?;
        while self.state() != from {
            // SAFETY: because by the invariant on `guarded` both are initialised, and this thread
            // has the mutex.
            check(unsafe { libc::pthread_cond_wait(self.changed(), self.mutex()) })?;
        }
        let done = work(&self.slot);
        // SAFETY: because by the invariant on `guarded` it is mapped, and this thread has the
        // mutex.
        unsafe { (*self.guarded).state = to };
        pthread::unlock(self.mutex())?;
        // SAFETY: because by the invariant on `guarded` it is initialised.
        check(unsafe { libc::pthread_cond_signal(self.changed()) })?;
        done
    }
}

fn init(condition: *mut pthread_cond_t) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: because the first call initialises the attributes and the last one destroys them. The
    // condition variable is memory of its type that is not yet in use.
    unsafe {
        check(libc::pthread_condattr_init(attributes))?;
        let done = check(libc::pthread_condattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
            .and_then(|()| check(libc::pthread_cond_init(condition, attributes)));
        libc::pthread_condattr_destroy(attributes);
        done
    }
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.turn(EMPTY, FULL, |slot| {
            slot.put(message);
            Ok(())
        })
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.turn(FULL, EMPTY, |slot| slot.take(buffer))
    }
}
