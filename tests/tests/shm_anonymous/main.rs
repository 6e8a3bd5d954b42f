//! Anonymous shared memory: the contract of the module page, as far as one process can check it.

mod mapping;
mod memfd;

use ipcraft::ErrorKind;

fn kind<T: std::fmt::Debug>(result: ipcraft::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn page() -> usize {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).unwrap().unwrap() as usize
}
