//! A thread that lives as long as the process, for children that get a signal when their parent
//! ends: the kernel sends it when the forking thread ends.

#![allow(unsafe_code)]

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::unistd::{getpid, gettid};

use crate::error::{Error, Result};
use crate::support::process_identity::ProcessIdentity;
use crate::support::quiet_thread;

type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Where the thread takes its jobs from, and the process that it belongs to. A forked child has
/// none.
static THREAD: Mutex<Option<(ProcessIdentity, Sender<Job<'static>>)>> = Mutex::new(None);

/// Runs the job and returns its result. The calling thread runs it if it is the first one of the
/// process.
pub(super) fn run<T: Send>(job: impl FnOnce() -> T + Send) -> Result<T> {
    if gettid() == getpid() {
        return Ok(job());
    }
    let thread = running_thread()?;
    let (result, outcome) = mpsc::sync_channel(1);
    let job: Job<'_> = Box::new(move || {
        // The receiver waits for it.
        let _ = result.send(catch_unwind(AssertUnwindSafe(job)));
    });
    // SAFETY: because the job is consumed before `outcome` gets its result or its end, and this
    // function does not return earlier. The boxes differ in a lifetime only.
    let job = unsafe { mem::transmute::<Job<'_>, Job<'static>>(job) };
    // If the thread were gone, the job would be dropped, and `outcome` would end.
    let _ = thread.send(job);
    match outcome.recv() {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(panic)) => resume_unwind(panic),
        // The thread does not end before the process does.
        Err(_) => Err(Error::from_errno("pthread_create", Errno::EAGAIN)),
    }
}

fn running_thread() -> Result<Sender<Job<'static>>> {
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    match &*thread {
        Some((owner, jobs)) if owner.is_current() => return Ok(jobs.clone()),
        _ => {}
    }
    let (jobs, received): (_, Receiver<Job<'static>>) = mpsc::channel();
    quiet_thread::start("ipcraft-starter", move || received.into_iter().for_each(|job| job()))?;
    *thread = Some((ProcessIdentity::current(), jobs.clone()));
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn jobs_of_several_threads_run_on_one_that_stays() {
        let ids: Vec<_> = (0..4).map(|_| thread::spawn(|| run(gettid).unwrap()).join().unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0] && *id != gettid()), "{ids:?}");
        let borrowed = String::from("here");
        assert_eq!(thread::scope(|s| s.spawn(|| run(|| borrowed.len()).unwrap()).join().unwrap()), 4);
    }

    #[test]
    fn panic_of_a_job_reaches_its_caller_and_the_thread_stays() {
        let panicked = thread::spawn(|| run(|| panic!("expected"))).join();
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"expected"));
        assert_eq!(thread::spawn(|| run(|| 7).unwrap()).join().unwrap(), 7);
    }
}
