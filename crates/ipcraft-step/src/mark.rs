//! The child's side: the operation between two marks that the tracer recognises.
//!
//! A mark is a getpid(2) with an argument. The kernel ignores it, no filter of system calls refuses
//! it, and the tracer sees it in the registers.
#![allow(unsafe_code)]

use std::hint::black_box;

use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};

/// The argument of the mark before the operation.
pub(crate) const BEGIN: u64 = 0x0062_6567_696e;
/// The argument of the mark behind it.
pub(crate) const END: u64 = 0x0065_6e64;

/// Asks to be traced, runs the operation once to warm up and once between the marks.
pub(crate) fn run(mut operation: impl FnMut()) {
    // Where ptrace(2) is refused the child ends, which the tracer notices.
    if ptrace::traceme().is_ok() {
        raise(Signal::SIGSTOP).expect("a process may stop itself");
        marked(&mut operation, 0, 0);
        marked(&mut operation, BEGIN, END);
    }
}

/// Asks to be traced, and runs the program once between the marks.
pub(crate) fn run_once(program: impl FnOnce()) {
    if ptrace::traceme().is_ok() {
        raise(Signal::SIGSTOP).expect("a process may stop itself");
        let mut program = Some(program);
        marked(&mut || program.take().into_iter().for_each(|program| program()), BEGIN, END);
    }
}

#[inline(never)]
fn marked(operation: &mut dyn FnMut(), begin: u64, end: u64) {
    mark(begin);
    black_box(operation)();
    mark(end);
}

#[inline(always)]
fn mark(argument: u64) {
    // SAFETY: because getpid(2) takes no argument and changes nothing.
    unsafe { libc::syscall(libc::SYS_getpid, argument) };
}
