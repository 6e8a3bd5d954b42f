//! The position of a kill, and the command that repeats it.

use std::env;
use std::fmt;
use std::str::FromStr;

/// The environment variable for a single position, as in `instruction:123`, `syscall:5` or
/// `wait:2`.
pub(super) const POSITION: &str = "IPCRAFT_SWEEP_POSITION";

/// The position of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// After this number of instructions.
    Instruction(u64),
    /// After this number of entries into and returns from system calls.
    SystemCall(u64),
    /// In the wait with this number, counted from 1.
    Wait(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Instruction(count) => write!(f, "after {count} instructions"),
            Position::SystemCall(count) => write!(f, "at entry or return {count} of its system calls"),
            Position::Wait(count) => write!(f, "in wait {count}"),
        }
    }
}

impl Position {
    /// The value of [`POSITION`] that stands for it.
    fn argument(self) -> String {
        match self {
            Position::Instruction(count) => format!("instruction:{count}"),
            Position::SystemCall(count) => format!("syscall:{count}"),
            Position::Wait(count) => format!("wait:{count}"),
        }
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Position, String> {
        let usage = || format!("{POSITION}={text}: use instruction:N, syscall:N or wait:N");
        let (kind, count) = text.split_once(':').ok_or_else(usage)?;
        let count = count.parse().map_err(|_| usage())?;
        match kind {
            "instruction" => Ok(Position::Instruction(count)),
            "syscall" => Ok(Position::SystemCall(count)),
            "wait" => Ok(Position::Wait(count)),
            _ => Err(usage()),
        }
    }
}

/// The line with the command that repeats a position.
pub(super) fn repeat(name: &str, position: Position) -> String {
    let program = env::current_exe().unwrap_or_default();
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    let test = stem.rsplit_once('-').map_or(&*stem, |(test, _hash)| test);
    let profile = if cfg!(debug_assertions) { "" } else { " --release" };
    let position = position.argument();
    format!(
        "  repeat: {POSITION}={position} cargo test{profile} -p ipcraft-tests --test {test} -- --exact {name}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_of_each_position_parses_to_the_same_position() {
        for position in [Position::Instruction(0), Position::SystemCall(5), Position::Wait(2)] {
            assert_eq!(position.argument().parse(), Ok(position));
        }
        for wrong in ["", "7", "instruction", "instruction:", "instruction:x", "sleep:1"] {
            assert!(wrong.parse::<Position>().unwrap_err().contains("use instruction:N"), "{wrong}");
        }
    }
}
