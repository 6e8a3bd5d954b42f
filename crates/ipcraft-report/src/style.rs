//! The characters and styles that an output can show.

/// What the output can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether bold and dim text are possible.
    pub bold: bool,
    /// Whether characters outside ASCII are possible.
    pub unicode: bool,
    /// Whether rules may be drawn around tables.
    pub rules: bool,
}

impl Style {
    pub(crate) fn strong(self, text: &str) -> String {
        if self.bold { format!("\x1b[1m{text}\x1b[0m") } else { text.into() }
    }

    pub(crate) fn weak(self, text: &str) -> String {
        if self.bold { format!("\x1b[2m{text}\x1b[0m") } else { text.into() }
    }

    /// Replaces the characters outside ASCII that this crate uses, if they are not possible.
    pub(crate) fn encode(self, text: String) -> String {
        if self.unicode { text } else { text.replace('±', "+-").replace('×', "x").replace('─', "-") }
    }
}

/// Cuts a line off at `width` columns.
pub(crate) fn clip(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.into();
    }
    let kept: String = line.chars().take(width.saturating_sub(3)).collect();
    kept + "..."
}
