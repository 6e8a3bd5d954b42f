//! No operation that waits is missing: what the library's source offers is compared with what is
//! tested here.
//!
//! The mark of such an operation is that one of its forms takes a time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn every_waiting_operation_is_in_the_storm(tested: &BTreeSet<&'static str>) {
    let offered = offered();
    assert!(offered.len() > 30, "only {offered:?}");
    let missing: Vec<_> = offered.iter().filter(|name| !tested.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no storm for {missing:?}");
    let gone: Vec<_> = tested.iter().filter(|name| !offered.contains(**name)).collect();
    assert!(gone.is_empty(), "the library has no {gone:?}");
}

/// The public functions that take a time, as `module::Type::function`, without `_timeout`.
fn offered() -> BTreeSet<String> {
    let library = library();
    let mut names = BTreeSet::new();
    for path in sources(&library) {
        let module = module(&library, path.strip_prefix(&library).unwrap());
        // What is private to the library, and what makes a time into a deadline.
        if !module.starts_with("sys") && module != "time" {
            names.extend(
                timed(&fs::read_to_string(path).unwrap()).iter().map(|name| format!("{module}::{name}")),
            );
        }
    }
    names
}

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ipcraft/src")
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// A file is a module of its own if that is public, and otherwise a part of the module that its
/// directory is.
fn module(library: &Path, path: &Path) -> String {
    let (parent, name) = (path.parent().unwrap(), path.file_stem().unwrap().display());
    let of_parent = fs::read_to_string(library.join(parent).join("mod.rs")).unwrap_or_default();
    let is_own = parent == Path::new("") || of_parent.contains(&format!("pub mod {name};"));
    let named = if is_own { path.with_extension("") } else { parent.to_owned() };
    named.display().to_string().replace('/', "::")
}

/// The functions of a source file, with the type or trait that they belong to.
fn timed(source: &str) -> Vec<String> {
    let shipped = source.split("#[cfg(test)]").next().unwrap();
    let mut owner = Owner::default();
    let mut found = Vec::new();
    let mut lines = shipped.lines();
    while let Some(line) = lines.next() {
        owner = Owner::declared(line).unwrap_or(owner);
        let Some((name, start)) = owner.function(line) else { continue };
        let mut signature = start.to_owned();
        while !signature.contains(['{', ';']) {
            signature.push_str(lines.next().unwrap());
        }
        if ["Duration", "Deadline"].iter().any(|time| signature.contains(time)) {
            found.push(format!("{}{}", owner.prefix, name.strip_suffix("_timeout").unwrap_or(name)));
        }
    }
    found
}

/// What a function belongs to.
#[derive(Default)]
struct Owner {
    prefix: String,
    is_trait: bool,
}

impl Owner {
    fn declared(line: &str) -> Option<Owner> {
        let (rest, is_trait) = match (line.strip_prefix("impl"), line.strip_prefix("pub trait ")) {
            (Some(rest), _) => (after_generics(rest).trim_start(), false),
            (_, Some(rest)) => (rest, true),
            // The end of one, or something else.
            _ => return line.starts_with('}').then(Owner::default),
        };
        let name = rest.split(|c: char| !c.is_alphanumeric()).next()?;
        Some(Owner { prefix: format!("{name}::"), is_trait })
    }

    /// The name of the function that starts in this line, and its declaration from the parameters
    /// on.
    fn function<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str)> {
        let mark = if self.is_trait { "fn " } else { "pub fn " };
        let declared = line.trim_start().strip_prefix(mark)?;
        let end = declared.find(['(', '<'])?;
        Some(declared.split_at(end))
    }
}

/// What follows the parameters in `impl<T: Trait<U>> …`.
fn after_generics(rest: &str) -> &str {
    let mut depth = 0;
    let end = rest.find(|c| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        depth == 0
    });
    end.map_or(rest, |end| rest[end..].trim_start_matches('>'))
}

pub(crate) fn the_source_is_understood() {
    let source = "
pub fn free(a: u8, b: Duration) {}
impl<T: Into<U>> Type<T> {
    pub fn one_timeout(
        &self,
        timeout: Option<Duration>,
    ) -> Result<()> {}
    pub fn other(&self) {}
    fn private(&self, timeout: Duration) {}
}
pub trait Trait: Sealed {
    fn two_timeout<A: B>(&self, until: Deadline);
}
pub(crate) fn hidden(timeout: Duration) {}
#[cfg(test)]
pub fn test(timeout: Duration) {}
";
    assert_eq!(timed(source), ["free", "Type::one", "Trait::two"]);
    for (path, name) in [
        ("queue/posix/handle.rs", "queue::posix"),
        ("socket/stream.rs", "socket::stream"),
        ("time.rs", "time"),
    ] {
        assert_eq!(module(&library(), Path::new(path)), name);
    }
}
