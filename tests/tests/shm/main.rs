//! Shared memory: the contracts of the module pages, and each row of their errno tables that can be
//! provoked. Tests of anonymous memory that need one process only are in `shm_anonymous`.

mod interop;
mod memory_limit;
mod posix;
mod posix_options;
mod shared;
mod sharing;
mod sysv;

use std::ffi::OsStr;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, name};
use ipcraft_tests::suite;

/// A name of an object that no other test uses. The file is removed on drop, whatever its type.
struct Name {
    text: String,
}

impl Name {
    fn new() -> Name {
        Name { text: format!("/{}", name::unique("ipcraft-shm")) }
    }

    /// A name of `length` bytes after the slash.
    fn padded(length: usize) -> Name {
        Name { text: format!("{:x<1$}", Name::new().text, length + 1) }
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm{}", self.text))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<OsStr> for Name {
    fn as_ref(&self) -> &OsStr {
        self.text.as_ref()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Usually the test has removed it. Forked children exit without dropping what they did not
        // move.
        let _ = fs::remove_file(self.path()).or_else(|_| fs::remove_dir(self.path()));
    }
}

fn kind<T: std::fmt::Debug>(result: ipcraft::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn page() -> usize {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).unwrap().unwrap() as usize
}

/// A key that no other process uses.
fn unique_key() -> Key {
    static COUNTER: AtomicI32 = AtomicI32::new(0);
    let pid = process::id() as i32;
    Key::new(0x2000_0000 | pid << 8 | (COUNTER.fetch_add(1, Relaxed) & 0xff))
}

fn main() -> ExitCode {
    ipcraft_tests::namespace::enter_own_ipc();
    suite::main()
}
