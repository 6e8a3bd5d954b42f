//! Text for standard output and standard error. Neither may be usable, and nothing panics.

use std::env;
use std::io::{self, IsTerminal, Write};

use clap::builder::StyledStr;

/// Writes to standard output, and reports what could not be written.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(to_standard_output)
}

/// Adds to an error where it occurred.
pub(crate) fn to_standard_output(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// Writes a message to standard error. There is no other place to report that this failed.
pub(crate) fn complain(message: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "ipcraft: {message}");
}

/// Returns whether this output is a terminal that may be sent bold and dim text. A non-empty
/// `NO_COLOR` asks for plain text, so that these are left out, too.
pub(crate) fn is_styled(output: &impl IsTerminal) -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    output.is_terminal() && !no_color && !is_dumb()
}

/// Returns a text of clap's, with its styles if this output may be sent them.
pub(crate) fn styled_for(output: &impl IsTerminal, text: &StyledStr) -> String {
    if is_styled(output) { text.ansi().to_string() } else { text.to_string() }
}

/// Returns whether the terminal shows nothing but text.
pub(crate) fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term == "dumb")
}
