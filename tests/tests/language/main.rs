//! Checks the house style of CONTRIBUTING.md: comments, pages, messages and names use the field's
//! words, and comments and pages fit in 100 columns.

mod source;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use source::{Fence, Kind, comment_text, pieces};
use words::{avoided, avoided_in_name, without_quotations};

/// The widest line of a comment or page, in columns: two files fit side by side on a usual screen.
const MAX_COLUMNS: usize = 100;

/// The file that lists the words cannot do without them.
const LIST_OF_WORDS: &str = "tests/tests/language/words.rs";

/// Something to mend: where, and what.
type Finding = String;

#[test]
fn comments_pages_messages_and_names_follow_the_house_style() {
    let mut found = Vec::new();
    for path in files(&root()) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        found.extend(findings(&name, &fs::read_to_string(&path).unwrap()));
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// All source files and pages, without what cargo and git keep and without symbolic links.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else if is_rust(&name) || is_page(&name) || has_hash_comments(&name) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_rust(name: &str) -> bool {
    name.ends_with(".rs")
}

fn is_page(name: &str) -> bool {
    name.ends_with(".md")
}

/// Scripts and manifests. The gate is called `run`.
fn has_hash_comments(name: &str) -> bool {
    name.ends_with(".sh")
        || name.ends_with(".toml")
        || Path::new(name).file_name().is_some_and(|name| name == "run")
}

/// What is to mend in a file.
fn findings(name: &str, text: &str) -> Vec<Finding> {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let mut found: Vec<Finding> =
        avoided_in_name(&stem).iter().map(|word| format!("{name}: {word}")).collect();
    if name == LIST_OF_WORDS {
        return found;
    }
    let lines = match name {
        name if is_rust(name) => [in_comments(text), in_strings(text), in_names(text)].concat(),
        name if is_page(name) => in_page(text),
        _ => in_hash_comments(text),
    };
    found.extend(lines.into_iter().map(|(line, what)| format!("{name}:{line}: {what}")));
    found
}

/// The line and what is to mend there.
type InLine = (usize, String);

fn in_comments(source: &str) -> Vec<InLine> {
    let (mut found, mut fence, mut last) = (Vec::new(), Fence::default(), 0);
    for comment in pieces(source).iter().filter(|piece| piece.kind == Kind::Comment) {
        if comment.line > last + 1 {
            fence = Fence::default();
        }
        last = comment.line;
        let text = comment_text(comment.text);
        if !fence.covers(text) {
            found.extend(avoided(text).into_iter().map(|word| (comment.line, word)));
            let line = source.lines().nth(comment.line - 1).unwrap_or_default();
            found.extend(
                too_wide(line, text)
                    .filter(|_| line.trim_start().starts_with("//"))
                    .map(|w| (comment.line, w)),
            );
        }
    }
    found
}

/// Strings with a space in them: messages, help and descriptions, and not names or formats.
fn in_strings(source: &str) -> Vec<InLine> {
    let strings =
        pieces(source).into_iter().filter(|piece| piece.kind == Kind::String && piece.text.contains(' '));
    strings.flat_map(|piece| avoided(piece.text).into_iter().map(move |word| (piece.line, word))).collect()
}

/// Names of functions, and so of tests.
fn in_names(source: &str) -> Vec<InLine> {
    let code =
        pieces(source).into_iter().filter(|piece| piece.kind == Kind::Code && !piece.text.trim().is_empty());
    let code: Vec<_> = code.collect();
    let names = code.windows(2).filter(|pair| pair[0].text == "fn").map(|pair| pair[1]);
    names.flat_map(|name| avoided_in_name(name.text).into_iter().map(move |word| (name.line, word))).collect()
}

fn in_page(page: &str) -> Vec<InLine> {
    let (mut found, mut fence) = (Vec::new(), Fence::default());
    for (number, line) in (1..).zip(page.lines()) {
        if !fence.covers(line) {
            found.extend(found_in_line(line, line).map(|what| (number, what)));
        }
    }
    found
}

fn in_hash_comments(script: &str) -> Vec<InLine> {
    let comments = (1..).zip(script.lines()).filter(|(_, line)| line.trim_start().starts_with('#'));
    comments.flat_map(|(number, line)| found_in_line(line, line).map(move |what| (number, what))).collect()
}

/// The avoided words of a line's prose, and whether the line is too wide.
fn found_in_line(line: &str, prose: &str) -> impl Iterator<Item = String> + use<> {
    avoided(prose).into_iter().chain(too_wide(line, prose))
}

/// A line of prose beyond the last column. Rows of tables and what links lead to may be as long as
/// they are.
fn too_wide(line: &str, prose: &str) -> impl Iterator<Item = String> + use<> {
    let is_exempt = prose.trim_start().starts_with('|') || line.contains("://");
    let columns =
        if line.contains("](") { without_quotations(line).chars().count() } else { line.chars().count() };
    (columns > MAX_COLUMNS && !is_exempt).then(|| format!("{columns} columns")).into_iter()
}

#[test]
fn findings_state_file_line_and_word() {
    let found = findings("a/bell.rs", words::SAMPLE);
    let expected = [
        "a/bell.rs: `bell`",
        "a/bell.rs:1: `who`",
        "a/bell.rs:5: `nobody`",
        "a/bell.rs:5: `he`",
        "a/bell.rs:5: `told`",
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (finding, expected) in found.iter().zip(expected) {
        assert!(finding.starts_with(expected), "{finding} is not {expected}");
    }
}
