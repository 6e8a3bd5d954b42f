//! What the examples share: starting the second process, and data that can be checked.
//!
//! Every example is a producer and a consumer in two real processes. It is started as one of them and starts the other
//! itself: the same program, told by its first argument which part to play.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use ipcraft::name;

pub mod buffer;
pub mod relatives;

/// What the parts of an example return: any error ends the process with a non-zero status.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// This very program, to be started in another part: `--consumer`, for example.
pub fn myself(part: &str) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(part);
    Ok(command)
}

/// The part that this process was started for; `None` for the one that the user started.
pub fn part() -> Option<String> {
    env::args().nth(1).filter(|part| part.starts_with("--"))
}

/// The argument after the part.
pub fn argument() -> Outcome<String> {
    env::args().nth(2).ok_or_else(|| "an argument is missing".into())
}

/// A path that no other running process uses, for an object that the example makes and removes.
///
/// An example that was killed could not remove its own: what dead processes of this user left under this prefix goes now.
pub fn fresh_path(prefix: &str) -> PathBuf {
    fresh_path_after(prefix, |_| ())
}

/// A [`fresh_path`] for an object that is no file, and that a file at the path stands for: with what dead processes left
/// there, `reclaim` removes the objects.
pub fn fresh_path_after(prefix: &str, reclaim: impl Fn(&Path)) -> PathBuf {
    sweep(&name::runtime_dir(), prefix, reclaim);
    name::unique_path(prefix)
}

/// The name of a POSIX shared memory object or semaphore, likewise.
pub fn fresh_object(prefix: &str) -> String {
    fresh_object_after(prefix, |_| ())
}

/// A [`fresh_object`] for one whose file other objects go with: of what dead processes left, `reclaim` removes those.
pub fn fresh_object_after(prefix: &str, reclaim: impl Fn(&Path)) -> String {
    for file_prefix in [prefix, &format!("sem.{prefix}")] {
        sweep(Path::new("/dev/shm"), file_prefix, &reclaim);
    }
    format!("/{}", name::unique(prefix))
}

/// Removes the files whose names have this prefix and the id of a process that is dead.
fn sweep(directory: &Path, prefix: &str, reclaim: impl Fn(&Path)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let maker = file.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')?.split('-').next());
        if maker.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()) {
            reclaim(&entry.path());
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Waits for the other process, which must succeed.
pub fn finish(mut child: Child) -> Outcome {
    succeeded(child.wait()?)
}

/// Turns a bad end of the other process into an error of this one.
pub fn succeeded(status: ExitStatus) -> Outcome {
    if status.success() { Ok(()) } else { Err(format!("the other process failed: {status}").into()) }
}

/// The byte at this position of the endless test pattern. Its period is a prime, so shifted or lost blocks do not fit again.
pub fn pattern_at(position: usize) -> u8 {
    (position % 251) as u8
}

/// `length` bytes of the test pattern from `position` on.
pub fn pattern(position: usize, length: usize) -> Vec<u8> {
    (position..position + length).map(pattern_at).collect()
}

/// Checks every byte of `received` against the pattern from `position` on.
pub fn verify(position: usize, received: &[u8]) -> Outcome {
    match received.iter().enumerate().find(|(i, byte)| **byte != pattern_at(position + i)) {
        None => Ok(()),
        Some((i, byte)) => Err(format!("wrong byte {byte} at position {}", position + i).into()),
    }
}

/// Fails unless the two are equal, naming what they are.
pub fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("{what}: found {found:?}, wanted {wanted:?}").into()) }
}

/// `16.0 MiB in 5.2 ms (3.0 GiB/s)`
pub fn speed(bytes: usize, elapsed: Duration) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    let rate = mib / 1024.0 / elapsed.as_secs_f64();
    format!("{mib:.1} MiB in {:.1} ms ({rate:.2} GiB/s)", elapsed.as_secs_f64() * 1e3)
}
