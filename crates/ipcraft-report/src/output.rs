//! Text for standard output and standard error. Neither may be usable, and nothing panics.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes to standard output.
///
/// # Errors
/// If not everything could be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(to_standard_output)
}

/// Adds to an error where it occurred.
pub fn to_standard_output(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// Writes a message to standard error. There is no other place to report that this failed.
pub fn complain(message: &dyn std::fmt::Display) {
    let program = env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default().display();
    let _ = writeln!(io::stderr(), "{name}: {message}");
}

/// Returns whether this output is a terminal that may be sent bold and dim text. A non-empty
/// `NO_COLOR` asks for plain text, so that these are left out, too.
pub fn is_styled(output: &impl IsTerminal) -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    output.is_terminal() && !no_color && !is_dumb()
}

/// Returns whether the terminal shows nothing but text.
pub fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term == "dumb")
}
