//! Which pages of a mapping are in memory: mincore(2).

#![allow(unsafe_code)]

use std::ptr::NonNull;

use nix::errno::Errno;

/// Pages that one call asks about.
const BATCH_PAGES: usize = 1 << 16;

/// Counts the bytes of whole pages that are not in memory, in a range that starts on a page. Above
/// `enough`, the rest of the range counts as absent without a check.
///
/// Fails with `ENOMEM` if part of the range is not mapped.
pub(crate) fn absent_bytes(start: NonNull<u8>, length: usize, enough: usize) -> nix::Result<usize> {
    let page = page_size()?;
    let mut present = vec![0u8; BATCH_PAGES.min(length.div_ceil(page))];
    let mut absent = 0;
    for offset in (0..length).step_by(BATCH_PAGES * page) {
        let pages = (length - offset).div_ceil(page).min(BATCH_PAGES);
        let from = start.as_ptr().wrapping_add(offset);
        // SAFETY: because mincore(2) only writes one byte for each page, for which `present` has
        // room, and checks that the range is mapped.
        Errno::result(unsafe { libc::mincore(from.cast(), pages * page, present.as_mut_ptr()) })?;
        absent += page * present[..pages].iter().filter(|&&byte| byte & 1 == 0).count();
        if absent > enough {
            return Ok(absent + (length - offset).saturating_sub(pages * page));
        }
    }
    Ok(absent)
}

/// The size of an ordinary page (sysconf(3)).
pub(crate) fn page_size() -> nix::Result<usize> {
    // SAFETY: because sysconf(3) takes a number and returns one.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_err(|_| Errno::last())
}
