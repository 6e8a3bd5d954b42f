//! sigaction(2).

#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};
use std::ptr;

use libc::{c_int, c_void, siginfo_t};
use nix::errno::Errno;

/// A handler with `SA_SIGINFO`.
pub(crate) type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// What a process does on a signal, with the flags and the mask of the handler.
#[derive(Clone, Copy)]
pub(crate) struct Action(libc::sigaction);

impl Action {
    /// Returns the present action of the signal.
    pub(crate) fn current(signal: c_int) -> nix::Result<Action> {
        let mut action = MaybeUninit::uninit();
        // SAFETY: because sigaction(2) only writes the old action, to a variable of that type, when
        // the new one is null.
        Errno::result(unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) })?;
        // SAFETY: because the call succeeded and has filled the structure in.
        Ok(Action(unsafe { action.assume_init() }))
    }

    /// An action that runs `handler`, which calls the function of `chained`, if that has one. The
    /// function finds the stack and the mask that it asked for.
    ///
    /// # Safety
    ///
    /// The handler makes only async-signal-safe calls and does not unwind.
    pub(crate) unsafe fn with_handler(handler: Handler, chained: &Action) -> Action {
        // SAFETY: because sigaction is a C structure of integers and an optional function pointer,
        // for which zeroes are valid.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        if chained.function().is_some() {
            let kept = libc::SA_ONSTACK | libc::SA_NODEFER | libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT;
            action.sa_flags |= chained.0.sa_flags & kept;
            action.sa_mask = chained.0.sa_mask;
        }
        Action(action)
    }

    /// Makes this the action of the signal.
    pub(crate) fn install(&self, signal: c_int) -> nix::Result<()> {
        // SAFETY: because the action came from the kernel, or from `with_handler`, whose caller
        // guarantees that the handler may run at any time.
        Errno::result(unsafe { libc::sigaction(signal, &self.0, ptr::null_mut()) }).map(drop)
    }

    /// Returns the address of the handler; `None` for the default action and an ignored signal.
    pub(crate) fn function(&self) -> Option<usize> {
        let address = self.0.sa_sigaction;
        (address != libc::SIG_DFL && address != libc::SIG_IGN).then_some(address)
    }
}

/// Calls the handler at this address as the kernel does.
///
/// # Safety
///
/// [`Action::function`] returned the address, and the arguments are those of a handler.
pub(crate) unsafe fn call(address: usize, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: because the address is that of a handler. The kernel passes three arguments to every
    // handler, also to one that takes only the first.
    let handler = unsafe { mem::transmute::<usize, Handler>(address) };
    handler(signal, info, context);
}
