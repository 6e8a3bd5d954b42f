//! A slot of shared memory each way, and a pthread barrier between writing and reading.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use libc::{PTHREAD_BARRIER_SERIAL_THREAD, PTHREAD_PROCESS_SHARED, pthread_barrier_t};

use super::pthread::check;
use super::slot::{self, Memory, Slot};
use crate::link::{Endpoints, Link};

/// The offset of the barrier: behind the slots, on its own cache line.
const OFFSET: usize = (2 * slot::SIZE).next_multiple_of(128);

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = Memory::new(2 * 128)?;
    let barrier = memory.at(OFFSET).cast();
    init(barrier)?;
    let end = |outgoing, incoming| Endpoint {
        outgoing: Slot::new(&memory, outgoing),
        incoming: Slot::new(&memory, incoming),
        barrier,
    };
    Ok(Endpoints::new(end(0, 1), end(1, 0)))
}

struct Endpoint {
    outgoing: Slot,
    incoming: Slot,
    /// Initialised for two, in the memory that the slots keep mapped.
    barrier: *mut pthread_barrier_t,
}

impl Endpoint {
    #[inline]
    fn wait(&self) -> io::Result<()> {
        // SAFETY: because by the invariant on `barrier` it is initialised.
        match unsafe { libc::pthread_barrier_wait(self.barrier) } {
            PTHREAD_BARRIER_SERIAL_THREAD => Ok(()),
            errno => check(errno),
        }
    }
}

fn init(barrier: *mut pthread_barrier_t) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: because the first call initialises the attributes and the last one destroys them. The
    // barrier is memory of its type that is not yet in use.
    unsafe {
        check(libc::pthread_barrierattr_init(attributes))?;
        let done = check(libc::pthread_barrierattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
            .and_then(|()| check(libc::pthread_barrier_init(barrier, attributes, 2)));
        libc::pthread_barrierattr_destroy(attributes);
        done
    }
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.outgoing.put(message);
        self.wait()
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.wait()?;
        self.incoming.take(buffer)
    }
}
