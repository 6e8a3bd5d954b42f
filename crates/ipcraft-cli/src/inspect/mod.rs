//! What exists on this machine: the commands over `ipcraft-inspect`.

pub(crate) mod exchange;
pub(crate) mod holding;
pub(crate) mod limits;
pub(crate) mod listing;
pub(crate) mod locks;
pub(crate) mod removal;
mod screen;
pub(crate) mod shell;
pub(crate) mod showing;
mod table;

use ipcraft_inspect::{Kind, NameError, ObjectName};

/// Parses a kind that is listed.
fn kind(text: &str) -> Result<Kind, String> {
    let words = || Kind::LISTED.map(Kind::word).join(", ");
    match text.parse() {
        Ok(Kind::Process) | Err(_) => Err(format!("use one of {}", words())),
        Ok(kind) => Ok(kind),
    }
}

/// Parses the name of an object.
fn object_name(text: &str) -> Result<ObjectName, NameError> {
    text.parse()
}

/// Parses the name of an object, or the id of a process alone.
fn object_or_pid(text: &str) -> Result<ObjectName, NameError> {
    match text.parse() {
        Ok(pid) => Ok(ObjectName::Process(pid)),
        Err(_) => text.parse(),
    }
}
