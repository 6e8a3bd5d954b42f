//! Realtime signals with a value on libc: sigqueue(3), and sigwaitinfo(2) or signalfd(2).
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;

use super::{check, retry};
use crate::link::{Ends, Link};
use crate::pids::{self, Pids};

/// A value travels in four bytes.
pub(crate) const LARGEST: usize = size_of::<i32>();

/// The raw twin that waits in sigwaitinfo(2).
pub(crate) fn connect_waiting(_scratch: &Path) -> io::Result<Ends> {
    let [client, server] = pids::both()?;
    Ok(Ends::new(Waiting(End::new(client)), Waiting(End::new(server))))
}

/// The raw twin that reads a signalfd.
pub(crate) fn connect_reading(_scratch: &Path) -> io::Result<Ends> {
    let [client, server] = pids::both()?;
    Ok(Ends::new(Reading::new(End::new(client))?, Reading::new(End::new(server))?))
}

/// What both have in common.
struct End {
    pids: Pids,
    outgoing: libc::c_int,
    /// The signal that comes, alone.
    incoming: libc::sigset_t,
}

impl End {
    fn new(pids: Pids) -> End {
        let mut incoming = MaybeUninit::uninit();
        // SAFETY: because sigemptyset(3) initialises the set that sigaddset(3) then extends.
        let incoming = unsafe {
            libc::sigemptyset(incoming.as_mut_ptr());
            libc::sigaddset(incoming.as_mut_ptr(), libc::SIGRTMIN() + pids.own());
            incoming.assume_init()
        };
        End { outgoing: libc::SIGRTMIN() + pids.other(), incoming, pids }
    }

    fn arrive(&mut self) -> io::Result<()> {
        // SAFETY: because pthread_sigmask(3) reads an initialised set, and a null old mask is allowed.
        let status = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &self.incoming, ptr::null_mut()) };
        match status {
            0 => self.pids.arrive(),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        let number = i32::from_ne_bytes(pids::padded(message)?);
        let value = libc::sigval { sival_ptr: ptr::without_provenance_mut(number as u32 as usize) };
        let pid = self.pids.of_the_other() as libc::pid_t;
        // SAFETY: because sigqueue(3) takes integers, and nobody follows this pointer.
        check(unsafe { libc::sigqueue(pid, self.outgoing, value) }).map(drop)
    }
}

struct Waiting(End);

impl Link for Waiting {
    fn arrive(&mut self) -> io::Result<()> {
        self.0.arrive()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
        // SAFETY: because sigwaitinfo(2) reads an initialised set and writes one siginfo_t.
        retry(|| unsafe { libc::sigwaitinfo(&self.0.incoming, info.as_mut_ptr()) } as libc::ssize_t)?;
        // SAFETY: because sigwaitinfo(2) has written it when it succeeds.
        let info = unsafe { info.assume_init() };
        // SAFETY: because a queued signal has a value (sigaction(2)), and one that is not has zeroes there or a child's
        // status: integers, and nobody follows the pointer.
        let value = unsafe { info.si_value() }.sival_ptr.addr() as i32;
        take(info.si_code, value, buffer)
    }
}

struct Reading {
    end: End,
    fd: OwnedFd,
}

impl Reading {
    fn new(end: End) -> io::Result<Reading> {
        // SAFETY: because signalfd(2) reads an initialised set.
        let fd = check(unsafe { libc::signalfd(-1, &end.incoming, libc::SFD_CLOEXEC) })?;
        // SAFETY: because the descriptor is new and nobody else has it, as signalfd(2) succeeded.
        Ok(Reading { end, fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }
}

impl Link for Reading {
    fn arrive(&mut self) -> io::Result<()> {
        self.end.arrive()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.end.send(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut record = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        let (fd, size) = (self.fd.as_raw_fd(), size_of_val(&record));
        // SAFETY: because read(2) writes at most `size` bytes to a variable of that size.
        let length = retry(|| unsafe { libc::read(fd, record.as_mut_ptr().cast(), size) })?;
        if length != size {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: because all of it was read, and any integers are valid.
        let record = unsafe { record.assume_init_ref() };
        take(record.ssi_code, record.ssi_int, buffer)
    }
}

/// Only what was queued has a value.
#[inline]
fn take(code: libc::c_int, value: i32, buffer: &mut [u8]) -> io::Result<()> {
    if code != libc::SI_QUEUE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    pids::unpadded(value, buffer)
}
