//! Text for standard output and standard error. Neither may be usable, and nothing panics.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use comfy_table::Table;

use crate::style::Style;
use crate::summary::MAX_WIDTH;

/// What an output can show.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The columns of a line.
    pub width: usize,
    /// The characters and styles.
    pub style: Style,
}

impl Page {
    /// Returns what standard output can show.
    pub fn of_stdout() -> Page {
        Page { width: width(&Table::new()), style: style(&io::stdout()) }
    }

    /// Returns what standard error can show.
    pub fn of_stderr() -> Page {
        Page { width: width(Table::new().use_stderr()), style: style(&io::stderr()) }
    }
}

/// Returns the width of the terminal. If the output is none, or a terminal that does not know its
/// width, that is the widest page.
fn width(table: &Table) -> usize {
    table.width().filter(|&width| width > 0).map_or(MAX_WIDTH, usize::from)
}

/// Rules and styles are for terminals, other characters than ASCII for locales that have them.
fn style(output: &impl IsTerminal) -> Style {
    let unicode = is_utf8();
    Style { bold: is_styled(output), unicode, rules: unicode && output.is_terminal() && !is_dumb() }
}

/// Returns whether the locale encodes text as UTF-8: the first of these variables that is set
/// counts.
fn is_utf8() -> bool {
    let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Writes to standard output.
///
/// # Errors
/// If not everything could be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(to_standard_output)
}

/// Writes to standard error what is usually on standard output.
///
/// # Errors
/// If not everything could be written.
pub fn print_aside(text: &str) -> io::Result<()> {
    let written = io::stderr().write_all(text.as_bytes());
    written.map_err(|error| io::Error::new(error.kind(), format!("cannot write to standard error: {error}")))
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
