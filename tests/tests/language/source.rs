//! The prose of source files and pages: comments, messages and paragraphs, each with its line.

/// A piece of prose, and the line on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

/// What a piece of a Rust file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Comment,
    String,
    Code,
}

/// Cuts a Rust file into comments, strings and the code between them.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let (mut rest, mut line, mut found) = (source, 1, Vec::new());
    while !rest.is_empty() {
        let (kind, length) = next(rest);
        let text = &rest[..length];
        found.push(Piece { line, kind, text });
        line += text.matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// The kind and the length of the piece that the text begins with.
fn next(text: &str) -> (Kind, usize) {
    if text.starts_with("//") {
        return (Kind::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Kind::Comment, text.find("*/").map_or(text.len(), |end| end + 2));
    }
    if text.starts_with('"') {
        return (Kind::String, end_of_string(text));
    }
    let word = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    match (word, raw_string(text, word)) {
        (_, Some(length)) => (Kind::String, length),
        (0, None) if text.starts_with('\'') => (Kind::Code, end_of_character(text)),
        (0, None) => (Kind::Code, text.chars().next().map_or(0, char::len_utf8)),
        (word, None) => (Kind::Code, word),
    }
}

fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// The length of a raw string that begins with a prefix of this length.
fn raw_string(text: &str, prefix: usize) -> Option<usize> {
    if !["r", "br", "cr"].contains(&&text[..prefix]) {
        return None;
    }
    let hashes = text[prefix..].len() - text[prefix..].trim_start_matches('#').len();
    let open = prefix + hashes + 1;
    text[prefix + hashes..].starts_with('"').then_some(())?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(text[open..].find(&close).map_or(text.len(), |end| open + end + close.len()))
}

/// The length of a character in quotes, or of the quote alone if it begins a lifetime.
fn end_of_character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    let escaped = match characters.next() {
        Some((_, '\\')) => characters.next().is_some(),
        _ => false,
    };
    match characters.next() {
        Some((at, '\'')) => at + 1,
        Some((at, _)) if escaped => text[at..].find('\'').map_or(1, |end| at + end + 1),
        _ => 1,
    }
}

/// The lines of prose of a page or of a block of comments, without fenced code.
#[derive(Debug, Default)]
pub(crate) struct Fence {
    inside: bool,
}

impl Fence {
    /// Whether this line is code, or the fence round it.
    pub(crate) fn covers(&mut self, line: &str) -> bool {
        let is_fence = line.trim_start().starts_with("```");
        self.inside ^= is_fence;
        self.inside || is_fence
    }
}

/// The text of a comment without its slashes.
pub(crate) fn comment_text(comment: &str) -> &str {
    comment.trim_start_matches('/').trim_start_matches('!')
}

#[test]
fn rust_files_are_cut_into_comments_strings_and_code() {
    let source = "let a = \"x // \\\" y\"; // end\nlet b = ('\"', '\\'', r#\"raw \" one\"#, 'a');";
    let of =
        |kind| pieces(source).iter().filter(|p| p.kind == kind).map(|p| (p.line, p.text)).collect::<Vec<_>>();
    assert_eq!(of(Kind::Comment), [(1, "// end")]);
    assert_eq!(of(Kind::String), [(1, "\"x // \\\" y\""), (2, "r#\"raw \" one\"#")]);
}
