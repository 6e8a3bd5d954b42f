//! The size of the descriptor table, for a child that visits each number.
//!
//! `RLIMIT_NOFILE` is not that size. Service managers set it to as much as 1 073 741 816, and one
//! system call per number then takes minutes.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use nix::errno::Errno;

/// Bounds the numbers that are searched for one descriptor if /proc cannot be read. A process gets
/// the lowest free number, so only one with more descriptors than this has any above.
pub(super) const SEARCHED_WITHOUT_PROC: RawFd = 1 << 16;

const STATUS: &std::ffi::CStr = c"/proc/self/status";
const LABEL: &[u8] = b"\nFDSize:\t";

/// Returns the number of slots in the table of this process (proc_pid_status(5), `FDSize`). No
/// descriptor has that number or a higher one. After a fork the table is as small as can be.
///
/// Makes only async-signal-safe calls and does not allocate.
pub(super) fn size() -> nix::Result<RawFd> {
    // The line is the tenth of the file. The name of the program, which is in the first, has at
    // most 64 bytes.
    let mut text = [0; 1024];
    // SAFETY: because open(2) reads a string that ends with a NUL.
    let file = Errno::result(unsafe { libc::open(STATUS.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) })?;
    // SAFETY: because read(2) writes at most as many bytes as `text` has.
    let length = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
    // SAFETY: because the descriptor was opened above and has no other owner.
    unsafe { libc::close(file) };
    parse(text.get(..length.unsigned_abs()).ok_or(Errno::EIO)?).ok_or(Errno::EIO)
}

fn parse(status: &[u8]) -> Option<RawFd> {
    let start = status.windows(LABEL.len()).position(|window| window == LABEL)? + LABEL.len();
    let mut digits = status[start..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.try_fold(0, |sum: RawFd, digit| sum.checked_mul(10)?.checked_add(RawFd::from(digit - b'0')))
}

/// Returns `RLIMIT_NOFILE`. Async-signal-safe, as [`size`].
pub(super) fn limit() -> nix::Result<RawFd> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: because getrlimit(2) writes one structure of this type.
    Errno::result(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) })?;
    // SAFETY: because the call succeeded and has filled the structure in.
    let soft = unsafe { limit.assume_init() }.rlim_cur;
    Ok(RawFd::try_from(soft).unwrap_or(RawFd::MAX))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn size_is_above_every_open_descriptor() {
        let file = std::fs::File::open("/proc/self/status").unwrap();
        let size = size().unwrap();
        assert!(size > file.as_raw_fd() && size > 2, "{size}");
    }

    #[test]
    fn parse_finds_the_number_behind_the_label() {
        assert_eq!(parse(b"Name:\tx\nGid:\t0\t0\nFDSize:\t256\nGroups:\t0\n"), Some(256));
        for text in [&b"Name:\tFDSize:\t7\n"[..], b"\nFDSize:\t99999999999\n", b""] {
            assert_eq!(parse(text), None);
        }
    }
}
