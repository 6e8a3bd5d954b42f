//! Locks that guard a number in shared memory: ipcraft's `sync::Mutex`, glibc's, and posix-sync,
//! which wraps glibc's. parking_lot works between the threads of one process, and is a limit.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use ipcraft::shm::posix::SharedMemory;
use ipcraft::shm::{Mapping, Shared};
use ipcraft::sync;
use ipcraft_bench::Role;
use posix_sync::mutex::guards::RobustGuardContainer;
use posix_sync::mutex::robustness_markers::Robust;
use posix_sync::mutex::{BorrowedMutex, MutexBuilder, MutexSharing, RawMutexAlloc};

use super::pthread;
use crate::competitor::Side;
use crate::harness::Harness;
use crate::message::Result;
use crate::work::Lock;

/// The offset of the number that a lock of libc guards: on the lock's cache line.
const NUMBER: usize = 48;

/// Shared memory for a lock and the number that it guards.
pub(crate) struct Page(Mapping);

impl Page {
    fn open(harness: &Harness, create: bool) -> Result<Page> {
        let name = harness.scratch().name("lock");
        let memory = if create { SharedMemory::create_new(name, 4096)? } else { SharedMemory::open(name)? };
        Ok(Page(memory.map()?))
    }

    pub(crate) fn lock(&self) -> Result<NonNull<u8>> {
        Ok(self.0.pointer(0, NUMBER, align_of::<u64>())?)
    }

    pub(crate) fn number(&self) -> Result<NonNull<u64>> {
        Ok(self.0.pointer(NUMBER, size_of::<u64>(), align_of::<u64>())?.cast())
    }
}

/// Creates the lock on the client's side, and attaches to it on the server's.
fn both<L>(
    harness: &mut Harness,
    create: impl FnOnce(&mut Harness) -> Result<L>,
    attach: impl FnOnce(&mut Harness) -> Result<L>,
) -> Result<L> {
    let (Side::Sender(lock) | Side::Receiver(lock)) = harness.connect(create, attach)?;
    Ok(lock)
}

/// The client is killed while it holds the lock; the server waits for it.
fn owner_dies(harness: &mut Harness, mut lock: impl Lock) -> Result<()> {
    match harness.role() {
        Role::Client => {
            let mut served = Ok(());
            lock.locked(|_| served = harness.be_killed(()))?;
            served
        }
        Role::Server => harness.outlive(|| lock.locked(|_| ())),
    }
}

struct Ours(Shared<sync::Mutex<u64>>);

impl Lock for Ours {
    #[inline]
    fn locked(&mut self, change: impl FnOnce(&mut u64)) -> Result<()> {
        change(&mut *self.0.lock().or_else(|error| error.repair(|_| ()))?);
        Ok(())
    }
}

fn create_ours(harness: &mut Harness) -> Result<Ours> {
    Ok(Ours(Shared::create_new(harness.scratch().name("lock"), |mutex: &sync::Mutex<u64>| mutex.init(0))?))
}

fn ours(harness: &mut Harness) -> Result<Ours> {
    both(harness, create_ours, |harness| Ok(Ours(Shared::open(harness.scratch().name("lock"))?)))
}

/// ipcraft: one process.
pub(crate) fn ours_alone(harness: &mut Harness) -> Result<()> {
    let lock = create_ours(harness)?;
    harness.lock(lock)
}

/// ipcraft: two processes.
pub(crate) fn ours_contended(harness: &mut Harness) -> Result<()> {
    let lock = ours(harness)?;
    harness.compete(lock)
}

/// ipcraft: the owner is killed.
pub(crate) fn ours_owner_dies(harness: &mut Harness) -> Result<()> {
    let lock = ours(harness)?;
    owner_dies(harness, lock)
}

fn glibc<const ROBUST: bool>(harness: &mut Harness) -> Result<pthread::Mutex> {
    both(
        harness,
        |harness| pthread::Mutex::create(Page::open(harness, true)?, ROBUST),
        |harness| pthread::Mutex::attach(Page::open(harness, false)?),
    )
}

/// glibc: one process.
pub(crate) fn glibc_alone<const ROBUST: bool>(harness: &mut Harness) -> Result<()> {
    let lock = pthread::Mutex::create(Page::open(harness, true)?, ROBUST)?;
    harness.lock(lock)
}

/// glibc: two processes.
pub(crate) fn glibc_contended<const ROBUST: bool>(harness: &mut Harness) -> Result<()> {
    let lock = glibc::<ROBUST>(harness)?;
    harness.compete(lock)
}

/// glibc: the owner is killed.
pub(crate) fn glibc_owner_dies<const ROBUST: bool>(harness: &mut Harness) -> Result<()> {
    let lock = glibc::<ROBUST>(harness)?;
    owner_dies(harness, lock)
}

/// A robust mutex of posix-sync, in memory that it borrows, as its documentation shows.
struct PosixSync(Page);

impl PosixSync {
    fn create(harness: &mut Harness) -> Result<PosixSync> {
        let page = Page::open(harness, true)?;
        let builder = MutexBuilder::<Robust>::new().with_sharing(MutexSharing::Shared);
        // SAFETY: because the memory is mapped, large enough and not yet in use.
        unsafe { builder.build_borrowed(page.lock()?.cast::<RawMutexAlloc>().as_ptr(), &page) };
        Ok(PosixSync(page))
    }

    fn attach(harness: &mut Harness) -> Result<PosixSync> {
        Ok(PosixSync(Page::open(harness, false)?))
    }
}

impl Lock for PosixSync {
    #[inline]
    fn locked(&mut self, change: impl FnOnce(&mut u64)) -> Result<()> {
        let (raw, mut number) = (self.0.lock()?.cast::<RawMutexAlloc>(), self.0.number()?);
        // SAFETY: because the mutex was built in this memory with the same robustness.
        let mutex: BorrowedMutex<'_, Robust> = unsafe { BorrowedMutex::from_raw(raw.as_ptr(), &self.0) };
        // SAFETY: because all processes use the mutex through posix-sync only.
        match unsafe { mutex.lock() }? {
            // SAFETY: because the number is mapped, and only the owner of the mutex uses it.
            RobustGuardContainer::Standard(_guard) => change(unsafe { number.as_mut() }),
            RobustGuardContainer::Indeterminate(guard) => {
                let _guard = guard.make_consistent()?;
                // SAFETY: because this process holds the mutex now, and the number is mapped.
                change(unsafe { number.as_mut() });
            }
        }
        Ok(())
    }
}

/// posix-sync: one process.
pub(crate) fn posix_sync_alone(harness: &mut Harness) -> Result<()> {
    let lock = PosixSync::create(harness)?;
    harness.lock(lock)
}

/// posix-sync: two processes.
pub(crate) fn posix_sync_contended(harness: &mut Harness) -> Result<()> {
    let lock = both(harness, PosixSync::create, PosixSync::attach)?;
    harness.compete(lock)
}

/// posix-sync: the owner is killed.
pub(crate) fn posix_sync_owner_dies(harness: &mut Harness) -> Result<()> {
    let lock = both(harness, PosixSync::create, PosixSync::attach)?;
    owner_dies(harness, lock)
}

impl Lock for Arc<parking_lot::Mutex<u64>> {
    #[inline]
    fn locked(&mut self, change: impl FnOnce(&mut u64)) -> Result<()> {
        change(&mut self.lock());
        Ok(())
    }
}

/// parking_lot: one thread.
pub(crate) fn parking_lot_alone(harness: &mut Harness) -> Result<()> {
    harness.lock(Arc::new(parking_lot::Mutex::new(0)))
}

/// parking_lot: two threads.
pub(crate) fn parking_lot_contended(harness: &mut Harness) -> Result<()> {
    let lock = Arc::new(parking_lot::Mutex::new(0));
    let other = lock.clone();
    harness.threads(|client| client.compete(lock), |server| server.compete(other))
}
