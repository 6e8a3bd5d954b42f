//! Shared parts of the examples: starting the second process, and data that can be verified.
//!
//! Each example is a producer and a consumer in two real processes. The first process starts the
//! same program again, with the role as its first argument.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use ipcraft::name;

pub mod buffer;
pub mod peer;

/// The result of a role: any error ends the process with a non-zero status.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Prints a line as the macro of std does, which would panic if the output is closed or full.
///
/// The example continues without the line: its other process waits for it, and objects remain to be
/// removed.
#[macro_export]
macro_rules! println {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// This program, to be started in another role: `--consumer`, for example.
pub fn this_program(role: &str) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(role);
    Ok(command)
}

/// The role of this process; `None` for the process that the user started.
pub fn role() -> Option<String> {
    env::args().nth(1).filter(|role| role.starts_with("--"))
}

/// The argument after the role.
pub fn argument() -> Outcome<String> {
    env::args().nth(2).ok_or_else(|| "an argument is missing".into())
}

/// A path that no other running process uses, for an object that the example creates and removes.
///
/// It also removes the objects with this prefix that killed examples of this user left.
pub fn fresh_path(prefix: &str) -> PathBuf {
    fresh_path_after(prefix, |_| ())
}

/// A [`fresh_path`] for an object that is not a file, but is marked by one. `reclaim` removes the
/// objects that belong to files of dead processes.
pub fn fresh_path_after(prefix: &str, reclaim: impl Fn(&Path)) -> PathBuf {
    sweep(&name::runtime_dir(), prefix, reclaim);
    name::unique_path(prefix)
}

/// A [`fresh_path`] for a POSIX shared memory object or semaphore: returns its name.
pub fn fresh_object(prefix: &str) -> String {
    fresh_object_after(prefix, |_| ())
}

/// A [`fresh_object`] for one that other objects belong to. `reclaim` removes those of dead
/// processes.
pub fn fresh_object_after(prefix: &str, reclaim: impl Fn(&Path)) -> String {
    for file_prefix in [prefix, &format!("sem.{prefix}")] {
        sweep(Path::new("/dev/shm"), file_prefix, &reclaim);
    }
    format!("/{}", name::unique(prefix))
}

/// Removes the files whose names contain this prefix and the id of a dead process.
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

/// Waits for the other process. Fails unless it succeeds.
pub fn finish(mut child: Child) -> Outcome {
    succeeded(child.wait()?)
}

/// Fails unless the other process succeeded.
pub fn succeeded(status: ExitStatus) -> Outcome {
    if status.success() { Ok(()) } else { Err(format!("the other process failed: {status}").into()) }
}

/// The byte at a position of the test pattern. Its period is a prime, so shifted or lost blocks do
/// not match.
pub fn pattern_at(position: usize) -> u8 {
    (position % 251) as u8
}

/// `length` bytes of the test pattern, starting at `position`.
pub fn pattern(position: usize, length: usize) -> Vec<u8> {
    (position..position + length).map(pattern_at).collect()
}

/// Checks every byte of `received` against the pattern, starting at `position`.
pub fn verify(position: usize, received: &[u8]) -> Outcome {
    match received.iter().enumerate().find(|(i, byte)| **byte != pattern_at(position + i)) {
        None => Ok(()),
        Some((i, byte)) => Err(format!("wrong byte {byte} at position {}", position + i).into()),
    }
}

/// Fails unless the two values are equal. The error names them.
pub fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted { Ok(()) } else { Err(format!("{what}: found {found:?}, wanted {wanted:?}").into()) }
}

/// `16.0 MiB in 5.2 ms (3.0 GiB/s)`
pub fn speed(bytes: usize, elapsed: Duration) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    let rate = mib / 1024.0 / elapsed.as_secs_f64();
    format!("{mib:.1} MiB in {:.1} ms ({rate:.2} GiB/s)", elapsed.as_secs_f64() * 1e3)
}
