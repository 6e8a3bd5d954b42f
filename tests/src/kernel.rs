//! The version of the running kernel, for tests of what an older one lacks.

use nix::sys::utsname::uname;

/// Whether the running kernel has this version or a later one.
///
/// # Panics
///
/// If uname(2) fails.
pub fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    let release = uname().expect("uname(2)").release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
